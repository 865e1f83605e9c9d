"""`/trust`: what agents did and who let them, and how they have done; agents see their own."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from bot.api import bodies
from bot.api.cursors import cursor_at
from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer
from bot.api.principals import Callers, Operator
from bot.api.queries import LIMIT, PLACE, Query, instant, invalid, name, switch
from bot.api.shapes import Page
from bot.api.trust_wire import LatestJson, ScoreJson, TraceJson, TrustGroups, TrustRecordJson
from bot.office import Office
from governance.errors import NotFound
from governance.policy import Agent, Policy
from governance.tiers import Tier
from governance.trust_score import Latest, Score, score_of
from governance.trustgraph import TrustOutcome
from scheduler.upkeep import seal_for_reader
from storage import trust
from storage.database import Tx
from storage.tables import TrustRecord
from storage.trust import TrustQuery

AGENT, ACTION = name("agent", "Only records of this agent."), name("action", "Only records of this class of actions.")
OUTCOME: Query[TrustOutcome | None] = Query("outcome", TrustOutcome, "Only records of calls that ended so.")
TIER: Query[Tier | None] = Query("tier", Tier, "Only records of calls at this tier.")
SINCE, UNTIL = instant("since", "Only records from then on."), instant("until", "Only records before then.")
GROUPED = switch("grouped_by_trace", "1 gathers the records of a page by their trace.", default=False)


class Trust:
    """Handlers of `/trust`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers
        self._sealing = asyncio.Lock()  #: many readers at once hold one connection to seal, not one each

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        page = {200: Page[TrustRecordJson] | TrustGroups}
        query = (AGENT, ACTION, OUTCOME, TIER, SINCE, UNTIL, GROUPED, LIMIT, PLACE)
        return [
            Endpoint("GET", "/trust", self.index, Who.EITHER, page, query=query),
            Endpoint("GET", "/trust/score", self.score, Who.EITHER, {200: ScoreJson}, query=(AGENT,), refuses=(404,)),
        ]

    async def index(self, request: web.Request) -> web.Response:
        """`GET /trust`: what agents did and who let them, as OpenTrustGraph records; agents see their own.

        A page holds the newest records before its cursor, in the order of the chain; `next_cursor` leads further back.
        """
        caller = await self._callers.either(request)
        asked, limit, before = _query(request), LIMIT.read(request), PLACE.read(request)
        grouped = GROUPED.read(request)
        if isinstance(caller, Agent) and asked.agent not in (None, caller.id):
            found: list[TrustRecord] = []
        else:
            asked = asked if isinstance(caller, Operator) else replace(asked, agent=caller.id)
            found = await self._page(asked, before, limit + 1)
        more = cursor_at(found[1].chain_index) if len(found) > limit else None
        return answer(_shown([json.loads(one.record) for one in found[-limit:]], more, grouped=grouped))

    async def score(self, request: web.Request) -> web.Response:
        """`GET /trust/score`: how an agent has done. An agent asks about itself."""
        caller = await self._callers.either(request)
        asked = AGENT.read(request)
        if isinstance(caller, Agent) and asked not in (None, caller.id):
            raise _unknown()
        agent = caller.id if isinstance(caller, Agent) else asked
        if agent is None:
            raise invalid("agent", "the id of an agent")
        await self._seal()
        async with self._office.database.read(self._office.tenant) as tx:
            score = await _score(tx, self._office.policy.current, agent)
        return answer(_score_json(agent, score))

    async def _seal(self) -> None:
        """Let the caller find in the graph whatever was committed before this call."""
        async with self._sealing:
            await seal_for_reader(self._office.database)

    async def _page(self, asked: TrustQuery, before: int | None, limit: int) -> list[TrustRecord]:
        await self._seal()
        async with self._office.database.read(self._office.tenant) as tx:
            return await trust.page(tx, asked, before=before, limit=limit)


def _query(request: web.Request) -> TrustQuery:
    return TrustQuery(
        agent=AGENT.read(request), action=ACTION.read(request), outcome=OUTCOME.read(request),
        tier=TIER.read(request), since=SINCE.read(request), until=UNTIL.read(request),
    )  # fmt: skip


def _shown(records: list[TrustRecordJson], more: str | None, *, grouped: bool) -> Page[TrustRecordJson] | TrustGroups:
    if grouped:
        return {"groups": _grouped(records), "next_cursor": more}
    return {"items": records, "next_cursor": more}


def _grouped(records: Sequence[TrustRecordJson]) -> list[TraceJson]:
    """Gather records by trace, in the order in which each trace is first seen."""
    groups: dict[str, list[TrustRecordJson]] = {}
    for record in records:
        groups.setdefault(record["trace_id"], []).append(record)
    return [{"trace_id": trace_id, "records": found} for trace_id, found in groups.items()]


async def _score(tx: Tx, policy: Policy, agent: str) -> Score:
    tallies, known = await trust.tallies(tx, agent), policy.agents.get(agent)
    if not tallies and known is None:
        raise _unknown()
    written = (known.tier if known else None) or policy.default_tier or Tier.ACT_WITH_APPROVAL
    tier = await trust.tier_given(tx, agent) or written
    last_run = await trust.latest(tx, agent, ran=True)
    return score_of(tallies, await trust.latest(tx, agent), last_run.outcome if last_run else None, tier)


def _score_json(agent: str, score: Score) -> ScoreJson:
    return {
        "agent": agent, "total": score.total, "ran": score.ran, "success_rate": score.success_rate,
        "outcomes": score.outcomes, "tiers": score.tiers,
        "denied": {"by_policy": score.denied_by_policy, "by_people": score.denied_by_people},
        "latest": _latest(score.latest), "tier": score.tier,
        "recommendation": {"tier": score.recommended, "tightens": score.recommended != score.tier, "reason": score.why},
    }  # fmt: skip


def _latest(found: Latest | None) -> LatestJson | None:
    return {"outcome": found.outcome, "at": bodies.moment(found.at)} if found else None


def _unknown() -> NotFound:
    return NotFound("There is no agent under this id.")
