"""Which tier applies to a call, and which line of the policy said so."""

from dataclasses import dataclass

from governance.facts import Facts
from governance.policy import Agent, Place, Policy, ScopedPolicy, Tool
from governance.prefixes import nearest, patterns_for
from governance.tiers import ApprovalMode, Tier, is_stricter, strictest

_NOTHING = Facts()


@dataclass(frozen=True, slots=True)
class Scoping:
    """In what a call happens: policies scoped to it may tighten."""

    automation_id: str | None = None
    run_id: str | None = None
    session_id: str | None = None

    def lies_in(self, scoped: ScopedPolicy) -> bool:
        """Whether a scoped policy holds here: everything it names must agree."""
        pairs = (
            (scoped.automation_id, self.automation_id),
            (scoped.run_id, self.run_id),
            (scoped.session_id, self.session_id),
        )
        return all(wanted in (None, given) for wanted, given in pairs)


_ANYWHERE = Scoping()


@dataclass(frozen=True, slots=True)
class Resolved:
    """A tier, the sentence that says where it came from, and the place in the policy that says it."""

    tier: Tier
    reason: str
    place: Place = ()


@dataclass(frozen=True, slots=True)
class _Written:
    tier: Tier
    source: str
    place: Place
    targeted: bool  #: written for this tool or class, so it may replace a derived requires_approval


def resolve_tier(
    policy: Policy, agent: Agent, tool: Tool, facts: Facts = _NOTHING, scoping: Scoping = _ANYWHERE
) -> Resolved:
    """Resolve the tier of a call: agent+tool, agent+class, agent, tool, class, default; else act_with_approval.

    Of names and prefixes the longest counts. A derived requires_approval gives way only to a tier written for the
    tool or its class; a written requires_approval is a floor under every tier; scoped policies only tighten.
    """
    written = _first_written(policy, agent, tool, facts)
    resolved = Resolved(written.tier, f"tier {written.tier} {written.source}", written.place)
    for scoped in filter(scoping.lies_in, policy.scoped):
        resolved = _tightened(resolved, scoped, tool)
    return _floored(resolved, tool, written.targeted)


def _floored(resolved: Resolved, tool: Tool, targeted: bool) -> Resolved:
    is_floor = tool.approval_mode is ApprovalMode.REQUIRES_APPROVAL
    must_ask = tool.mode is ApprovalMode.REQUIRES_APPROVAL and (is_floor or not targeted)
    if not must_ask or not is_stricter(Tier.ACT_WITH_APPROVAL, resolved.tier):
        return resolved
    key = "approval_mode" if is_floor else "risk"
    floor = "approval_mode of the tool" if is_floor else f"risk {tool.risk} of the tool"
    reason = f"tier {Tier.ACT_WITH_APPROVAL}: {floor} raises {resolved.tier} ({resolved.reason.partition(' ')[2]})"
    return Resolved(Tier.ACT_WITH_APPROVAL, reason, tool.places.get(key, ()))


def _tightened(resolved: Resolved, scoped: ScopedPolicy, tool: Tool) -> Resolved:
    found = nearest(scoped.tiers, tool.name) or nearest(scoped.tiers, tool.action_class)
    key, tier = found or ("", scoped.tier)
    if tier is None or strictest(tier, resolved.tier) is resolved.tier:
        return resolved
    place = (*scoped.place, "tiers", key) if key else (*scoped.place, "tier")
    return Resolved(tier, f"tier {tier} by a scoped policy, instead of {resolved.tier}", place)


def _first_written(policy: Policy, agent: Agent, tool: Tool, facts: Facts) -> _Written:
    written = (
        _for_agent(agent, tool.name, "tool", facts)
        or _for_agent(agent, tool.action_class, "class", facts)
        or _for_every_tool(agent, facts)
    )
    if written is not None:
        return written
    if tool.tier is not None:
        return _Written(tool.tier, f"for tool {tool.name}", tool.places.get("tier", ()), True)
    if found := nearest(policy.class_tiers, tool.action_class):
        return _Written(found[1], f"for class {found[0]}", ("classes", found[0]), True)
    if policy.default_tier is not None:
        return _Written(policy.default_tier, "by default", ("defaults", "tier"), False)
    return _Written(Tier.ACT_WITH_APPROVAL, "because nothing else is written", (), False)


def _for_agent(agent: Agent, name: str, what: str, facts: Facts) -> _Written | None:
    for pattern in patterns_for(name):
        written = agent.tiers.get(pattern)
        tier = facts.tier_of(pattern, written)
        if tier is not None:
            source = f"for {what} {pattern} ({_whose(agent, facts, pattern, tier, written)})"
            return _Written(tier, source, (*agent.place, "tiers", pattern), True)
    return None


def _for_every_tool(agent: Agent, facts: Facts) -> _Written | None:
    tier = facts.tier_of("", agent.tier)
    if tier is None:
        return None
    return _Written(
        tier, f"for every tool ({_whose(agent, facts, '', tier, agent.tier)})", (*agent.place, "tier"), False
    )


def _whose(agent: Agent, facts: Facts, target: str, tier: Tier, written: Tier | None) -> str:
    recorded = facts.tiers.get(target)
    by = f", recorded by {recorded.by}" if recorded and recorded.replaces is written and recorded.tier is tier else ""
    return f"agent {agent.id}{by}"
