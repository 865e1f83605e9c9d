"""Whether a change of tier loosens: only then does it take a countersignature."""

from collections.abc import Mapping
from dataclasses import replace

from governance.facts import Facts, RecordedTier
from governance.policy import Agent, Policy, Tool
from governance.prefixes import covers
from governance.resolution import resolve_tier
from governance.tiers import Tier, is_stricter


def written_tier(agent: Agent, target: str) -> Tier | None:
    """Return what the file says for a target: a tool, a class, a prefix, or "" for the agent itself."""
    return agent.tiers.get(target) if target else agent.tier


def is_target(policy: Policy, target: str) -> bool:
    """Whether a tier can be set for a target."""
    return not target or any(_is_meant(target, tool) for tool in policy.tools.values() if not tool.is_internal)


def loosened_by(policy: Policy, agent: Agent, facts: Facts, target: str, tier: Tier) -> list[str]:
    """Return the tools that an agent could use more freely if a target's tier were changed."""
    recorded: Mapping[str, RecordedTier] = {
        **facts.tiers, target: RecordedTier(tier, written_tier(agent, target), ""),
    }  # fmt: skip
    after = replace(facts, tiers=recorded)
    return [
        tool.name
        for tool in policy.tools.values()
        if not tool.is_internal
        and (not target or _is_meant(target, tool))
        and is_stricter(resolve_tier(policy, agent, tool, facts).tier, resolve_tier(policy, agent, tool, after).tier)
    ]


def would_loosen(policy: Policy, agent: Agent, facts: Facts, target: str, tier: Tier) -> bool:
    """Whether a change of tier loosens: now, or as soon as whatever stands in its way at the moment is gone.

    Nobody may lay down by themselves that calls run unasked, only because a nearer tier or a floor hides it today.
    """
    if loosened_by(policy, agent, facts, target, tier):
        return True
    there = facts.tier_of(target, written_tier(agent, target))
    if not tier.runs_unasked or (there is not None and not is_stricter(there, tier)):
        return False
    return any(
        is_stricter(resolve_tier(policy, agent, tool, facts).tier, tier)
        for tool in policy.tools.values()
        if not tool.is_internal and (not target or _is_meant(target, tool))
    )


def _is_meant(target: str, tool: Tool) -> bool:
    return covers(target, tool.name) or covers(target, tool.action_class)
