"""The few kinds of rule the Block Kit grammar is written in.

A shape maps field names to rules; a leading `!` marks a required field. Shapes are closed: Slack refuses
fields it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class Str:
    """A string of `least` to `most` characters, from `choices` or matching `pattern` where given."""

    most: int = 0
    least: int = 0
    choices: tuple[str, ...] = ()
    pattern: str = ""


@dataclass(frozen=True)
class Flag:
    """True or false."""


@dataclass(frozen=True)
class Int:
    """A whole number within bounds, both included."""

    least: int
    most: int


@dataclass(frozen=True)
class Shape:
    """An object with exactly these fields; `one_of` demands at least one of the named ones."""

    fields: Mapping[str, Rule]
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kinds:
    """An object whose `type` picks its shape."""

    shapes: dict[str, Shape] = field(default_factory=dict)


@dataclass(frozen=True)
class Items:
    """An array of `least` to `most` things that all follow `rule`."""

    rule: Rule
    most: int
    least: int = 1


@dataclass(frozen=True)
class Free:
    """An object Slack takes as it is."""


Rule: TypeAlias = Str | Flag | Int | Shape | Kinds | Items | Free
