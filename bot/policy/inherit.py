"""How tools inherit: what a tool leaves out comes from the longest prefix that writes it, then from a shipped pack."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path as FilePath

from bot.policy.places import Path
from bot.policy.shape import PackFile, PolicyFile, ToolTable
from governance.prefixes import is_prefix, patterns_for

_PACKS = FilePath(__file__).parent / "packs"

Layers = dict[str, tuple[ToolTable, Path]]


@dataclass(frozen=True, slots=True)
class WholeTool:
    """One tool with everything it inherits, and the place in the file that wrote each key."""

    table: ToolTable
    place: Path
    places: dict[str, Path]


def whole_tools(file: PolicyFile) -> list[WholeTool]:
    """Return every callable tool of a policy file and the packs it includes, in the order they were written."""
    own: Layers = {table.name: (table, ("tools", i)) for i, table in enumerate(file.tools)}
    packed: Layers = {}
    for i, name in enumerate(file.include):
        packed |= {table.name: (table, ("include", i)) for table in _pack(name)}
    names = dict.fromkeys((*own, *packed))
    return [_whole(name, own, packed) for name in names if not is_prefix(name)]


def _whole(name: str, own: Layers, packed: Layers) -> WholeTool:
    nearest_first = list(_layers(name, own, packed))
    values, places = {}, {}
    for table, place in reversed(nearest_first):
        for key in table.model_fields_set - {"name"}:
            values[key] = getattr(table, key)
            places[key] = (*place, key) if place[0] == "tools" else place
    return WholeTool(ToolTable(name=name).model_copy(update=values), nearest_first[0][1], places)


def _layers(name: str, own: Layers, packed: Layers) -> Iterator[tuple[ToolTable, Path]]:
    for layers in (own, packed):
        for pattern in patterns_for(name):
            if pattern in layers:
                yield layers[pattern]


@cache
def _pack(name: str) -> tuple[ToolTable, ...]:
    """Read a shipped pack such as `builtin:assistant`."""
    text = (_PACKS / f"{name.removeprefix('builtin:')}.toml").read_text()
    return tuple(PackFile.model_validate(tomllib.loads(text)).tools)
