"""What the filters of a list may say; a value that cannot be meant is refused with the way to write it."""

import base64
import binascii
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from aiohttp import web
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from governance.errors import Unprocessable

E = TypeVar("E", bound=StrEnum)

_NAME = re.compile(r"[\x21-\x7e]{1,255}")
_PLACE = re.compile(r"[1-9]\d{0,17}", re.ASCII)
_MOMENT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)
_SWITCH = {"1": True, "true": True, "0": False, "false": False}


def one_of(request: web.Request, name: str, kind: type[E]) -> E | None:
    """Return a filter's value, or None where it is absent."""
    text = request.query.get(name)
    if text is None:
        return None
    try:
        return kind(text)
    except ValueError:
        raise invalid(name, f"one of {', '.join(kind)}") from None


def name_in(request: web.Request, name: str) -> str | None:
    """Return the name a filter asks for: one of ours, so without spaces and in ASCII."""
    text = request.query.get(name)
    if text is not None and not _NAME.fullmatch(text):
        raise invalid(name, "a name of 1 to 255 printable ASCII characters without spaces")
    return text


def moment_in(request: web.Request, name: str) -> datetime | None:
    """Return a moment in UTC: RFC 3339 with its zone, or seconds or milliseconds since 1970."""
    text = request.query.get(name)
    if text is None:
        return None
    try:
        return _MOMENT.validate_python(text).astimezone(UTC)
    except (ValidationError, OverflowError):
        raise invalid(name, "a moment such as 2026-11-23T10:00:00Z, or seconds since 1970") from None


def switch_in(request: web.Request, name: str) -> bool:
    """Return whether a switch is on; absent means off."""
    text = request.query.get(name, "0")
    if text not in _SWITCH:
        raise invalid(name, "1 or 0")
    return _SWITCH[text]


def cursor_at(place: int) -> str:
    """Return the cursor that leads on from a place in a chain."""
    return base64.urlsafe_b64encode(str(place).encode()).decode()


def place_in(request: web.Request) -> int | None:
    """Return the place in a chain that `?cursor=` leads on from."""
    text = request.query.get("cursor")
    if text is None:
        return None
    try:
        place = base64.urlsafe_b64decode(text.encode()).decode()
    except (binascii.Error, ValueError):
        place = ""
    if not _PLACE.fullmatch(place):
        raise invalid("cursor", "the next_cursor of an earlier answer")
    return int(place)


def invalid(name: str, expected: str) -> Unprocessable:
    """Return the refusal of a query value."""
    return Unprocessable(f"{name}: send {expected}.", code="INVALID_QUERY")
