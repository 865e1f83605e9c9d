"""Showing a call's arguments: complete where there is room, else cut visibly with the size of what is hidden."""

import json
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from governance.canonical import Json
from governance.text import cut, visible

PREVIEW_TOTAL = 2600
EDITABLE = 3000  #: characters a Slack input holds
_EMOJI = frozenset("©®‼⁉ℹ〰〽㊗㊙\u20e3")
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
    """Return the arguments as a person may edit them: nothing hidden or lost, laid out where there is room."""
    value = json.loads(canonical_text)
    laid_out = spelt(value)
    return laid_out if len(laid_out) <= EDITABLE else spelt(value, laid_out=False)


def spelt(value: Json, *, laid_out: bool = True) -> str:
    """Return JSON that survives being shown, copied and sent back: what cannot be seen, or what Slack may send back
    written otherwise, is escaped."""
    if laid_out:
        text = json.dumps(value, ensure_ascii=False, indent=2)
    else:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "".join(map(_spelt, text))


def keeps_its_form(text: str) -> bool:
    """Whether a text comes back from one of Slack's inputs as it went in."""
    return text == text.strip() and "\t" not in text and all(one == "\n" or _spelt(one) == one for one in text)


@lru_cache(maxsize=4096)
def _spelt(character: str) -> str:
    """Escape what is invisible, spaces of other kinds, and emoji, which Slack may send back as :names:."""
    if character == "\n" or (character.isprintable() and not _may_change(character)):
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else json.dumps(character)[1:-1]


def _may_change(character: str) -> bool:
    code = ord(character)
    is_emoji = code >= 0x1F000 or (code >= 0x2000 and unicodedata.category(character) == "So")
    return is_emoji or character in _EMOJI or visible(character) != character


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
