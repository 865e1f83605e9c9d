"""Inputs for texts: free ones, dates, moments, addresses, and any value at all as JSON."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from bot.cards.arguments import EDITABLE, keeps_its_form, spelt
from bot.cards.widget import ABSENT, Schema, State, Value, Widget, element, parsed, typed, typed_text, units, whole
from governance.secret_fields import MASK

_URL, _EMAIL = re.compile(r"https?://[!-~]+"), re.compile(r"[!-?A-~]+@[!-?A-~]+\.[!-?A-~]+")
_MOMENT = "%Y-%m-%dT%H:%M:00Z"
_FIRST_MOMENT, _LAST_MOMENT = 1_000_000_000, 9_999_999_999  #: what a datetimepicker holds
_LONG = 100


def json_widget(value: Value) -> Widget | None:
    """Return a text input that holds a value as JSON; None where it is too long."""
    text = "" if value is ABSENT else spelt(value)
    if units(text) > EDITABLE and units(text := spelt(value, laid_out=False)) > EDITABLE:
        return None
    masked = f" {MASK} stands for a secret and keeps it." if MASK in text else ""
    return Widget(typed("plain_text_input", text, multiline=True, max_length=EDITABLE), _json, f"JSON.{masked}")


def _text(state: State) -> Value:
    return typed_text(state) or ABSENT


def _json(state: State) -> Value:
    text = typed_text(state)
    return parsed(text) if text.strip() else ABSENT


def string_widget(schema: Schema, value: Value, _required: bool) -> Widget | None:
    """Return the input for a string; None where it would not come back as it went in."""
    if value == MASK:
        return Widget(typed("plain_text_input", MASK), _text, f"{MASK} stands for a secret and keeps it.")
    if value is not ABSENT and not (isinstance(value, str) and _fits(value)):
        return None
    text = "" if value is ABSENT else value
    special = _BY_FORMAT.get(str(schema.get("format")))
    return (special(text) if special else None) or Widget(_free(schema, text), _text)


def _fits(text: str) -> bool:
    return 0 < units(text) <= EDITABLE and keeps_its_form(text)


def _free(schema: Schema, text: str) -> dict[str, Any]:
    low, high = whole(schema.get("minLength")), whole(schema.get("maxLength"))
    more: dict[str, Any] = {}
    if low and low <= (units(text) if text else EDITABLE):
        more["min_length"] = low
    if high and units(text) <= high <= EDITABLE:
        more["max_length"] = high
    if more.get("min_length", 0) > more.get("max_length", EDITABLE):
        more = {}
    is_long = "\n" in text or len(text) > _LONG or (high or 0) > 2 * _LONG
    return typed("plain_text_input", text, multiline=is_long, **more)


def _day(text: str) -> Widget | None:
    if text and not _is_day(text):
        return None
    return Widget(element("datepicker", **({"initial_date": text} if text else {})),
                  lambda state: str(state.get("selected_date") or "") or ABSENT)  # fmt: skip


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _moment(text: str) -> Widget | None:
    seconds = _seconds(text) if text else None
    if text and (seconds is None or not _FIRST_MOMENT <= seconds <= _LAST_MOMENT):
        return None
    initial = {"initial_date_time": seconds} if seconds is not None else {}
    return Widget(element("datetimepicker", **initial), _read_moment, "Stored in UTC, to the minute.")


def _seconds(text: str) -> int | None:
    try:
        moment = datetime.strptime(text, _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) if moment.strftime(_MOMENT) == text else None


def _read_moment(state: State) -> Value:
    chosen = state.get("selected_date_time")
    return datetime.fromtimestamp(int(chosen), UTC).strftime(_MOMENT) if chosen else ABSENT


def _url(text: str) -> Widget | None:
    return Widget(typed("url_text_input", text), _text) if not text or _URL.fullmatch(text) else None


def _email(text: str) -> Widget | None:
    return Widget(typed("email_text_input", text), _text) if not text or _EMAIL.fullmatch(text) else None


_BY_FORMAT: dict[str, Callable[[str], Widget | None]] = {
    "date": _day,
    "date-time": _moment,
    "uri": _url,
    "email": _email,
}
