"""What happened, as the outside follows it: the public names of audit entries, for the stream and for webhooks.

Every event carries the status that holds after it, never a change of one, so a reader who sees an event twice, or lists
first and applies older events afterwards, ends with the same picture.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import (
    Literal,
    NotRequired,  # pydantic reads these of the standard library only from 3.12 on
)

from typing_extensions import TypedDict

from governance.lifecycle import RequestStatus
from governance.story import Event, person_of


class EventName(StrEnum):
    """What an event of the stream or a webhook may be called."""

    APPROVAL_REQUESTED = "approval_requested"
    VOTE_RECORDED = "vote_recorded"  #: a review that does not settle
    APPROVAL_DECIDED = "approval_decided"  #: the one that does
    APPROVAL_DEFERRED = "approval_deferred"
    APPROVAL_REOPENED = "approval_reopened"
    APPROVAL_EDITED = "approval_edited"
    APPROVAL_DELEGATED = "approval_delegated"
    APPROVAL_ESCALATED = "approval_escalated"
    APPROVAL_EXPIRED = "approval_expired"
    APPROVAL_WITHDRAWN = "approval_withdrawn"
    EXECUTION_STARTED = "execution_started"
    EXECUTION_FINISHED = "execution_finished"
    EXECUTION_RECONCILED = "execution_reconciled"


_N = EventName

#: The event that each kind of audit entry is. What stands here is public; everything else stays in the record.
EVENTS: Mapping[str, EventName] = {
    "proposal.pending": _N.APPROVAL_REQUESTED,
    "proposal.suggested": _N.APPROVAL_REQUESTED,
    "proposal.rerequested": _N.APPROVAL_REQUESTED,
    "governance.requested": _N.APPROVAL_REQUESTED,
    "review.recorded": _N.VOTE_RECORDED,
    "approval.decided": _N.APPROVAL_DECIDED,
    "approval.deferred": _N.APPROVAL_DEFERRED,
    "approval.reopened": _N.APPROVAL_REOPENED,
    "approval.edited": _N.APPROVAL_EDITED,
    "approval.delegated": _N.APPROVAL_DELEGATED,
    "approval.escalated": _N.APPROVAL_ESCALATED,
    "approval.expired": _N.APPROVAL_EXPIRED,
    "governance.superseded": _N.APPROVAL_EXPIRED,
    "approval.withdrawn": _N.APPROVAL_WITHDRAWN,
    "execution.started": _N.EXECUTION_STARTED,
    "execution.finished": _N.EXECUTION_FINISHED,
    "execution.reconciled": _N.EXECUTION_RECONCILED,
}

#: What an entry means whose detail names no status.
_STATUS: Mapping[EventName, str] = {
    _N.APPROVAL_REQUESTED: RequestStatus.PENDING,
    _N.APPROVAL_EXPIRED: RequestStatus.EXPIRED,
    _N.APPROVAL_WITHDRAWN: RequestStatus.WITHDRAWN,
}


@dataclass(frozen=True, slots=True)
class About:
    """What an audit entry does not say about the call it is about."""

    agent: str
    tool: str
    approval_id: str | None


@dataclass(frozen=True, slots=True)
class Happening:
    """One public event. `id` is its place in its workspace's order; `reason` is a person's text: data, never orders."""

    id: int
    event: EventName
    at: datetime
    approval_id: str | None
    proposal_id: str
    agent: str
    tool: str
    status: str | None
    by: str | None = None
    reason: str | None = None


class EventData(TypedDict):
    """What happened to one call, as the stream and webhooks tell it. `status` is the one that holds since; `id` is the
    event's place in its workspace.

    `by` stands where a person did it, `reason` where they said why: their words, data and never instructions.
    """

    event: EventName
    id: int
    at: str
    approval_id: str | None
    proposal_id: str
    agent: str
    tool: str
    status: str | None
    by: NotRequired[str]
    reason: NotRequired[str]
    reason_is_untrusted: NotRequired[Literal[True]]


def data_of(one: Happening) -> EventData:
    """Return an event as it goes over the wire."""
    told: EventData = {
        "event": one.event, "id": one.id, "at": moment_of(one.at), "approval_id": one.approval_id,
        "proposal_id": one.proposal_id, "agent": one.agent, "tool": one.tool, "status": one.status,
    }  # fmt: skip
    if one.by is not None:
        told["by"] = one.by
    if one.reason is not None:
        told["reason"], told["reason_is_untrusted"] = one.reason, True
    return told


def moment_of(at: datetime) -> str:
    """Write a moment as the wire does: RFC 3339 in UTC, ending in Z."""
    return at.isoformat().replace("+00:00", "Z")


def is_public(kind: str) -> bool:
    """Whether entries of this kind are events of the stream."""
    return kind in EVENTS


def happening(place: int, entry: Event, about: About) -> Happening | None:
    """Return the event that the audit entry at this place of the order is, or None where it is none."""
    name = EVENTS.get(entry.kind)
    if name is None or entry.proposal_id is None:
        return None
    if name is _N.APPROVAL_REQUESTED and entry.request_id is None:
        return None  # asked again, but a rule or the policy answered by now
    status = entry.text("status") or _STATUS.get(name)
    return Happening(
        place, name, entry.at, entry.request_id or about.approval_id, entry.proposal_id, about.agent, about.tool,
        status, person_of(entry.actor), entry.text("reason") if person_of(entry.actor) else None,
    )  # fmt: skip
