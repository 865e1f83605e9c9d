"""How much the generated and repeated tests do: an ordinary run, or a thorough one for a night.

`COUNTERSIGN_TEST_PROFILE=thorough` selects the larger one. Both are deterministic: the same code meets the same
examples, on every machine, and no example has a deadline.
"""

import os

from hypothesis import HealthCheck, settings

SETTING = "COUNTERSIGN_TEST_PROFILE"
ORDINARY, THOROUGH = "ordinary", "thorough"

_SAME = {"derandomize": True, "deadline": None, "database": None, "print_blob": False}
settings.register_profile(ORDINARY, max_examples=100, **_SAME)
settings.register_profile(THOROUGH, max_examples=2000, suppress_health_check=[HealthCheck.too_slow], **_SAME)


def is_thorough() -> bool:
    """Whether this run takes its time."""
    chosen = os.environ.get(SETTING, ORDINARY)
    if chosen not in (ORDINARY, THOROUGH):
        raise ValueError(f"{SETTING} is {chosen!r}; set it to {ORDINARY} or {THOROUGH}")
    return chosen == THOROUGH


def load() -> None:
    """Put the chosen profile in force for every test that does not say otherwise."""
    settings.load_profile(THOROUGH if is_thorough() else ORDINARY)
