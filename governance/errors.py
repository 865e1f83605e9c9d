"""What can go wrong, one sentence each.

Refusal
├── Malformed            the JSON itself breaks a rule of the wire
├── Forbidden            the caller may not do this
│   ├── NotAReviewer
│   └── SelfReview
├── NotFound             no such thing, or another principal's
├── Conflict             somebody or something was first
│   ├── AlreadyDecided
│   ├── ApprovalExpired
│   ├── ArgumentsChanged
│   ├── IdempotencyConflict
│   └── IllegalMove
├── Unprocessable        understood, and not acceptable as it stands
│   └── NotStrictJson
├── Unauthenticated      no valid key or signature
└── TooMany              a limit was reached

A refusal is an answer, not a fault: it carries a code for programs, one sentence for people, and details.
Each front door has one desk that turns it into words (bot/api/errors.py, bot/listeners/errors.py).
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class Refusal(Exception):
    """The call cannot be carried out."""

    code: ClassVar[str] = "REFUSED"

    def __init__(self, sentence: str = "", *, code: str = "", details: Mapping[str, Any] | None = None) -> None:
        self.sentence = sentence or (type(self).__doc__ or "").strip()
        self.name = code or type(self).code
        self.details = dict(details or {})
        super().__init__(self.sentence)


class Malformed(Refusal):
    """The body is not acceptable JSON."""

    code = "MALFORMED_JSON"


class Forbidden(Refusal):
    """You may not do this."""

    code = "FORBIDDEN"


class NotAReviewer(Forbidden):
    """You are not among the people who may answer this request."""

    code = "NOT_A_REVIEWER"


class SelfReview(Forbidden):
    """You asked for this, so somebody else has to countersign it."""

    code = "SELF_REVIEW"


class NotFound(Refusal):
    """There is nothing under this id."""

    code = "NOT_FOUND"


class Conflict(Refusal):
    """Something else came first."""

    code = "CONFLICT"


class AlreadyDecided(Conflict):
    """This request has already been decided."""

    code = "ALREADY_DECIDED"


class ApprovalExpired(Conflict):
    """This request expired before anybody answered; the agent may ask again."""

    code = "APPROVAL_EXPIRED"


class ArgumentsChanged(Conflict):
    """The request has changed since you saw it; look at the current version and decide again."""

    code = "ARGUMENTS_CHANGED"


class IdempotencyConflict(Conflict):
    """This idempotency key was used for another call; use a new key for a new call."""

    code = "IDEMPOTENCY_CONFLICT"


class IllegalMove(Conflict):
    """The record is no longer in a state this can be done to."""

    code = "ILLEGAL_MOVE"


class Unprocessable(Refusal):
    """The request is understood but cannot be accepted as it stands."""

    code = "UNPROCESSABLE"


class NotStrictJson(Unprocessable):
    """The JSON could be read in two ways."""

    code = "NOT_STRICT_JSON"


class Unauthenticated(Refusal):
    """The call carries no valid key or signature."""

    code = "UNAUTHENTICATED"


class TooMany(Refusal):
    """A limit was reached; try again later."""

    code = "TOO_MANY"
