"""What a function returned or raised, as it can be reported."""

import json
from typing import Any

_MOST = 60 * 1024  # bytes of JSON; the server keeps 64 KiB
_SHOWN = 2_000  # characters


def reportable(value: Any) -> Any:
    """Return a result as JSON that the server keeps; what is no JSON, or too long, as the beginning of its text."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return repr(value)[:_SHOWN]
    return value if len(text) <= _MOST else {"cut": text[:_SHOWN], "characters": len(text)}


def sentence(error: BaseException) -> str:
    """Return an error in words, cut to what the server takes."""
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return words[:_SHOWN]
