"""Where things stand in a TOML text: the line of a key, for messages about mistakes."""

import re
from collections import Counter
from collections.abc import Iterator

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=""")
_OPAQUE = re.compile(r"""\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*""")
_PART = re.compile(r""""([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)""")

Path = tuple[str | int, ...]


def lines_of(text: str) -> dict[Path, int]:
    """Return the line number (from 1) of every table and key, by path; entries of `[[x]]` are numbered from 0."""
    found: dict[Path, int] = {}
    counts: Counter[Path] = Counter()
    table: Path = ()
    for number, line in _lines_that_begin_something(text):
        if header := _HEADER.match(line):
            table = _table_path(_parts(header[2]), header[1] == "[[", counts)
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            path = (*table, *_parts(key[1]))
            found.setdefault(path, number)
    return found


def line_of(lines: dict[Path, int], path: Path) -> int:
    """Return the line of the nearest thing that encloses `path`; line 1 where nothing does."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _lines_that_begin_something(text: str) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines that do not begin inside an array or a string."""
    brackets = _OPAQUE.sub(lambda opaque: "[" + "\n" * opaque[0].count("\n") + "]", text)
    depth = 0
    for number, (line, bare) in enumerate(zip(text.split("\n"), brackets.split("\n"), strict=True), start=1):
        if depth == 0:
            yield number, line
        depth += sum(map(bare.count, "[{")) - sum(map(bare.count, "]}"))


def _parts(dotted: str) -> Path:
    return tuple(a or b or c for a, b, c in _PART.findall(dotted))


def _table_path(parts: Path, is_array: bool, counts: Counter[Path]) -> Path:
    """Resolve a header to a path, stepping into the newest entry of every array it passes."""
    path: Path = ()
    for step in parts[:-1]:
        path = (*path, step)
        path = (*path, counts[path] - 1) if counts[path] else path
    path = (*path, parts[-1])
    if is_array:
        counts[path] += 1
        return (*path, counts[path] - 1)
    return path
