"""Regular expressions that end: RE2 takes time linear in its input, so no pattern and no argument runs away."""

import re2

from governance.text import cut

_QUIET = re2.Options()
_QUIET.log_errors = False


def check_pattern(pattern: str) -> None:
    """Raise ValueError with one sentence where RE2 cannot compile a pattern."""
    try:
        re2.compile(pattern, _QUIET)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(
            f"the pattern {cut(pattern, 100)!r} is no RE2 expression ({cut(reason, 100)}); write it without "
            "look-around, backreferences and repetitions above 1000, and say lengths with minLength and maxLength"
        ) from None


def occurs(pattern: str, text: str) -> bool:
    """Return whether a pattern matches anywhere in `text`, as JSON Schema means it."""
    return re2.compile(pattern, _QUIET).search(text) is not None
