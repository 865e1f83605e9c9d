"""Cursors of lists that run newest first: where the last page ended, opaque to callers."""

import base64
import binascii
import re
from datetime import UTC, datetime

from aiohttp import web

from governance.errors import Unprocessable

#: Where a page ended: the moment and the id of its last row.
Place = tuple[datetime, str]

_ID = re.compile(r"[a-z]{3}_\w{1,60}", re.ASCII)


def cursor_after(at: datetime, id: str) -> str:
    """Return the cursor of whatever comes after this row."""
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{id}".encode()).decode()


def cursor_of(request: web.Request) -> Place | None:
    """Return `?cursor=` as moment and id, None where it is absent. Raises Unprocessable for one we did not give."""
    return parse_cursor(request.query.get("cursor"))


def parse_cursor(text: str | None) -> Place | None:
    """Return a cursor as moment and id. Raises Unprocessable for one we did not give."""
    if text is None:
        return None
    try:
        at, _, id = base64.urlsafe_b64decode(text.encode()).decode().partition("|")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is UTC and _ID.fullmatch(id):
            return moment, id
    except (binascii.Error, ValueError):
        pass
    raise Unprocessable("cursor: send the next_cursor of an earlier answer.", code="INVALID_QUERY")
