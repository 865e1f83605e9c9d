"""What comes back from the other side, as it is stored: JSON text of at most 64 KiB."""

import json

from governance.attempts import MAX_RESULT
from governance.canonical import canonical, parse_strict
from governance.errors import Refusal


def as_result(body: bytes) -> str:
    """Return what came back as JSON text: the JSON itself, or the text as a JSON string, cut where it is too long."""
    if len(body) > MAX_RESULT:
        return json.dumps(body[:MAX_RESULT].decode("utf-8", "ignore")[: MAX_RESULT - 1] + "…", ensure_ascii=False)
    try:
        return canonical(parse_strict(body)).decode()
    except Refusal:
        return json.dumps(body.decode("utf-8", "replace"), ensure_ascii=False)
