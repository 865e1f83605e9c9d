"""What happened to a call, entry by entry of the audit record, as rich text that Slack does not parse: pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from governance.canonical import Json
from governance.story import detail_of
from governance.text import visible
from storage.tables import AuditEntry

Rich = list[dict[str, Any]]

CHUNK = 2900  #: characters of one piece of text
_FIRST = ("reason", "error", "result")


def trail_parts(entries: Iterable[AuditEntry]) -> list[Rich]:
    """Return one or more parts per entry, each the elements of one rich_text block."""
    return [part for entry in entries for part in _entry(entry)]


def _entry(entry: AuditEntry) -> list[Rich]:
    who = _actor(entry.actor)
    head = [_date(entry.at), _text(" · "), _text(entry.kind.replace(".", " ").replace("_", " "), bold=True),
            _text(" · "), who]  # fmt: skip
    first, *more = _chunks(_told(detail_of(entry.detail)))
    return [
        [_section(head), *([_quote(first)] if first else [])],
        *([_section([*head, _text(", continued")]), _quote(chunk)] for chunk in more),
    ]


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


def _chunks(text: str) -> list[str]:
    return [text[i : i + CHUNK] for i in range(0, len(text), CHUNK)] or [""]


def _actor(actor: str) -> dict[str, Any]:
    kind, _, name = actor.partition(":")
    return {"type": "user", "user_id": name} if kind == "person" and 0 < len(name) <= 20 else _text(visible(actor))


def _date(at: datetime) -> dict[str, Any]:
    fallback = at.strftime("%Y-%m-%d %H:%M UTC")
    return {"type": "date", "timestamp": int(at.timestamp()), "format": "{date_short_pretty} {time}",
            "fallback": fallback}  # fmt: skip


def _text(text: str, *, bold: bool = False) -> dict[str, Any]:
    return {"type": "text", "text": text or "—"} | ({"style": {"bold": True}} if bold else {})


def _section(elements: Rich) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": elements}


def _quote(text: str) -> dict[str, Any]:
    return {"type": "rich_text_quote", "elements": [_text(text)]}
