"""The frames of the event stream: each a name, the event's place as its id, and one line of JSON."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

from bot.api.bodies import moment
from governance.events import EventName, Happening

RETRY = b"retry: 2000\n\n"  # milliseconds until a reader connects anew
HEARTBEAT = b":\n\n"
RESYNC = "/api/v1/approvals?status=pending"


class StreamEvent(TypedDict):
    """What happened to one call. `status` is the one that holds since; `id` is the event's place in its workspace.

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


class Lagged(TypedDict):
    """Said to a reader who fell behind: events were left out, and it goes on after `id`.

    List `resync`, or resume after `resume_after` to be sent everything. `missed` is null where that would tell an agent
    how much others do.
    """

    event: Literal["lagged"]
    id: int
    at: str
    missed: int | None
    resume_after: int
    resync: str


def event_json(one: Happening) -> StreamEvent:
    """Return an event as it goes over the wire."""
    told: StreamEvent = {
        "event": one.event, "id": one.id, "at": moment(one.at), "approval_id": one.approval_id,
        "proposal_id": one.proposal_id, "agent": one.agent, "tool": one.tool, "status": one.status,
    }  # fmt: skip
    if one.by is not None:
        told["by"] = one.by
    if one.reason is not None:
        told["reason"], told["reason_is_untrusted"] = one.reason, True
    return told


def frame_of(one: Happening) -> bytes:
    """Return an event as it is sent."""
    return _frame(one.event, event_json(one), one.id)


def lagged_frame(at: datetime, newest: int, missed: int | None, resume_after: int) -> bytes:
    """Return what a slow reader is told. It has no id of its own: who resumes gets what was left out."""
    told: Lagged = {
        "event": "lagged", "id": newest, "at": moment(at), "missed": missed, "resume_after": resume_after,
        "resync": RESYNC,
    }  # fmt: skip
    return _frame("lagged", told)


def _frame(name: str, data: Mapping[str, Any], id: int | None = None) -> bytes:
    """JSON escapes line breaks, so nothing a person wrote ends a line of ours."""
    line = json.dumps(data, separators=(",", ":"))
    return f"{f'id: {id}' + chr(10) if id is not None else ''}event: {name}\ndata: {line}\n\n".encode()
