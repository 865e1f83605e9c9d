"""Dotted names and prefixes of them: `deploy.*` stands for everything below `deploy`; the longest match counts."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")

_END = ".*"


def is_prefix(pattern: str) -> bool:
    """Whether a name stands for all names below it."""
    return pattern.endswith(_END)


def covers(pattern: str, name: str) -> bool:
    """Whether a pattern, a name or a prefix, stands for `name`."""
    return pattern == name or (is_prefix(pattern) and name.startswith(pattern[:-1]))


def patterns_for(name: str) -> Iterator[str]:
    """Yield what may be written for a name, nearest first: `a.b.c`, `a.b.*`, `a.*`."""
    yield name
    while "." in name:
        name = name.rpartition(".")[0]
        yield name + _END


def nearest(written: Mapping[str, T], name: str) -> tuple[str, T] | None:
    """Return the key that stands closest to a name, with its value, or None where nothing is written for it."""
    for pattern in patterns_for(name):
        if (found := written.get(pattern)) is not None:
            return pattern, found
    return None
