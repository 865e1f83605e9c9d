"""Whether a call that was allowed earlier may still run, asked of the live policy before every attempt."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from governance.canonical import Json
from governance.facts import Facts
from governance.gates import check_standing
from governance.policy import Agent, Policy, Tool
from governance.resolution import Scoping, resolve_tier
from governance.rules import Asked
from governance.tiers import Tier, is_stricter


@dataclass(frozen=True, slots=True)
class Allowed:
    """An allowed call as it was judged: what must still hold when it runs."""

    agent_id: str
    tool: str
    tool_version: str
    tier: Tier
    digest: str
    start_by: datetime
    rule_id: str | None = None  #: the rule that answered for people
    scoping: Scoping = field(default_factory=Scoping)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is about to be sent: the arguments, the digest recomputed from them, how many tries went before."""

    arguments: Json
    digest: str
    attempt: int
    rule_ended: bool = False


def why_invalid(policy: Policy, allowed: Allowed, now_sent: Attempt, facts: Facts) -> str | None:
    """Return the sentence that says why a call may not run any more, or None where it may."""
    if now_sent.digest != allowed.digest:
        return "the stored arguments are no longer the ones that were shown"
    if now_sent.attempt == 0 and facts.now > allowed.start_by:
        return "it was not started in time after it was allowed"
    if now_sent.attempt == 0 and now_sent.rule_ended:
        return "the rule that answered for it has ended since"
    agent, tool = policy.agents.get(allowed.agent_id), policy.tools.get(allowed.tool)
    if agent is None:
        return f"agent {allowed.agent_id} is no longer in the policy"
    if tool is None:
        return f"tool {allowed.tool} is no longer in the policy"
    if tool.version != allowed.tool_version:
        return f"tool {allowed.tool} has changed since"
    return _why_tightened(policy, agent, tool, allowed, now_sent, facts)


def _why_tightened(
    policy: Policy, agent: Agent, tool: Tool, allowed: Allowed, now_sent: Attempt, facts: Facts
) -> str | None:
    if tool.scopes - agent.scopes:
        return f"agent {agent.id} has lost the scope {_listed(tool.scopes - agent.scopes)}"
    asked = Asked(tool, now_sent.arguments, facts.call_hash, allowed.scoping.session_id, facts.now)
    refusal = check_standing(policy, agent, asked, facts)
    if refusal is not None:
        return refusal.reason
    tier_now = resolve_tier(policy, agent, tool, facts, allowed.scoping).tier
    return f"the tier was tightened to {tier_now}" if is_stricter(tier_now, allowed.tier) else None


def _listed(scopes: Iterable[str]) -> str:
    return ", ".join(sorted(scopes))
