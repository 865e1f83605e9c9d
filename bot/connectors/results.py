"""What comes back from the other side, as it is stored: JSON text of at most 64 KiB."""

import json
from collections.abc import Iterable
from dataclasses import replace

from governance.attempts import MAX_RESULT, Result
from governance.canonical import Json, canonical, parse_strict
from governance.errors import Refusal
from governance.secret_fields import mask_echoes


def as_result(body: bytes) -> str:
    """Return what came back as JSON text: the JSON itself, or the text as a JSON string, cut where it is too long."""
    if len(body) > MAX_RESULT:
        return json.dumps(body[:MAX_RESULT].decode("utf-8", "ignore")[: MAX_RESULT - 1] + "…", ensure_ascii=False)
    try:
        return canonical(parse_strict(body)).decode()
    except Refusal:
        return json.dumps(body.decode("utf-8", "replace"), ensure_ascii=False)


def without(result: Result, secrets: Iterable[Json]) -> Result:
    """Return a result with our own secrets masked where it echoes them; those of the call are masked as it settles."""
    hidden = tuple(secrets)
    text = mask_echoes(result.result, hidden) if result.result is not None else None
    error = mask_echoes(result.error, hidden) if result.error is not None else None
    return replace(result, result=text, error=error)
