"""What the audit record means for trust: every verdict, refusal and outcome becomes one trust record.

The mapping is a pure function of audit entries (and of the rules they name), so a record can be derived again and
compared. Nothing is written while a call is pending or allowed, nor when it is withdrawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.canonical import Json
from governance.receipts import RuleFacts, approval_by_people, approval_by_rule
from governance.story import RUNS, Event, approval_in, opening_of, person_of, tier_of
from governance.tiers import Tier, is_stricter
from governance.trustgraph import TrustOutcome, timestamp, wire_tier

_O = TrustOutcome


@dataclass(frozen=True, slots=True)
class Draft:
    """A trust record before it has an id and a place. `corrects` is the audit entry of an outcome it replaces."""

    agent: str
    action: str
    outcome: TrustOutcome
    tier: Tier | None
    trace_id: str
    at: datetime
    metadata: Mapping[str, Json]
    approver: str | None = None
    proposal_id: str | None = None
    corrects: int | None = None

    @property
    def column_tier(self) -> Tier:
        """The tier it is filed under. What was refused before a tier applied had the effect of `shadow`."""
        return self.tier or Tier.SHADOW

    def body(self, corrected: str | None = None) -> dict[str, Json]:
        """Return the record's own fields; `corrected` is the id of the record it replaces."""
        metadata = {**self.metadata, "corrects": corrected}
        return {
            "agent": self.agent, "action": self.action, "approver": self.approver, "outcome": self.outcome.value,
            "trace_id": self.trace_id, "autonomy_tier": wire_tier(self.tier).value, "timestamp": timestamp(self.at),
            "cost_usd": None, "metadata": {key: value for key, value in metadata.items() if value is not None},
        }  # fmt: skip


#: Outcome and enforcement label of every ending; by kind of entry, and by status where the kind alone is no ending.
_ENDINGS: dict[tuple[str, str], tuple[TrustOutcome, str]] = {
    ("proposal.shadowed", ""): (_O.DENIED, "shadow_noop"),
    ("proposal.suggested", ""): (_O.DENIED, "suggest_approval_request"),
    ("proposal.denied", ""): (_O.DENIED, "policy_denied"),
    ("proposal.unsupported", ""): (_O.DENIED, "unsupported"),
    ("approval.decided", "rejected"): (_O.DENIED, "approval_denied"),
    ("approval.expired", ""): (_O.TIMEOUT, "approval_timeout"),
    ("execution.finished", "succeeded"): (_O.SUCCESS, ""),
    ("execution.finished", "failed"): (_O.FAILURE, ""),
    ("execution.finished", "unknown"): (_O.FAILURE, ""),
    ("execution.finished", "invalidated"): (_O.DENIED, "revalidation_denied"),
    ("execution.reconciled", "succeeded"): (_O.SUCCESS, ""),
    ("execution.reconciled", "failed"): (_O.FAILURE, ""),
    ("tier.changed", ""): (_O.SUCCESS, "tier_change"),
}
_DENIED_BY = {"needs_input": "input_denied", "scope_invalid": "scope_denied"}
_RAN_AT = {Tier.ACT_AUTO: "auto", Tier.ACT_AND_NOTIFY: "auto_notified"}


def _ending(event: Event) -> tuple[TrustOutcome, str] | None:
    return _ENDINGS.get((event.kind, "")) or _ENDINGS.get((event.kind, event.text("status") or ""))


def means_record(event: Event) -> bool:
    """Whether an audit entry calls for a trust record; answers to questions about governance are no calls."""
    if event.text("request_type") is not None:
        return False
    if event.kind == "tier.changed" and tier_of(event.text("tier")) is None:
        return False
    return _ending(event) is not None and _agent(event) is not None


def record_of(event: Event, story: Sequence[Event], rules: Mapping[str, RuleFacts], key: bytes | None) -> Draft | None:
    """Return what one audit entry means for trust, or None where it means nothing.

    `story` holds the entries of the same proposal, oldest first; those after `event` are not looked at. `key` is the
    audit key that receipts are made under.
    """
    ending, agent = _ending(event), _agent(event)
    if ending is None or agent is None or not means_record(event):
        return None
    past = [one for one in story if one.id < event.id] + [event]
    if event.kind == "tier.changed":
        return _control(event, agent, past, key)
    return _call(event, agent, ending, past, rules, key)


def _call(
    event: Event, agent: str, ending: tuple[TrustOutcome, str], past: Sequence[Event],
    rules: Mapping[str, RuleFacts], key: bytes | None,
) -> Draft:  # fmt: skip
    opening = opening_of(event, past)
    tier, rule = tier_of(opening.text("tier")), rules.get(opening.text("rule_id") or "")
    approver, approval = _evidence(event, past, rule, tier, key)
    metadata = {
        "autonomy.enforcement": _label(event, ending[1], opening, tier, approval),
        "state": event.text("status") or event.kind.partition(".")[2],
        "tier": tier and tier.value, "tool": opening.text("tool"), "action_class": opening.text("action_class"),
        "capability": opening.text("capability"), "digest": event.text("digest") or opening.text("digest"),
        "proposal_id": event.proposal_id, "execution_id": event.execution_id,
        "request_id": event.request_id or (approval or {}).get("request_id"), "code": event.text("code"),
        "rule_id": opening.text("rule_id"), "rule_authors": list(rule.authors) if rule else None,
        "decided_by": person_of(event.actor), "approval": approval,
    }  # fmt: skip
    action = opening.text("action_class") or ("unsupported" if event.kind == "proposal.unsupported" else "unknown")
    trace = opening.text("trace_id") or event.proposal_id or f"audit-{event.id}"
    return Draft(
        agent, action, ending[0], tier, trace, event.at, metadata, approver, event.proposal_id, _corrected(event, past)
    )


def _evidence(
    event: Event, past: Sequence[Event], rule: RuleFacts | None, tier: Tier | None, key: bytes | None
) -> tuple[str | None, dict[str, Json] | None]:
    """Return who let an execution pass and the receipts for it; nothing for what people did not let pass."""
    if event.kind not in RUNS:
        return None, None
    decided = approval_in(past)
    approval = approval_by_people(decided, past, key) if decided else None
    if decided is not None and approval is not None:
        return person_of(decided.actor) or approval["signatures"][-1]["reviewer"], approval
    if rule is not None and rule.authors and tier is Tier.ACT_WITH_APPROVAL:
        return rule.authors[0], approval_by_rule(rule, event.text("digest"), key if event.keyed else None)
    return None, None


def _label(event: Event, fixed: str, opening: Event, tier: Tier | None, approval: Mapping[str, Json] | None) -> str:
    """Return the enforcement label: what stopped the call, or what let it run."""
    if event.kind == "proposal.denied":
        return _why_denied(event, fixed)
    if fixed:
        return fixed
    if opening.text("rule_id"):
        return "rule_granted"
    return "approval_granted" if approval else _RAN_AT.get(tier or Tier.SHADOW, "unevidenced")


def _why_denied(event: Event, otherwise: str) -> str:
    if event.text("rule_id"):
        return "rule_denied"
    if event.text("code") == "NEEDS_HUMAN":
        return "needs_human_denied"
    return _DENIED_BY.get(event.text("outcome") or "", otherwise)


def _corrected(event: Event, past: Sequence[Event]) -> int | None:
    """Return the entry of an earlier `unknown` of the same execution, which this outcome replaces."""
    unknown = (
        one.id
        for one in past
        if one.kind in RUNS and one.execution_id == event.execution_id and one.text("status") == "unknown"
        and one.id != event.id
    )  # fmt: skip
    return max(unknown, default=None) if event.kind in RUNS else None


def _control(event: Event, agent: str, past: Sequence[Event], key: bytes | None) -> Draft:
    """Return the record of a promotion or demotion. Where nothing was set before, a call waited for approval."""
    tier, before = tier_of(event.text("tier")), tier_of(event.text("from"))
    assert tier is not None  # means_record says so
    action = "trust.demote" if is_stricter(tier, before or Tier.ACT_WITH_APPROVAL) else "trust.promote"
    opening = opening_of(event, past)
    decided = approval_in(past)
    metadata = {
        "autonomy.enforcement": "tier_change", "control": True, "tier": tier.value, "to_tier": tier.value,
        "from_tier": before and before.value, "target": event.text("target"), "reason": event.text("reason"),
        "proposal_id": event.proposal_id, "approval": approval_by_people(decided, past, key) if decided else None,
    }  # fmt: skip
    trace = opening.text("trace_id") or event.proposal_id or f"audit-{event.id}"
    by = event.text("by") or event.actor
    return Draft(agent, action, _O.SUCCESS, tier, trace, event.at, metadata, person_of(by) or by, event.proposal_id)


def _agent(event: Event) -> str | None:
    return event.agent or event.text("agent")
