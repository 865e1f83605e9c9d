"""Remembered decisions: what they answer, for how long, and whose they are.

A pattern is JSON: `{"same": "<call hash>"}` answers the very same call, `{"fields": {"/path": value, …}}` calls whose
arguments agree there, `{"any": true}` every call of the tool. Deny beats everything; an allow counts only while as
many of its authors as the tool's quorum could still approve the call themselves.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import product

from governance.canonical import Json, canonical
from governance.policy import Tool
from governance.prefixes import covers
from governance.reviewers import Panel, is_group
from governance.secret_fields import as_pointer, find
from governance.tiers import Risk

SESSION_LIFE = timedelta(hours=12)
RISKY_LIFE = timedelta(days=30)
NUDGE_AFTER = timedelta(days=90)
_MAY_LAST = (Risk.READ_ONLY, Risk.LOW_WRITE)

Pattern = Mapping[str, Json]


class Remember(StrEnum):
    """How long a reviewer wants an answer to hold."""

    ONCE = "once"
    SESSION = "session"
    FOREVER = "forever"


class Scope(StrEnum):
    """For what a rule holds."""

    SESSION = "session"
    FOREVER = "forever"


class Effect(StrEnum):
    """What a rule answers."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Remembered:
    """One live rule, as the gates see it."""

    id: str
    effect: Effect
    tool: str  #: a name or a prefix
    pattern: Pattern
    authors: tuple[str, ...]
    session_id: str | None = None  #: None for every session
    tool_version: str | None = None
    was_asked: bool = True  #: whether its authors answered a request; else an admin made it on their own
    expires_at: datetime | None = None
    max_uses: int | None = None
    uses: int = 0
    agreed: int | None = None  #: how many had to agree where it is a granted capability; None for a rule

    @property
    def word(self) -> str:
        """What people call it."""
        return "rule" if self.agreed is None else "grant"


@dataclass(frozen=True, slots=True)
class Asked:
    """The call that rules are asked about."""

    tool: Tool
    arguments: Json
    call_hash: str
    session_id: str | None
    now: datetime


def denying(rules: Iterable[Remembered], asked: Asked) -> Remembered | None:
    """Return the rule that denies a call, if there is one."""
    return next((rule for rule in rules if rule.effect is Effect.DENY and matches(rule, asked)), None)


def allowing(
    rules: Iterable[Remembered], asked: Asked, panel: Panel, granting: Collection[str] = ()
) -> Remembered | None:
    """Return the rule that answers for the panel of a call, if there is one; `granting` may give capabilities now."""
    found = (rule for rule in rules if rule.effect is Effect.ALLOW and matches(rule, asked))
    return next((rule for rule in found if _speaks_for(rule, asked.tool, panel, granting)), None)


def matches(rule: Remembered, asked: Asked) -> bool:
    """Whether a rule is live and means this call. An allow means only the version of the tool it was given for."""
    if rule.expires_at is not None and rule.expires_at <= asked.now:
        return False
    if rule.max_uses is not None and rule.uses >= rule.max_uses:
        return False
    if rule.session_id is not None and rule.session_id != asked.session_id:
        return False
    if rule.effect is Effect.ALLOW and rule.tool_version not in (None, asked.tool.version):
        return False
    return covers(rule.tool, asked.tool.name) and fits(rule.pattern, asked.call_hash, asked.arguments)


def fits(pattern: Pattern, call_hash: str, arguments: Json) -> bool:
    """Whether a pattern means these arguments; one that cannot be read means nothing."""
    match dict(pattern):
        case {"any": True}:
            return True
        case {"same": str(wanted)}:
            return wanted == call_hash
        case {"fields": dict(fields)} if fields:
            return all(_agrees(arguments, pointer, value) for pointer, value in fields.items())
    return False


def reads_secret(pattern: Pattern, secret_fields: Iterable[str]) -> str | None:
    """Return the pointer of a pattern that leads to a secret field, into one, or to what holds one."""
    fields = pattern.get("fields")
    pairs = product(fields if isinstance(fields, dict) else (), map(as_pointer, secret_fields))
    return next((one for one, secret in pairs if _overlap(as_pointer(one), secret)), None)


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def lapses_at(scope: Scope, risk: Risk | None, now: datetime, wished: datetime | None) -> datetime | None:
    """Return when a new rule ends by itself: what was wished, but no later than its scope and risk allow."""
    limit = now + SESSION_LIFE if scope is Scope.SESSION else None if risk in _MAY_LAST else now + RISKY_LIFE
    return min((one for one in (limit, wished) if one is not None), default=None)


def scope_of(wishes: Iterable[Remember]) -> Scope | None:
    """Return for what a decision is remembered: everybody must have wished it, and the shortest wish counts."""
    wished = set(wishes)
    if not wished or Remember.ONCE in wished:
        return None
    return Scope.SESSION if Remember.SESSION in wished else Scope.FOREVER


def _agrees(arguments: Json, pointer: str, value: Json) -> bool:
    found = find(arguments, pointer)
    return found is not None and canonical(found[0]) == canonical(value)


def _speaks_for(rule: Remembered, tool: Tool, panel: Panel, granting: Collection[str]) -> bool:
    """Whether enough authors may still approve: named ones by name; where groups may, membership was checked then.

    Of a rule that was made without a request nobody's membership was ever checked.
    """
    out = (panel.requester, panel.barred)
    if rule.agreed is not None:  # admins answer for a capability, whoever answers for single calls
        able = {one for one in rule.authors if one not in out and (one in granting or one in panel.reviewers)}
        return min(rule.agreed, len(able)) >= tool.quorum
    by_group = rule.was_asked and any(map(is_group, panel.reviewers))
    able = {one for one in rule.authors if one not in out and (by_group or one in panel.reviewers)}
    return len(able) >= tool.quorum
