"""Remembering decisions as rules after a look at what they would have answered; ending them, asking about old ones."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.canonical import Json, canonical, content_hash
from governance.errors import Conflict, NotFound, Unprocessable
from governance.lifecycle import RequestStatus
from governance.policy import INTERNAL
from governance.rules import NUDGE_AFTER, Effect, Pattern, Remember, Scope, fits, lapses_at, scope_of
from governance.secret_fields import MASK, find
from governance.text import storable
from governance.tiers import Risk
from operations.notify import say
from storage import audit, homes, proposals, rules
from storage.database import Tx
from storage.tables import ApprovalRequest, Proposal, RequestType, Rule
from storage.tables.base import new_id

_LOOK_BACK = timedelta(days=30)
ANY: Pattern = {"any": True}


@dataclass(frozen=True, slots=True)
class Wish:
    """How a reviewer wants an answer remembered. Without a pattern: for the very same arguments."""

    remember: Remember = Remember.ONCE
    pattern: Pattern | None = None
    until: datetime | None = None
    max_uses: int | None = None
    confirmed: bool = False  #: although it contradicts earlier rejections


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule that is about to be made."""

    agent_id: str
    tool: str
    effect: Effect
    scope: Scope
    pattern: Pattern
    authors: tuple[str, ...]
    risk: Risk | None = None
    tool_version: str | None = None
    session_id: str | None = None
    reason: str | None = None
    request_id: str | None = None
    until: datetime | None = None
    max_uses: int | None = None
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would have matched in the last 30 days."""

    matched: int
    approved: int
    rejected: int

    def __str__(self) -> str:
        calls = "1 call" if self.matched == 1 else f"{self.matched} calls"
        return f"would have matched {calls} of the last 30 days: {self.approved} approved, {self.rejected} rejected"


def check_wish(proposal: Proposal, request: ApprovalRequest, wish: Wish, now: datetime) -> None:
    """Raise Unprocessable where an answer cannot be remembered in this way."""
    if wish.remember is Remember.ONCE:
        return
    if proposal.agent_id == INTERNAL or request.request_type is not RequestType.TOOL_CALL:
        raise Unprocessable("remember: changes of Countersign itself are countersigned one by one; send `once`.")
    if wish.remember is Remember.SESSION and proposal.session_id is None:
        raise Unprocessable("remember: this proposal names no session_id; send `once` or `forever`.")
    if wish.until is not None and wish.until <= now:
        raise Unprocessable("remember_until: name a moment from now on.")
    if request.quorum > 1 and wish.pattern is not None:
        raise Unprocessable("remember_pattern: where several must agree, only the same arguments are remembered.")
    if request.quorum > 1 and (wish.until or wish.max_uses):
        raise Unprocessable("remember: where several must agree, nobody's own limits hold; send no until and no uses.")
    _check_pattern(wish.pattern, json.loads(proposal.arguments))


async def remember(
    tx: Tx, proposal: Proposal, request: ApprovalRequest, wish: Wish, wishes: Mapping[str, Remember]
) -> Rule | None:
    """Make the rule a settled request asks for, where everybody who settled it wished one.

    Raises Conflict where an allow would have answered what people rejected, unless the wish confirms it.
    """
    scope = scope_of(wishes.values())
    if scope is None:
        return None
    draft = Draft(
        proposal.agent_id, proposal.tool,
        Effect.ALLOW if request.status is RequestStatus.APPROVED else Effect.DENY, scope,
        wish.pattern or same(proposal), tuple(sorted(wishes)),
        Risk(proposal.risk) if proposal.risk else None, proposal.tool_version,
        proposal.session_id if scope is Scope.SESSION else None, request.reason, request.id, wish.until,
        wish.max_uses, wish.confirmed,
    )  # fmt: skip
    return await add_rule(tx, draft)


async def add_rule(tx: Tx, draft: Draft) -> Rule:
    """Insert a rule; the live one of the same key ends. Raises Conflict (RULE_CONTRADICTS), see `remember`."""
    seen = await preview(tx, draft.agent_id, draft.tool, draft.pattern, besides=draft.request_id)
    if draft.effect is Effect.ALLOW and seen.rejected and not draft.confirmed:
        raise Conflict(f"This rule {seen}; confirm it if that is meant.", code="RULE_CONTRADICTS", details=_told(seen))
    rule = _row(tx, draft)
    replaced = await rules.end_same(tx, rule)
    await tx.add(rule)
    await _note_down(tx, rule, "rule.created", f"person:{draft.authors[0]}", {"replaced": replaced, **_told(seen)})
    return rule


async def preview(tx: Tx, agent_id: str, tool: str, pattern: Pattern, *, besides: str | None = None) -> Preview:
    """Count what a rule would have matched in the last 30 days, by what people decided then.

    `besides` is the request whose own answer is to be remembered.
    """
    found = await proposals.decided_since(tx, agent_id, tool, tx.now - _LOOK_BACK)
    reads = "fields" in pattern
    statuses = [
        request.status
        for proposal, request in found
        if request.id != besides
        and fits(pattern, proposal.call_hash, json.loads(proposal.arguments) if reads else None)
    ]
    approved, rejected = statuses.count(RequestStatus.APPROVED), statuses.count(RequestStatus.REJECTED)
    return Preview(len(statuses), approved, rejected)


async def revoke_rule(tx: Tx, rule_id: str, by: str) -> Rule:
    """End a rule. Raises NotFound where there is no live one under this id."""
    if not await rules.end(tx, rule_id, by, "revoked"):
        raise NotFound("There is no live rule under this id.")
    rule = await tx.get(Rule, rule_id)
    assert rule is not None  # it was just changed
    await tx.session.refresh(rule)
    await _note_down(tx, rule, "rule.revoked", f"person:{by}", {})
    return rule


async def ask_about_old_rules(tx: Tx, limit: int = 100) -> int:
    """Owe the authors of rules that are due a question: is this still meant? Returns how many were asked about."""
    due = await rules.due_for_review(tx, limit)
    for rule in due:
        tx.tenant, rule.nudge_at = rule.tenant, tx.now + NUDGE_AFTER
        used = f"{rule.uses} times" if rule.uses else "never"
        told = {"rule": rule.id, "agent": rule.agent_id, "tool": rule.tool, "effect": rule.effect.value, "used": used}
        await say(tx, "old_rule", rule.authors, told)
    await tx.session.flush()
    return len(due)


def same(proposal: Proposal) -> Pattern:
    """Return the pattern that means the very same call."""
    return {"same": proposal.call_hash}


def _row(tx: Tx, draft: Draft) -> Rule:
    expires_at = lapses_at(draft.scope, draft.risk, tx.now, draft.until)
    return Rule(
        id=new_id("rul"),
        tenant=tx.tenant,
        agent_id=draft.agent_id,
        tool=draft.tool,
        tool_version=draft.tool_version,
        effect=draft.effect,
        scope=draft.scope,
        session_id=draft.session_id or "",
        pattern=canonical(dict(draft.pattern)).decode(),
        pattern_hash=content_hash(draft.pattern),
        authors=list(draft.authors),
        reason=storable(draft.reason) if draft.reason else None,
        request_id=draft.request_id,
        created_at=tx.now,
        expires_at=expires_at,
        max_uses=draft.max_uses,
        nudge_at=tx.now + NUDGE_AFTER,
    )


def _check_pattern(pattern: Pattern | None, masked: Json) -> None:
    """Refuse a pattern that this very call would not fit, or that looks at what is masked."""
    fields = (pattern or {}).get("fields")
    if not isinstance(fields, dict):
        return
    for pointer, value in fields.items():
        found = find(masked, pointer)
        if found is not None and MASK.encode() in canonical(found[0]):
            raise Unprocessable(f"remember_pattern: {pointer} is secret, so a rule cannot look at it; leave it out.")
        if found is None or canonical(found[0]) != canonical(value):
            raise Unprocessable(f"remember_pattern: {pointer} is not what this call says; send what it says.")


def _told(seen: Preview) -> dict[str, Json]:
    return {"matched": seen.matched, "approved": seen.approved, "rejected": seen.rejected}


async def _note_down(tx: Tx, rule: Rule, kind: str, actor: str, more: Mapping[str, Json]) -> None:
    detail = {
        "rule": rule.id, "tool": rule.tool, "effect": rule.effect, "scope": rule.scope, "authors": list(rule.authors),
        "pattern": json.loads(rule.pattern), **more,
    }  # fmt: skip
    await audit.record(tx, kind, actor, agent_id=rule.agent_id, request_id=rule.request_id, detail=detail)
    homes.changed(tx)
