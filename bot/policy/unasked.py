"""Which writes a policy lets run without asking anybody; operators should be able to see them at a glance."""

from governance.policy import Policy
from governance.resolution import resolve_tier
from governance.tiers import ApprovalMode, Risk


def writes_unasked(policy: Policy) -> list[dict[str, str]]:
    """Return every agent and tool whose call changes something and runs unasked, with the line that decides it."""
    found = []
    for agent in policy.agents.values():
        for tool in policy.tools.values():
            if tool.risk is Risk.READ_ONLY or tool.mode is ApprovalMode.ALWAYS_BLOCK or tool.scopes - agent.scopes:
                continue
            resolved = resolve_tier(policy, agent, tool)
            if resolved.tier.runs_unasked:
                risk = str(tool.risk or "not declared")
                found.append({"agent": agent.id, "tool": tool.name, "risk": risk, "reason": resolved.reason})
    return found
