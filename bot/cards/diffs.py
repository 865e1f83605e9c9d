"""What an edit changed, line by line: short on a card, complete in Details."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import zip_longest

from bot.cards.arguments import complete
from governance.text import cut

_CONTEXT = 2
_LINE = 160
_MOST_LINES = 600  # comparing takes the product of both
_TOO_LONG = "Too long to compare line by line; both versions stand below in full."


def changes(before: str, after: str) -> str:
    """Return every changed line of two canonical texts with two lines around each, as `- old` and `+ new`."""
    return "\n".join(_lines(before, after, None)) or _TOO_LONG


def changes_in_short(before: str, after: str, limit: int) -> str:
    """Return the same for a card: long lines cut around where they differ, the whole cut visibly."""
    lines = list(_lines(before, after, _LINE))
    if not lines:
        return "Too long to compare here; Details shows both versions."
    shown: list[str] = []
    room = limit
    for place, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            return "\n".join([*shown, f"… {len(lines) - place} more lines; Details shows all"])
        shown.append(line)
    return "\n".join(shown)


def _lines(before: str, after: str, width: int | None) -> Iterator[str]:
    old, new = complete(before).splitlines(), complete(after).splitlines()
    if max(len(old), len(new)) > _MOST_LINES:
        return
    groups = SequenceMatcher(None, old, new).get_grouped_opcodes(_CONTEXT)
    for number, group in enumerate(groups):
        if number:
            yield "  …"
        for tag, i, j, k, m in group:
            if tag == "equal":
                yield from (f"  {_short(line, width)}" for line in old[i:j])
            else:
                yield from _changed(old[i:j], new[k:m], width)


def _changed(old: list[str], new: list[str], width: int | None) -> Iterator[str]:
    pairs = [_apart(one, other, width) for one, other in zip_longest(old, new)]
    yield from (f"- {one}" for one, _ in pairs if one is not None)
    yield from (f"+ {other}" for _, other in pairs if other is not None)


def _apart(old: str | None, new: str | None, width: int | None) -> tuple[str | None, str | None]:
    """Cut two versions of a long line to the same stretch around the first difference, so that it can be seen."""
    if width is None or old is None or new is None or max(len(old), len(new)) <= width:
        return _maybe_short(old, width), _maybe_short(new, width)
    same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = max(0, same - width // 4)
    lead = "…" if start else ""
    return lead + cut(old[start:], width), lead + cut(new[start:], width)


def _maybe_short(line: str | None, width: int | None) -> str | None:
    return None if line is None else _short(line, width)


def _short(line: str, width: int | None) -> str:
    return line if width is None else cut(line, width)
