"""`/trust`: what agents did and who let them, and how they have done; agents see their own."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from bot.api import bodies, filters
from bot.api.errors import answer
from bot.api.principals import Callers, Operator
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


class Trust:
    """Handlers of `/trust`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers
        self._sealing = asyncio.Lock()  #: many readers at once hold one connection to seal, not one each

    async def index(self, request: web.Request) -> web.Response:
        """`GET /trust?agent=&action=&outcome=&tier=&since=&until=&limit=&cursor=&grouped_by_trace=`.

        A page holds the newest records before its cursor, in the order of the chain; `next_cursor` leads further back.
        """
        caller = await self._callers.either(request)
        asked, limit, before = _query(request), bodies.limit_of(request), filters.place_in(request)
        grouped = filters.switch_in(request, "grouped_by_trace")
        if isinstance(caller, Agent) and asked.agent not in (None, caller.id):
            found: list[TrustRecord] = []
        else:
            asked = asked if isinstance(caller, Operator) else replace(asked, agent=caller.id)
            found = await self._page(asked, before, limit + 1)
        more = filters.cursor_at(found[1].chain_index) if len(found) > limit else None
        records = [json.loads(one.record) for one in found[-limit:]]
        shown = {"groups": _grouped(records)} if grouped else {"items": records}
        return answer({**shown, "next_cursor": more})

    async def score(self, request: web.Request) -> web.Response:
        """`GET /trust/score?agent=`: how an agent has done. An agent asks about itself."""
        caller = await self._callers.either(request)
        asked = filters.name_in(request, "agent")
        if isinstance(caller, Agent) and asked not in (None, caller.id):
            raise _unknown()
        agent = caller.id if isinstance(caller, Agent) else asked
        if agent is None:
            raise filters.invalid("agent", "the id of an agent")
        await self._seal()
        async with self._office.database.read(self._office.tenant) as tx:
            score = await _score(tx, self._office.policy.current, agent)
        return answer({"agent": agent, **_score_json(score)})

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
        agent=filters.name_in(request, "agent"),
        action=filters.name_in(request, "action"),
        outcome=filters.one_of(request, "outcome", TrustOutcome),
        tier=filters.one_of(request, "tier", Tier),
        since=filters.moment_in(request, "since"),
        until=filters.moment_in(request, "until"),
    )


def _grouped(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Gather records by trace, in the order in which each trace is first seen."""
    groups: dict[str, list[dict[str, Any]]] = {}
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


def _score_json(score: Score) -> dict[str, Any]:
    return {
        "total": score.total, "ran": score.ran, "success_rate": score.success_rate, "outcomes": score.outcomes,
        "tiers": score.tiers, "denied": {"by_policy": score.denied_by_policy, "by_people": score.denied_by_people},
        "latest": _latest(score.latest), "tier": score.tier,
        "recommendation": {"tier": score.recommended, "tightens": score.recommended != score.tier, "reason": score.why},
    }  # fmt: skip


def _latest(found: Latest | None) -> dict[str, Any] | None:
    return {"outcome": found.outcome, "at": bodies.moment(found.at)} if found else None


def _unknown() -> NotFound:
    return NotFound("There is no agent under this id.")
