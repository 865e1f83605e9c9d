"""What an edit changed as a table, field by field, where every value fits whole."""

import json
from typing import Any

from governance.canonical import Json
from governance.text import visible

_ROWS, _ROOM = 30, 1200  #: Slack takes 100 rows; the rest of a card needs its characters too
_NOT_THERE = "—"  #: no JSON value is written like this


def changes_table(before: str, after: str) -> dict[str, Any] | None:
    """Return a table block with one row per top-level field of two canonical texts that differs.

    None where a value would have to be cut, where no field differs or where the arguments are no objects: then the
    lines of `diffs` show it.
    """
    old, new = json.loads(before), json.loads(after)
    if not isinstance(old, dict) or not isinstance(new, dict):
        return None
    names = [name for name in {**old, **new} if not _same(old, new, name)]
    rows = [(_name(name), _value(old, name), _value(new, name)) for name in names]
    if not rows or len(rows) > _ROWS or sum(len(cell) for row in rows for cell in row) > _ROOM:
        return None
    return {"type": "table", "rows": [_row(row) for row in (("Field", "Before", "After"), *rows)],
            "column_settings": [{"is_wrapped": True}] * 3}  # fmt: skip


def _same(old: dict[str, Json], new: dict[str, Json], name: str) -> bool:
    return name in old and name in new and json.dumps(old[name]) == json.dumps(new[name])


def _name(name: str) -> str:
    """Return a name as it is where it cannot be taken for anything else, quoted where it can."""
    return name if name and name.strip() == name and visible(name) == name else visible(json.dumps(name))


def _value(arguments: dict[str, Json], name: str) -> str:
    return visible(json.dumps(arguments[name], ensure_ascii=False)) if name in arguments else _NOT_THERE


def _row(cells: tuple[str, str, str]) -> list[dict[str, str]]:
    return [{"type": "raw_text", "text": cell} for cell in cells]
