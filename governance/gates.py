"""From a proposed call to a verdict: gates 0 to 4 in their order; the first that fails is the answer."""

from collections.abc import Sequence
from dataclasses import replace

from governance.facts import Facts
from governance.narrowing import withheld
from governance.policy import Agent, Policy, Problem, Tool
from governance.prefixes import covers, patterns_for
from governance.resolution import Resolved, resolve_tier
from governance.reviewers import panel_of
from governance.rules import Asked, allowing, denying
from governance.tiers import ApprovalMode, Tier
from governance.verdict import Call, Outcome, Verdict, denied

_NOTHING = Facts()


def judge(
    policy: Policy, agent: Agent, call: Call, facts: Facts = _NOTHING, *, checked: Sequence[Problem] | None = None
) -> Verdict:
    """Return the verdict on a call; asking again gives the same answer. Whatever breaks inside a gate is a denial.

    `checked` are the problems of gate 1 where they have been found before, away from the event loop.
    """
    try:
        return _judge(policy, agent, call, facts, checked)
    except Exception as error:  # noqa: BLE001 - a gate that breaks must deny, never pass
        return denied("GATE_FAILED", f"a rule could not be evaluated ({type(error).__name__}), so the call is refused")


def find_problems(policy: Policy, call: Call) -> tuple[Problem, ...] | None:
    """Run gate 1 alone: the slow one. None where it broke or there is no such tool, so that `judge` speaks."""
    tool = policy.tools.get(call.tool)
    try:
        return tuple(tool.find_problems(call.arguments)) if tool else None
    except Exception:  # noqa: BLE001 - judge meets it again, and denies
        return None


def _judge(policy: Policy, agent: Agent, call: Call, facts: Facts, checked: Sequence[Problem] | None) -> Verdict:
    tool = policy.tools.get(call.tool)
    if tool is None or tool.is_internal is not agent.is_internal:
        return Verdict(Outcome.UNSUPPORTED, f"there is no tool named {call.tool[:80]!r}", "UNSUPPORTED")
    asked = Asked(tool, call.arguments, facts.call_hash, call.scoping.session_id, facts.now)
    return (
        _check_input(tool, tuple(tool.find_problems(call.arguments)) if checked is None else tuple(checked))
        or _check_scopes(policy, agent, tool)
        or check_standing(policy, agent, asked, facts)
        or _check_wishes(agent, call)
        or _tier(policy, agent, call, asked, facts)
    )


def _check_input(tool: Tool, problems: tuple[Problem, ...]) -> Verdict | None:
    """Gate 1: the arguments satisfy the tool's JSON Schema."""
    if not problems:
        return None
    place = tool.places.get("input_schema", ())
    return Verdict(Outcome.NEEDS_INPUT, _sentence(problems), "NEEDS_INPUT", problems=problems, place=place)


def _check_scopes(policy: Policy, agent: Agent, tool: Tool) -> Verdict | None:
    """Gate 2: the agent's live scopes, and of those the ones its key gives."""
    missing = tuple(sorted(tool.scopes - agent.scopes))
    if not missing:
        return None
    who = f"this key of agent {agent.id}" if withheld(policy, agent).issuperset(missing) else f"agent {agent.id}"
    text = f"{who} lacks the scope{'s' * (len(missing) > 1)} {', '.join(missing)}"
    place = (*agent.place, "scopes")
    return Verdict(Outcome.SCOPE_INVALID, text, "SCOPE_INVALID", missing_scopes=missing, place=place)


def check_standing(policy: Policy, agent: Agent, asked: Asked, facts: Facts) -> Verdict | None:
    """Gate 3: everything that forbids a call outright, whatever its tier; asked again before it runs."""
    tool = asked.tool
    if tool.mode is ApprovalMode.ALWAYS_BLOCK:
        key = "approval_mode" if tool.approval_mode else "risk"
        return denied("ALWAYS_BLOCK", f"{tool.name} is always blocked ({_why_blocked(tool)})", tool.places.get(key, ()))
    if facts.pause is not None:
        return denied("AGENT_PAUSED", f"agent {agent.id} was paused by {facts.pause.by}: {facts.pause.reason}")
    if facts.spend_stop is not None:
        return denied("SPEND_CAP_EXCEEDED", f"agent {agent.id} is stopped until people decide: {facts.spend_stop}")
    for refused in policy.refused:
        if refused.agent in (None, agent.id) and covers(refused.tool, tool.name):
            return denied("DENIED_BY_RULE", f"{tool.name} is denied by the policy: {refused.reason}", refused.place)
    if (rule := denying(facts.rules, asked)) is not None:
        who = ", ".join(rule.authors)
        return replace(denied("DENIED_BY_RULE", f"{tool.name} is denied by a rule that {who} made"), rule=rule)
    return _check_needs_human(policy, agent, tool)


def _check_needs_human(policy: Policy, agent: Agent, tool: Tool) -> Verdict | None:
    marks = (
        (agent.needs_human, (*agent.place, "needs_human")),
        (tool.needs_human, tool.places.get("needs_human", ())),
        *(
            (p in policy.needs_human, ("needs_human",))
            for p in (*patterns_for(tool.name), *patterns_for(tool.action_class))
        ),
    )
    for marked, place in marks:
        if marked:
            return denied("NEEDS_HUMAN", f"{tool.name} needs a human; no agent may do it, asked or not", place)
    return None


def _check_wishes(agent: Agent, call: Call) -> Verdict | None:
    """Gate 3, too: whom and where the agent may speak for."""
    if call.on_behalf_of is not None and call.on_behalf_of not in agent.people:
        place = (*agent.place, "people")
        return denied("UNKNOWN_REQUESTER", f"agent {agent.id} may not act on behalf of {call.on_behalf_of}", place)
    if call.channel is not None and call.channel not in agent.channels:
        place = (*agent.place, "channels")
        return denied("UNKNOWN_CHANNEL", f"agent {agent.id} may not open threads in {call.channel}", place)
    return None


def _tier(policy: Policy, agent: Agent, call: Call, asked: Asked, facts: Facts) -> Verdict:
    """Gate 4: the tier; where people would be asked, a rule of theirs may answer first."""
    resolved = _within_budget(resolve_tier(policy, agent, asked.tool, facts, call.scoping), agent, facts)
    if not resolved.tier.asks:
        return Verdict(Outcome.TIER, resolved.reason, tier=resolved.tier, place=resolved.place)
    panel = panel_of(policy, agent, asked.tool, call.on_behalf_of)
    granting = (*policy.admins, agent.creator)
    rule = allowing(facts.rules, asked, panel, granting) if resolved.tier is Tier.ACT_WITH_APPROVAL else None
    if rule is not None:
        reason = f"{resolved.reason}, answered by a {rule.word} that {', '.join(rule.authors)} made"
        return Verdict(Outcome.TIER, reason, tier=resolved.tier, panel=panel, rule=rule, place=resolved.place)
    if not panel.can_settle():
        place = asked.tool.places.get("reviewers", ())
        text = f"nobody who may approve {asked.tool.name} can be reached ({panel.shortage()})"
        return denied("NO_REVIEWER", text, place)
    return Verdict(Outcome.TIER, resolved.reason, tier=resolved.tier, panel=panel, place=resolved.place)


def _within_budget(resolved: Resolved, agent: Agent, facts: Facts) -> Resolved:
    why = facts.budget_used_up(agent) if resolved.tier.runs_unasked else None
    if why is None:
        return resolved
    place = (*agent.place, "max_autonomous_decisions_per_hour" if "hour" in why else "max_autonomous_decisions_per_day")
    return Resolved(
        Tier.ACT_WITH_APPROVAL,
        f"tier {Tier.ACT_WITH_APPROVAL}: agent {agent.id} may run calls unasked, but {why}",
        place,
    )


def _why_blocked(tool: Tool) -> str:
    if tool.approval_mode is not None:
        return "approval_mode always_block"
    return f"risk {tool.risk}" if tool.risk else "its risk is not declared"


def _sentence(problems: Sequence[Problem]) -> str:
    shown = "; ".join(f"{p.field or 'arguments'}: {p.message}" for p in problems[:5])
    return shown + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
