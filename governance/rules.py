"""Remembered decisions: what they answer, for how long, and whose they are."""

from enum import StrEnum


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
