"""Keys that may use fewer scopes than their agent has: they can only ever take away."""

from collections.abc import Collection
from dataclasses import replace

from governance.errors import Unprocessable
from governance.policy import Agent, Policy


def narrowed(agent: Agent, scopes: Collection[str] | None) -> Agent:
    """Return an agent with those of its live scopes that a key gives; None gives all of them."""
    return agent if scopes is None else replace(agent, scopes=agent.scopes.intersection(scopes))


def withheld(policy: Policy, agent: Agent) -> frozenset[str]:
    """Return the scopes that the policy gives an agent and its key does not."""
    live = policy.agents.get(agent.id)
    return live.scopes - agent.scopes if live is not None else frozenset()


def check_scopes(agent: Agent, scopes: Collection[str]) -> None:
    """Raise Unprocessable where a key would be given scopes that its agent does not have."""
    if strange := sorted(set(scopes) - agent.scopes):
        has = ", ".join(sorted(agent.scopes)) or "none"
        many = "s" * (len(strange) > 1)
        raise Unprocessable(f"Agent {agent.id} does not have the scope{many} {', '.join(strange)} (it has: {has}).")
