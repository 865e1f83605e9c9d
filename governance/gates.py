"""From a proposed call to a verdict: gates 0 to 4 in their order; the first that fails is the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from governance.canonical import Json
from governance.policy import Agent, Policy, Problem, Tool
from governance.resolution import resolve_tier
from governance.reviewers import Panel, panel_of
from governance.tiers import ApprovalMode, Tier


class Outcome(StrEnum):
    """Which gate answered."""

    UNSUPPORTED = "unsupported"
    NEEDS_INPUT = "needs_input"
    SCOPE_INVALID = "scope_invalid"
    POLICY_DENIED = "policy_denied"
    TIER = "tier"


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call as an agent submitted it."""

    tool: str
    arguments: Json
    on_behalf_of: str | None = None
    channel: str | None = None  #: where the thread lies that the agent wants the card in


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules answer. `tier` and `panel` are set only where `outcome` is TIER."""

    outcome: Outcome
    reason: str
    code: str | None = None
    problems: tuple[Problem, ...] = ()
    missing_scopes: tuple[str, ...] = ()
    tier: Tier | None = None
    panel: Panel | None = None


def judge(policy: Policy, agent: Agent, call: Call) -> Verdict:
    """Return the verdict on a call. Never raises: whatever breaks inside a gate is a denial."""
    try:
        return _judge(policy, agent, call)
    except Exception as error:  # noqa: BLE001 - a gate that breaks must deny, never pass
        return denied("GATE_FAILED", f"a rule could not be evaluated ({type(error).__name__}), so the call is refused")


def _judge(policy: Policy, agent: Agent, call: Call) -> Verdict:
    tool = policy.tools.get(call.tool)
    if tool is None:
        return Verdict(Outcome.UNSUPPORTED, f"there is no tool named {call.tool[:80]!r}", "UNSUPPORTED")
    return (
        check_input(tool, call.arguments)
        or check_standing(policy, agent, tool, call)
        or _tier(policy, agent, tool, call)
    )


def check_input(tool: Tool, arguments: Json) -> Verdict | None:
    """Gate 1: the arguments satisfy the tool's JSON Schema."""
    problems = tuple(tool.find_problems(arguments))
    if not problems:
        return None
    return Verdict(Outcome.NEEDS_INPUT, _sentence(problems), "NEEDS_INPUT", problems=problems)


def check_standing(policy: Policy, agent: Agent, tool: Tool, call: Call) -> Verdict | None:
    """Gates 2 and 3: live scopes, then everything that forbids the call outright."""
    missing = tuple(sorted(tool.scopes - agent.scopes))
    if missing:
        text = f"agent {agent.id} lacks the scope{'s' * (len(missing) > 1)} {', '.join(missing)}"
        return Verdict(Outcome.SCOPE_INVALID, text, "SCOPE_INVALID", missing_scopes=missing)
    if tool.mode is ApprovalMode.ALWAYS_BLOCK:
        return denied("ALWAYS_BLOCK", f"{tool.name} is always blocked ({_why_blocked(tool)})")
    if call.on_behalf_of is not None and call.on_behalf_of not in agent.people:
        return denied("UNKNOWN_REQUESTER", f"agent {agent.id} may not act on behalf of {call.on_behalf_of}")
    if call.channel is not None and call.channel not in agent.channels:
        return denied("UNKNOWN_CHANNEL", f"agent {agent.id} may not open threads in {call.channel}")
    return None


def _tier(policy: Policy, agent: Agent, tool: Tool, call: Call) -> Verdict:
    resolved = resolve_tier(policy, agent, tool)
    if not resolved.tier.asks:
        return Verdict(Outcome.TIER, resolved.reason, tier=resolved.tier)
    panel = panel_of(policy, agent, tool, call.on_behalf_of)
    if not panel.can_settle():
        return denied("NO_REVIEWER", f"nobody who may approve {tool.name} can be reached ({panel.shortage()})")
    return Verdict(Outcome.TIER, resolved.reason, tier=resolved.tier, panel=panel)


def denied(code: str, reason: str) -> Verdict:
    """Return a denial by policy."""
    return Verdict(Outcome.POLICY_DENIED, reason, code)


def _why_blocked(tool: Tool) -> str:
    if tool.approval_mode is not None:
        return "approval_mode always_block"
    return f"risk {tool.risk}" if tool.risk else "its risk is not declared"


def _sentence(problems: Sequence[Problem]) -> str:
    shown = "; ".join(f"{p.field or 'arguments'}: {p.message}" for p in problems[:5])
    return shown + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
