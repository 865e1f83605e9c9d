"""`/governance/policy-decisions`: what the policy said to each call an agent proposed, before anybody was asked."""

from typing import Literal

from aiohttp import web
from typing_extensions import TypedDict

from bot.api import bodies
from bot.api.cursors import cursor_after
from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer
from bot.api.principals import Callers
from bot.api.queries import CURSOR, LIMIT, PAGING, name
from bot.api.shapes import Instant
from bot.office import Office
from governance.lifecycle import ProposalState
from governance.policy import Agent
from governance.roles import Role
from governance.tiers import Tier
from storage import proposals
from storage.tables import Proposal

RUN = name("run_id", "Only of calls in this run.")
Said = Literal["denied", "shadowed", "suggested", "asked", "allowed"]
_BY_TIER: dict[Tier, Said] = {Tier.SHADOW: "shadowed", Tier.SUGGEST: "suggested", Tier.ACT_WITH_APPROVAL: "asked"}


class PolicyDecisionJson(TypedDict):
    """What the policy said to one call; `state` is what became of it since."""

    proposal_id: str
    at: Instant
    agent: str
    tool: str
    action_class: str
    risk: str | None
    digest: str
    decision: Said
    tier: Tier | None
    code: str | None
    reason: str
    rule_id: str | None
    automation_id: str | None
    run_id: str | None
    state: ProposalState


class PolicyDecisionsJson(TypedDict):
    """One page of what the policy said."""

    policy_decisions: list[PolicyDecisionJson]
    count: int
    next_cursor: str | None


class PolicyDecisions:
    """The handler of `/governance/policy-decisions`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        told, path = {200: PolicyDecisionsJson}, "/governance/policy-decisions"
        return [Endpoint("GET", path, self.index, Who.EITHER, told, query=(RUN, *PAGING))]

    async def index(self, request: web.Request) -> web.Response:
        """`GET /governance/policy-decisions`: what the policy said, newest first.

        Operators and admins see all, agents their own, everybody else those of the agents they created.
        """
        caller = await self._callers.either(request)
        limit, is_agent = LIMIT.read(request), isinstance(caller, Agent)
        sees_all = not isinstance(caller, Agent) and caller.role.covers(Role.OPERATOR)
        whose = None if sees_all else caller.id if isinstance(caller, Agent) else caller.person
        async with self._office.database.read(self._office.tenant) as tx:
            page = await proposals.page(
                tx, agent_id=whose if is_agent else None, creator=None if is_agent else whose,
                run_id=RUN.read(request), before=CURSOR.read(request), limit=limit + 1,
            )  # fmt: skip
        last = page[limit - 1] if len(page) > limit else None
        shown = [_decision_json(one) for one in page[:limit]]
        more = cursor_after(last.created_at, last.id) if last else None
        told: PolicyDecisionsJson = {"policy_decisions": shown, "count": len(shown), "next_cursor": more}
        return answer(told)


def _decision_json(one: Proposal) -> PolicyDecisionJson:
    return {
        "proposal_id": one.id, "at": bodies.moment(one.created_at), "agent": one.agent_id, "tool": one.tool,
        "action_class": one.action_class, "risk": one.risk, "digest": one.digest, "decision": _said(one),
        "tier": one.tier, "code": one.code, "reason": one.reason, "rule_id": one.rule_id,
        "automation_id": one.automation_id, "run_id": one.run_id, "state": one.state,
    }  # fmt: skip


def _said(one: Proposal) -> Said:
    """Return what the policy said: `state` is what became of it since."""
    if one.state is ProposalState.DENIED:
        return "denied"
    found: Said = _BY_TIER.get(one.tier, "allowed") if one.tier else "allowed"
    return "allowed" if found == "asked" and one.rule_id is not None else found
