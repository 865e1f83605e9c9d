"""Limits that admins changed while the server runs, on top of what countersign.toml says."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

from governance.policy import Limits

#: What is looked at before any transaction begins; it is read from the file alone.
_OF_THE_FILE = frozenset({"max_open_requests", "rate_per_second", "rate_burst"})

CHANGEABLE = frozenset(field.name for field in fields(Limits)) - _OF_THE_FILE


def encoded(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes as JSON can keep them: durations in seconds."""
    return {name: one.total_seconds() if isinstance(one, timedelta) else one for name, one in changes.items()}


def with_changes(limits: Limits, changed: Mapping[str, Any]) -> Limits:
    """Return limits with changes from `encoded` applied; what this version does not know is dropped."""
    known = {name: one for name, one in changed.items() if name in CHANGEABLE}
    return replace(limits, **{name: _decoded(getattr(limits, name), one) for name, one in known.items()})


def _decoded(written: Any, value: Any) -> Any:
    if isinstance(written, Mapping):
        return {**written, **value}
    return timedelta(seconds=value) if isinstance(written, timedelta) else value
