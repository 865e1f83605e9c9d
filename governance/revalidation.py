"""Whether a call that was allowed earlier may still run, asked of the live policy before every attempt."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from governance.policy import Policy
from governance.resolution import resolve_tier
from governance.tiers import ApprovalMode, Tier, is_stricter


@dataclass(frozen=True, slots=True)
class Allowed:
    """An allowed call as it was judged: what must still hold when it runs."""

    agent_id: str
    tool: str
    tool_version: str
    tier: Tier
    digest: str
    start_by: datetime


def why_invalid(policy: Policy, allowed: Allowed, *, digest_now: str, attempt: int, now: datetime) -> str | None:
    """Return the sentence that says why a call may not run any more, or None where it may.

    `digest_now` is recomputed from the arguments about to be sent; `attempt` counts the tries so far.
    """
    if digest_now != allowed.digest:
        return "the stored arguments are no longer the ones that were shown"
    if attempt == 0 and now > allowed.start_by:
        return "it was not started in time after it was allowed"
    agent, tool = policy.agents.get(allowed.agent_id), policy.tools.get(allowed.tool)
    if agent is None:
        return f"agent {allowed.agent_id} is no longer in the policy"
    if tool is None:
        return f"tool {allowed.tool} is no longer in the policy"
    if tool.version != allowed.tool_version:
        return f"tool {allowed.tool} has changed since"
    if tool.scopes - agent.scopes:
        return f"agent {agent.id} has lost the scope {_listed(tool.scopes - agent.scopes)}"
    if tool.mode is ApprovalMode.ALWAYS_BLOCK:
        return f"tool {tool.name} is now always blocked"
    tier_now = resolve_tier(policy, agent, tool).tier
    return f"the tier was tightened to {tier_now}" if is_stricter(tier_now, allowed.tier) else None


def _listed(scopes: Iterable[str]) -> str:
    return ", ".join(sorted(scopes))
