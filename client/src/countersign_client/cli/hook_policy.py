"""Which tool of the policy a tool of Claude Code is."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PREFIX, _TOOLS, _PASS = "COUNTERSIGN_HOOK_PREFIX", "COUNTERSIGN_HOOK_TOOLS", "COUNTERSIGN_HOOK_PASS"

#: What only looks, or keeps Claude's own books: nobody is asked about these unless a mapping says so.
READING = ("Glob", "Grep", "LS", "Read", "NotebookRead", "TodoRead", "TodoWrite", "TaskList", "TaskGet")


@dataclass(frozen=True, slots=True)
class HookPolicy:
    """How names are translated. `mapping` comes first, then what passes, then the prefix."""

    prefix: str
    mapping: Mapping[str, str | None]
    passing: frozenset[str]

    @classmethod
    def read(cls, prefix: str | None, tools: str | None, passing: str | None) -> "HookPolicy":
        """Read it from options, else from the environment. Raises ValueError for a file that is no mapping."""
        prefix = os.environ.get(_PREFIX, "claude.") if prefix is None else prefix
        passing = os.environ.get(_PASS) if passing is None else passing
        names = READING if passing is None else [name.strip() for name in passing.split(",") if name.strip()]
        file = tools or os.environ.get(_TOOLS)
        return cls(prefix, _mapping(Path(file)) if file else {}, frozenset(names))

    def tool_of(self, name: str) -> str | None:
        """Return the tool to propose, or None for a call that passes unasked."""
        if not isinstance(name, str) or not name:
            raise ValueError("tool_name is missing")
        if name in self.mapping:
            return self.mapping[name]
        for pattern in sorted((one for one in self.mapping if one.endswith("*")), key=len, reverse=True):
            if name.startswith(pattern[:-1]):
                return self.mapping[pattern]
        return None if name in self.passing else self.prefix + name


def _mapping(file: Path) -> dict[str, str | None]:
    found = json.loads(file.read_text())
    if not isinstance(found, dict) or not all(isinstance(to, str | None) and to != "" for to in found.values()):
        raise ValueError(f"{file}: must be a JSON object of names and tools, null for those that pass")
    return found
