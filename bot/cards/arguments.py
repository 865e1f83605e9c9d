"""Showing a call's arguments: complete where there is room, else cut visibly with the size of what is hidden."""

import json
from collections.abc import Iterator

from governance.canonical import Json
from governance.text import cut, visible

PREVIEW_TOTAL = 2600
EDITABLE = 3000  #: characters a Slack input holds
_VALUE = 400
_FIELDS = 20


def preview(canonical_text: str, limit: int = PREVIEW_TOTAL) -> str:
    """Return the arguments as a few readable lines, never longer than a card has room for."""
    arguments, whole = json.loads(canonical_text), complete(canonical_text)
    if len(whole) <= limit:
        return whole
    if not isinstance(arguments, dict):
        return _cut_value(whole, limit)
    return cut("\n".join(_lines(arguments, limit)), limit + 200)


def is_cut(canonical_text: str, limit: int = PREVIEW_TOTAL) -> bool:
    """Whether `preview` leaves anything out."""
    return len(complete(canonical_text)) > limit


def editable(canonical_text: str) -> str:
    """Return the arguments as a person may edit them: every character as it is, laid out where there is room."""
    value = json.loads(canonical_text)
    laid_out = json.dumps(value, ensure_ascii=False, indent=2)
    return laid_out if len(laid_out) <= EDITABLE else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def complete(canonical_text: str) -> str:
    """Return every character of the arguments, for Details."""
    return visible(json.dumps(json.loads(canonical_text), ensure_ascii=False, indent=2))


def one_line_preview(canonical_text: str, limit: int) -> str:
    """Return the arguments on one line, for notifications."""
    return cut(visible(canonical_text[: limit + 1]), limit)


def _lines(arguments: dict[str, Json], room: int) -> Iterator[str]:
    for shown, (name, value) in enumerate(arguments.items()):
        text = visible(json.dumps(value, ensure_ascii=False))
        line = f"{cut(visible(name), 80)}: {_cut_value(text, _VALUE)}"
        room -= len(line) + 1
        if shown >= _FIELDS or room < 0:
            yield f"… and {len(arguments) - shown} more fields, all of them in Details"
            return
        yield line


def _cut_value(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit:,} of {len(text):,} characters hidden; Details shows all)"
