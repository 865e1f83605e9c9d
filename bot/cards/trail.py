"""What happened to a call, entry by entry of the audit record; what was said is text Slack does not parse: pure."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bot.cards.blocks import Blocks, date, mrkdwn
from governance.canonical import Json
from governance.story import detail_of
from governance.text import visible
from storage.tables import AuditEntry

CHUNK = 2900  #: characters of one piece of text
_PERSON = re.compile(r"[UW][A-Z0-9]{2,63}")
_MOMENTS = {"expires_at": "expires", "until": "until", "at": "at"}
_FIRST = ("reason", "error", "result")
_HEADING = {"type": "section", "text": {"type": "mrkdwn", "text": "*What happened*"}}


def trail_parts(entries: Iterable[AuditEntry]) -> list[Blocks]:
    """Return one or more parts per entry, each the blocks of a line and of what it says besides."""
    parts = [part for entry in entries for part in _entry(entry)]
    return [[_HEADING, *parts[0]], *parts[1:]] if parts else []


def _entry(entry: AuditEntry) -> list[Blocks]:
    what, detail = mrkdwn(entry.kind.replace(".", " ").replace("_", " ")), detail_of(entry.detail)
    moments = {name: at for name, value in detail.items() if (at := _moment(name, value)) is not None}
    later = [f"{_MOMENTS[name]} {date(at)}" for name, at in moments.items()]
    line = " · ".join([date(entry.at), f"*{what}*", _actor(entry.actor), *later])
    text = _told({name: value for name, value in detail.items() if name not in moments})
    chunks = [text[i : i + CHUNK] for i in range(0, len(text), CHUNK)]
    first = [_line(line), *([_quote(chunks[0])] if chunks else [])]
    return [first, *([_line(f"{line}, continued"), _quote(chunk)] for chunk in chunks[1:])]


def _moment(name: str, value: Json) -> datetime | None:
    """Return the moment an entry names; it goes into the line, where Slack shows it in the reader's own time."""
    try:
        return datetime.fromisoformat(value) if name in _MOMENTS and isinstance(value, str) else None
    except ValueError:
        return None


def _told(detail: dict[str, Json]) -> str:
    """Return what an entry says besides who, when and what: words first, the rest as it is written down."""
    known = {name: value for name, value in detail.items() if value not in (None, "", [], {})}
    names = [name for name in _FIRST if name in known] + [name for name in known if name not in _FIRST]
    return "\n".join(f"{name.replace('_', ' ')}: {_value(known[name])}" for name in names)


def _value(value: Json) -> str:
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    if isinstance(value, dict):
        return ", ".join(f"{visible(str(name))} {_value(item)}" for name, item in value.items())
    return visible(str(value))


def _actor(actor: str) -> str:
    kind, _, name = actor.partition(":")
    return f"<@{name}>" if kind == "person" and _PERSON.fullmatch(name) else mrkdwn(f"{kind} {name}".strip())


def _line(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _quote(text: str) -> dict[str, Any]:
    quote = {"type": "rich_text_quote", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [quote]}
