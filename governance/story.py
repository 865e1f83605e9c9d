"""A proposal's audit entries as the trust mapping reads them, and what stands out in them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.canonical import Json
from governance.tiers import Tier

OPENINGS = frozenset(
    f"proposal.{state}" for state in ("allowed", "pending", "suggested", "shadowed", "denied", "unsupported")
)
VOTES = frozenset({"review.recorded", "approval.decided"})
RUNS = frozenset({"execution.finished", "execution.reconciled"})
#: The kinds of a proposal's entries that its trust records are made of.
STORY_KINDS = OPENINGS | VOTES | RUNS


@dataclass(frozen=True, slots=True)
class Event:
    """One audit entry. `keyed` says whether it carries a MAC."""

    id: int
    at: datetime
    kind: str
    actor: str
    agent: str | None
    proposal_id: str | None
    request_id: str | None
    execution_id: str | None
    detail: Mapping[str, Json]
    keyed: bool

    def text(self, key: str) -> str | None:
        """Return a text of the detail, or None where there is none."""
        value = self.detail.get(key)
        return value if isinstance(value, str) and value else None


def detail_of(text: str) -> dict[str, Json]:
    """Read an entry's detail; what somebody broke behind our back reads as empty and must not stop the sealer."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def opening_of(event: Event, past: Sequence[Event]) -> Event:
    """Return the entry that recorded the proposal, or the event itself where there is none."""
    return next((one for one in past if one.kind in OPENINGS), event)


def approval_in(past: Sequence[Event]) -> Event | None:
    """Return the newest entry by which people approved, or None."""
    decisions = (one for one in past if one.kind == "approval.decided" and one.text("status") == "approved")
    return max(decisions, key=lambda one: one.id, default=None)


def counted_votes(decided: Event, past: Sequence[Event]) -> list[Event]:
    """Return the last approval of everybody who counted when a request settled, on the version it settled at."""
    counted = decided.detail.get("approvers")
    people = {*(counted if isinstance(counted, list) else ()), person_of(decided.actor)}
    votes = {
        one.actor: one
        for one in past
        if one.kind in VOTES and one.request_id == decided.request_id and person_of(one.actor) in people
        and one.text("verdict") == "approve" and one.detail.get("version") == decided.detail.get("version")
    }  # fmt: skip
    return sorted(votes.values(), key=lambda one: one.id)


def person_of(actor: str) -> str | None:
    """Return the Slack id of an actor that is a person, else None."""
    return actor.removeprefix("person:") if actor.startswith("person:") else None


def tier_of(word: str | None) -> Tier | None:
    """Return the tier of this name, or None."""
    return next((tier for tier in Tier if tier == word), None)
