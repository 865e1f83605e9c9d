"""The frames of the event stream: each a name, the event's place as its id, and one line of JSON."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from typing_extensions import TypedDict

from bot.api.bodies import moment
from governance.events import Happening, data_of

RETRY = b"retry: 2000\n\n"  # milliseconds until a reader connects anew
HEARTBEAT = b":\n\n"
RESYNC = "/api/v1/approvals?status=pending"


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


def frame_of(one: Happening) -> bytes:
    """Return an event as it is sent."""
    return _frame(one.event, data_of(one), one.id)


def place_frame(place: int) -> bytes:
    """Return what tells a reader its place before the first event: who is cut off until then resumes there."""
    return f"id: {place}\n\n".encode()


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
