"""`/agents/{id}`: pausing, resuming, and the tier an agent may act at."""

from aiohttp import web
from typing_extensions import TypedDict

from bot.api import bodies, wire
from bot.api.bodies import moment
from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer, problem
from bot.api.principals import Callers
from bot.api.shapes import Instant, Untrusted
from bot.api.wire import ProposalJson
from bot.office import Office, governing
from bot.office.governing import Actor
from governance.lifecycle import ProposalState
from governance.tiers import TIER_ALIASES, Tier
from operations.propose import Proposed
from operations.stand import TierChange
from storage.dossier import dossier
from storage.tables import Standing, StandingKind


class DecidedJson(TypedDict):
    """Something that a person decided about an agent while it runs."""

    by: str
    at: Instant
    reason: str
    reason_is_untrusted: Untrusted


class RecordedTierJson(DecidedJson):
    """A tier other than the file's; the target is a tool or class, empty for the agent itself."""

    target: str
    tier: Tier | None
    replaces: Tier | None
    proposal_id: str | None


class AgentJson(TypedDict):
    """An agent, and what people decided about it."""

    id: str
    name: str
    creator: str
    scopes: list[str]
    tier: Tier | None
    tiers: dict[str, Tier]
    paused: DecidedJson | None
    recorded_tiers: list[RecordedTierJson]


class Agents:
    """Handlers of `/agents/{id}`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        told, one = {200: AgentJson}, "/agents/{id}"
        tiered = {**told, 202: ProposalJson}
        return [
            Endpoint("GET", one, self.read, Who.OPERATOR, told),
            Endpoint("POST", f"{one}/pause", self.pause, Who.OPERATOR, told, bodies.ReasonBody),
            Endpoint("POST", f"{one}/resume", self.resume, Who.OPERATOR, told, bodies.ReasonBody, refuses=(409, 503)),
            Endpoint("POST", f"{one}/tier", self.tier, Who.OPERATOR, tiered, bodies.TierBody, refuses=(409, 503)),
        ]

    async def read(self, request: web.Request) -> web.Response:
        """`GET /agents/{id}`: whether an agent is paused, and the tiers recorded for it; signed."""
        await self._actor(request, tightens=True)
        return answer(await self._told(request.match_info["id"]))

    async def pause(self, request: web.Request) -> web.Response:
        """`POST /agents/{id}/pause`: let nothing of an agent start until it is resumed; signed."""
        actor, agent_id = await self._actor(request, tightens=True), request.match_info["id"]
        body, _ = await bodies.read_body(request, bodies.ReasonBody)
        await governing.pause(self._office, actor, agent_id, body.reason)
        return answer(await self._told(agent_id))

    async def resume(self, request: web.Request) -> web.Response:
        """`POST /agents/{id}/resume`: let a paused agent act again; signed."""
        actor, agent_id = await self._actor(request), request.match_info["id"]
        body, _ = await bodies.read_body(request, bodies.ReasonBody)
        await governing.resume(self._office, actor, agent_id, body.reason)
        return answer(await self._told(agent_id))

    async def tier(self, request: web.Request) -> web.Response:
        """`POST /agents/{id}/tier`: change how much an agent may do; signed. 202: another admin has to countersign."""
        actor, agent_id = await self._actor(request), request.match_info["id"]
        body, _ = await bodies.read_body(request, bodies.TierBody)
        agent = governing.agent_named(self._office, agent_id)
        tier = TIER_ALIASES.get(body.tier) or Tier(body.tier)
        change = TierChange(agent, body.target, tier, body.reason)
        done = await governing.change_tier(self._office, actor, change)
        if isinstance(done, Proposed):
            return await self._asked(done)
        return answer(await self._told(agent_id))

    async def _asked(self, proposed: Proposed) -> web.Response:
        proposal = proposed.proposal
        if proposal is None or proposal.state is ProposalState.DENIED:
            sentence = proposal.reason if proposal else proposed.verdict.reason
            code = (proposal.code if proposal else None) or "POLICY_DENIED"
            return problem(403, code, f"The promotion was refused: {sentence}.")
        async with self._office.database.read(self._office.tenant) as tx:
            found = await dossier(tx, proposal.id)
        assert found is not None  # it was just written
        return answer(wire.proposal_json(found, duplicate=proposed.duplicate), 202)

    async def _actor(self, request: web.Request, *, tightens: bool = False) -> Actor:
        operator = await self._callers.governor(request, tightens=tightens)
        return Actor(operator.person, operator.role)

    async def _told(self, agent_id: str) -> AgentJson:
        agent = governing.agent_named(self._office, agent_id)
        found = await governing.standings(self._office, agent.id)
        paused = next((one for one in found if one.kind is StandingKind.PAUSE), None)
        return {
            "id": agent.id, "name": agent.name, "creator": agent.creator, "scopes": sorted(agent.scopes),
            "tier": agent.tier, "tiers": dict(agent.tiers),
            "paused": _decision(paused) if paused else None,
            "recorded_tiers": [
                {"target": one.target, "tier": one.tier, "replaces": one.replaces, "proposal_id": one.proposal_id,
                 **_decision(one)}
                for one in found if one.kind is StandingKind.TIER
            ],
        }  # fmt: skip


def _decision(one: Standing) -> DecidedJson:
    return {"by": one.by, "at": moment(one.at), "reason": one.reason, "reason_is_untrusted": True}
