"""Reading answers: JSON where it went well, otherwise the error that says what happened."""

import json
from collections.abc import Mapping
from typing import Any

from countersign_client.flow import Answer, Lost
from countersign_client.outcomes import (
    Conflict,
    Denied,
    Forbidden,
    NeedsInput,
    NotFound,
    RateLimited,
    Refused,
    Unauthorized,
    Unreachable,
)
from countersign_client.shapes import Proposal, State

_KINDS: Mapping[int, type[Refused]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}
_LATER = frozenset({429, 502, 503, 504})


def is_worth_another_try(answer: Answer | Lost) -> bool:
    """Whether the same call may be answered otherwise in a moment."""
    return isinstance(answer, Lost) or answer.status in _LATER


def retry_after(answer: Answer | Lost) -> float | None:
    """Return how long the server asks to wait, in seconds."""
    text = answer.headers.get("retry-after", "") if isinstance(answer, Answer) else ""
    return float(text) if text.isascii() and text.isdigit() else None


def read(answer: Answer | Lost) -> Any:
    """Return the JSON of a good answer. Raises Refused or Unreachable."""
    if isinstance(answer, Lost):
        raise Unreachable(f"Countersign does not answer: {answer.why}")
    body = _json(answer)
    if 200 <= answer.status < 300 and body is not None:
        return body
    raise _refusal(answer, body if isinstance(body, Mapping) else {})


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def _refusal(answer: Answer, body: Mapping[str, Any]) -> Refused | Unreachable:
    code, sentence = body.get("code"), body.get("error")
    if not isinstance(code, str) or not isinstance(sentence, str):
        return Unreachable(f"What answered with status {answer.status} is no Countersign server")
    if answer.status in _LATER - {429}:
        return Unreachable(f"{sentence} ({code})")
    details = body.get("details")
    kind = _KINDS.get(answer.status, Refused)
    refused = kind(answer.status, code, sentence, details if isinstance(details, Mapping) else {})
    if isinstance(refused, RateLimited):
        refused.retry_after = retry_after(answer) or RateLimited.retry_after
    return refused


def denial(refused: Refused, tool: str) -> Denied | Refused:
    """Return the denial that a refused proposal is, with the proposal it left; or the refusal where it left none."""
    details = refused.details
    if refused.status not in (403, 422) or not isinstance(details.get("proposal_id"), str):
        return refused
    proposal = Proposal(
        details["proposal_id"], str(details.get("state", State.DENIED)), tool, reason=refused.sentence,
        code=refused.code,
    )  # fmt: skip
    return (NeedsInput if refused.status == 422 else Denied)(proposal, refused.sentence, details)
