"""Receipts: what proves later that a person approved exactly this, and what a call stood on when it ran."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.canonical import Json, canonical
from governance.story import Event, counted_votes, person_of
from governance.trustgraph import timestamp


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What a trust record says of the rule that answered a call."""

    id: str
    authors: tuple[str, ...]
    created_at: datetime
    request_id: str | None = None


def receipt(content: Mapping[str, Json], key: bytes | None) -> str:
    """Return `hmac-sha256:<hex>` of a receipt under the audit key, or a plain `sha256:<hex>` without one."""
    body = canonical({"purpose": "countersign approval receipt v1", **content})
    if key is None:
        return "sha256:" + hashlib.sha256(body).hexdigest()
    return "hmac-sha256:" + hmac.new(key, body, hashlib.sha256).hexdigest()


def signature(reviewer: str, at: datetime, content: Mapping[str, Json], key: bytes | None) -> dict[str, Json]:
    """Return one signature of an approval; its receipt covers `content`, the reviewer and the moment."""
    signed_at = timestamp(at)
    covered = {**content, "reviewer": reviewer, "signed_at": signed_at}
    return {"reviewer": reviewer, "signed_at": signed_at, "signature": receipt(covered, key)}


def approval_by_rule(rule: RuleFacts, digest: str | None, key: bytes | None) -> dict[str, Json]:
    """Return the approval a remembered rule stands for: its authors' receipts over the rule and this very call."""
    content = {"rule": rule.id, "digest": digest}
    found: dict[str, Json] = {
        "required": True, "quorum": len(rule.authors),
        "signatures": [signature(author, rule.created_at, content, key) for author in rule.authors],
    }  # fmt: skip
    return {**found, "request_id": rule.request_id} if rule.request_id else found


def approval_by_people(decided: Event, past: Sequence[Event], key: bytes | None) -> dict[str, Json] | None:
    """Return the approval of a settled request: a receipt of every review that counted, in the order they came."""
    signatures = [_signed(vote, key) for vote in counted_votes(decided, past)]
    if not signatures:
        return None
    quorum = decided.detail.get("quorum")
    return {
        "required": True, "quorum": quorum if isinstance(quorum, int) else len(signatures),
        "request_id": decided.request_id, "signatures": signatures,
    }  # fmt: skip


def _signed(vote: Event, key: bytes | None) -> dict[str, Json]:
    covered = ("digest", "version", "quorum", "expires_at", "verdict", "reason", "on_behalf_of")
    content = {"request": vote.request_id, **{name: vote.detail.get(name) for name in covered}}
    return signature(person_of(vote.actor) or vote.actor, vote.at, content, key if vote.keyed else None)
