"""What a check finds: how things stand, in one sentence, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How things stand with what a check looked at."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `check` names what was looked at; `remedy` is empty only where all is well."""

    check: str
    state: State
    sentence: str
    remedy: str = ""


def counted(number: int, noun: str) -> str:
    """Return `1 tool` or `2 tools`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def ok(check: str, sentence: str) -> Finding:
    """Say that all is well."""
    return Finding(check, State.OK, sentence)


def warning(check: str, sentence: str, remedy: str) -> Finding:
    """Say that something works, but not as somebody would expect."""
    return Finding(check, State.WARNING, sentence, remedy)


def broken(check: str, sentence: str, remedy: str) -> Finding:
    """Say that something cannot work."""
    return Finding(check, State.BROKEN, sentence, remedy)
