"""Which agents stand above an agent, as the policy says."""

from governance.policy import Policy


def lineage_of(policy: Policy, agent_id: str) -> tuple[str, ...]:
    """Return an agent and those above it, nearest first. Circles, which the policy refuses, end where they close."""
    found: list[str] = []
    above: str | None = agent_id
    while above is not None and above not in found:
        found.append(above)
        agent = policy.agents.get(above)
        above = agent.parent if agent else None
    return tuple(found)
