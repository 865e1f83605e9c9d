"""Which tier applies to a call, and which line of the policy said so."""

from dataclasses import dataclass

from governance.policy import Agent, Policy, Tool
from governance.tiers import ApprovalMode, Tier, strictest


@dataclass(frozen=True, slots=True)
class Resolved:
    """A tier and the sentence that says where it came from."""

    tier: Tier
    reason: str


@dataclass(frozen=True, slots=True)
class _Written:
    tier: Tier
    source: str
    targeted: bool  #: written for this tool or class, so it may replace a derived requires_approval


def resolve_tier(policy: Policy, agent: Agent, tool: Tool) -> Resolved:
    """Resolve the tier of a call: agent+tool, agent+class, agent, tool, class, default; else act_with_approval.

    A derived requires_approval gives way only to a tier written for the tool or its class;
    a written requires_approval is a floor under every tier.
    """
    written = _first_written(policy, agent, tool)
    is_floor = tool.approval_mode is ApprovalMode.REQUIRES_APPROVAL
    must_ask = tool.mode is ApprovalMode.REQUIRES_APPROVAL and (is_floor or not written.targeted)
    tier = strictest(written.tier, Tier.ACT_WITH_APPROVAL) if must_ask else written.tier
    if tier is written.tier:
        return Resolved(tier, f"tier {tier} {written.source}")
    floor = "approval_mode of the tool" if is_floor else f"risk {tool.risk} of the tool"
    return Resolved(tier, f"tier {tier}: {floor} raises {written.tier} ({written.source})")


def _first_written(policy: Policy, agent: Agent, tool: Tool) -> _Written:
    by, in_class = f"(agent {agent.id})", f"for class {tool.action_class}"
    candidates = (
        (agent.tiers.get(tool.name), f"for tool {tool.name} {by}", True),
        (agent.tiers.get(tool.action_class), f"{in_class} {by}", True),
        (agent.tier, f"for every tool {by}", False),
        (tool.tier, f"for tool {tool.name}", True),
        (policy.class_tiers.get(tool.action_class), in_class, True),
        (policy.default_tier, "by default", False),
    )
    for tier, source, targeted in candidates:
        if tier is not None:
            return _Written(tier, source, targeted)
    return _Written(Tier.ACT_WITH_APPROVAL, "because nothing else is written", False)
