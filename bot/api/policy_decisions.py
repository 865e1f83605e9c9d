"""`/governance/policy-decisions`: what the policy said to each call an agent proposed, before anybody was asked."""

from typing import Any

from aiohttp import web

from bot.api import bodies, filters
from bot.api.cursors import cursor_after, cursor_of
from bot.api.errors import answer
from bot.api.principals import Callers
from bot.office import Office
from governance.lifecycle import ProposalState
from governance.policy import Agent
from governance.roles import Role
from governance.tiers import Tier
from storage import proposals
from storage.tables import Proposal

_BY_TIER = {Tier.SHADOW: "shadowed", Tier.SUGGEST: "suggested", Tier.ACT_WITH_APPROVAL: "asked"}


class PolicyDecisions:
    """The handler of `/governance/policy-decisions`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    async def index(self, request: web.Request) -> web.Response:
        """`GET /governance/policy-decisions?run_id=&limit=&cursor=`: newest first.

        Operators and admins see all, agents their own, everybody else those of the agents they created.
        """
        caller = await self._callers.either(request)
        limit, is_agent = bodies.limit_of(request), isinstance(caller, Agent)
        sees_all = not isinstance(caller, Agent) and caller.role.covers(Role.OPERATOR)
        whose = None if sees_all else caller.id if isinstance(caller, Agent) else caller.person
        async with self._office.database.read(self._office.tenant) as tx:
            page = await proposals.page(
                tx, agent_id=whose if is_agent else None, creator=None if is_agent else whose,
                run_id=filters.name_in(request, "run_id"), before=cursor_of(request), limit=limit + 1,
            )  # fmt: skip
        last = page[limit - 1] if len(page) > limit else None
        shown = [_decision_json(one) for one in page[:limit]]
        more = cursor_after(last.created_at, last.id) if last else None
        return answer({"policy_decisions": shown, "count": len(shown), "next_cursor": more})


def _decision_json(one: Proposal) -> dict[str, Any]:
    return {
        "proposal_id": one.id, "at": bodies.moment(one.created_at), "agent": one.agent_id, "tool": one.tool,
        "action_class": one.action_class, "risk": one.risk, "digest": one.digest, "decision": _said(one),
        "tier": one.tier, "code": one.code, "reason": one.reason, "rule_id": one.rule_id,
        "automation_id": one.automation_id, "run_id": one.run_id, "state": one.state,
    }  # fmt: skip


def _said(one: Proposal) -> str:
    """Return what the policy said: `state` is what became of it since."""
    if one.state is ProposalState.DENIED:
        return "denied"
    found = _BY_TIER.get(one.tier, "allowed") if one.tier else "allowed"
    return "allowed" if found == "asked" and one.rule_id is not None else found
