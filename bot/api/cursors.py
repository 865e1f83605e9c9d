"""Cursors of lists: where the last page ended, opaque to callers."""

import base64
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

_ID = re.compile(r"[a-z]{3}_\w{1,60}", re.ASCII)
_PLACE = re.compile(r"[1-9]\d{0,17}", re.ASCII)

#: The last row of a page: when it was created, and its id.
Row = tuple[datetime, str]


def cursor_after(at: datetime, id: str) -> str:
    """Return the cursor of whatever comes after this row, in a list that runs newest first."""
    return _written(f"{at.isoformat()}|{id}")


class Listed(Protocol):
    """A row of a list that runs newest first."""

    id: str
    created_at: datetime


def next_after(found: Sequence[Listed], limit: int) -> str | None:
    """Return the cursor of what follows the first `limit` of some rows, None where there are no more than these."""
    return cursor_after(found[limit - 1].created_at, found[limit - 1].id) if len(found) > limit else None


def row_of(cursor: str) -> Row:
    """Return the row that a cursor comes after. Raises ValueError for one we did not give."""
    at, _, id = _read(cursor).partition("|")
    moment = datetime.fromisoformat(at)
    if moment.tzinfo is not UTC or not _ID.fullmatch(id):
        raise ValueError("no cursor of ours")
    return moment, id


def cursor_at(place: int) -> str:
    """Return the cursor that leads on from a place in a chain."""
    return _written(str(place))


def place_of(cursor: str) -> int:
    """Return the place in a chain that a cursor leads on from. Raises ValueError for one we did not give."""
    place = _read(cursor)
    if not _PLACE.fullmatch(place):
        raise ValueError("no cursor of ours")
    return int(place)


def _written(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read(cursor: str) -> str:
    return base64.urlsafe_b64decode(cursor.encode()).decode()  # what it raises is a ValueError
