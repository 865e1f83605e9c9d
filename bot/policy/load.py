"""Loading countersign.toml: a mistake names file, line, key and remedy; the old policy stays in force."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.policy import places
from bot.policy.compile import compile_policy
from bot.policy.mistake import Mistake
from bot.policy.shape import PolicyFile
from governance.policy import TENANT, Policy

_REMEDIES = {
    "extra_forbidden": "there is no such key here; remove it or mend its spelling",
    "missing": "is required; add it",
    "string_pattern_mismatch": "is not written as it should be",
    "union_tag_invalid": "there is no such kind of connector; write http, python, mcp or agent",
    "union_tag_not_found": "say which kind of connector it is: http, python, mcp or agent",
}
_KINDS = frozenset({"http", "python", "mcp", "agent"})


class PolicyProblem(Exception):
    """The policy cannot be used. The text names file, line, key and remedy of every mistake, one per line."""


def load_policy(path: Path, environment: Mapping[str, str]) -> Policy:
    """Read and compile a policy file; return what holds in the workspace it names first. Raises PolicyProblem."""
    return next(iter(load_policies(path, environment).values()))


def load_policies(path: Path, environment: Mapping[str, str]) -> dict[str, Policy]:
    """Read and compile a policy file, for each tenant. Raises PolicyProblem."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PolicyProblem(f"{path}: {error.strerror}; set COUNTERSIGN_CONFIG to your countersign.toml") from None
    try:
        text = raw.decode()
        table = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyProblem(f"{path}: not valid TOML: {error}") from None
    try:
        # As JSON, because only there does strictness leave enums and durations their text.
        file = PolicyFile.model_validate_json(json.dumps(table, default=str), strict=True)
        return compile_policy(file, hashlib.sha256(raw).hexdigest(), environment)
    except ValidationError as error:
        lines = places.lines_of(text)
        raise PolicyProblem("\n".join(_told(path, lines, detail) for detail in error.errors())) from None
    except Mistake as mistake:
        raise PolicyProblem(_line(path, places.lines_of(text), mistake.path, mistake.message)) from None


def _told(path: Path, lines: dict[places.Path, int], detail: ErrorDetails) -> str:
    message = _REMEDIES.get(detail["type"], detail["msg"].removeprefix("Value error, "))
    pattern = (detail.get("ctx") or {}).get("pattern")
    given = (
        ""
        if isinstance(detail["input"], dict | list) or detail["type"] == "missing"
        else f" (it says {detail['input']!r:.60})"
    )
    return _line(path, lines, _key(detail), message + (f" ({pattern})" if pattern else "") + given)


def _key(detail: ErrorDetails) -> places.Path:
    """Return the path as the file has it: the kind of a connector is a value there, not a step."""
    loc = (*detail["loc"], "kind") if detail["type"].startswith("union_tag") else detail["loc"]
    is_tag = [i > 0 and loc[i - 1] == "connector" and step in _KINDS for i, step in enumerate(loc)]
    return tuple(step for step, tag in zip(loc, is_tag, strict=True) if not tag)


def _line(path: Path, lines: dict[places.Path, int], key: places.Path, message: str) -> str:
    return f"{path}:{places.line_of(lines, key)}: {'.'.join(map(str, key)) or 'file'}: {message}"


class PolicySource:
    """The policies in force, one for each tenant, where each part of them stands, and how to read them again."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self._path, self._environment = path, environment
        self._policies: Mapping[str, Policy] = {}
        self.reload()

    @property
    def current(self) -> Policy:
        """The policy of the workspace that is connected by token."""
        return self.of(TENANT)

    @property
    def tenants(self) -> tuple[str, ...]:
        """The workspaces the file names, the one connected by token first."""
        return tuple(self._policies)

    @property
    def hash(self) -> str:
        """The hash of the whole file."""
        return next(iter(self._policies.values())).hash

    def of(self, tenant: str) -> Policy:
        """Return one tenant's policy; a tenant that the file does not name may do nothing."""
        return self._policies.get(tenant) or Policy.empty()

    def reload(self) -> Policy:
        """Load the file again and return the new policy; on PolicyProblem the old one stays in force."""
        self._policies = load_policies(self._path, self._environment)
        self._lines = places.lines_of(self._path.read_text())
        return self.current

    def where(self, place: places.Path) -> str | None:
        """Return `countersign.toml:27: agents.0.tiers.deploy` for a place, None where nothing written decided."""
        return _line(Path(self._path.name), self._lines, place, "").removesuffix(": ") if place else None


class InForce(Protocol):
    """What one workspace goes by: its policy as of now, and where each part of it stands."""

    @property
    def current(self) -> Policy:
        """The policy as of now."""

    def where(self, place: places.Path) -> str | None:
        """Return the line of countersign.toml that wrote a part of it."""


class TenantPolicy:
    """One tenant's share of a source."""

    def __init__(self, source: PolicySource, tenant: str) -> None:
        self._source, self._tenant = source, tenant

    @property
    def current(self) -> Policy:
        """The policy as of now."""
        return self._source.of(self._tenant)

    def where(self, place: places.Path) -> str | None:
        """Return the line of countersign.toml that wrote a part of it."""
        return self._source.where(place)
