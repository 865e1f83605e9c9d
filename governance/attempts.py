"""What follows from one attempt to run a call: done, failed, again, or unknown."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from governance.lifecycle import ExecutionStatus

_BACKOFF_START = timedelta(seconds=1)
_BACKOFF_LIMIT = timedelta(minutes=5)
MAX_RETRY_AFTER = timedelta(hours=1)
MAX_RESULT = 64 * 1024  #: bytes of what came back that are kept


class Answer(StrEnum):
    """What came back from a connector."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"  #: the other side said no; nothing to repeat
    NOT_SENT = "not_sent"  #: refused before the first byte left; repeating is safe
    NO_ANSWER = "no_answer"  #: something left and nothing certain came back
    BUSY = "busy"  #: asked to come back later


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one attempt, as a connector reports it."""

    answer: Answer
    result: str | None = None  #: what the other side returned, at most 64 KiB, secrets masked
    error: str | None = None
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """Where the execution goes from `running`, and how long it then waits."""

    status: ExecutionStatus
    delay: timedelta = timedelta(0)


def after(result: Result, *, attempt: int, attempts: int, idempotent: bool, maybe_ran: bool = False) -> Next:
    """Return the next state after attempt number `attempt` (from 1) of at most `attempts`.

    `maybe_ran` says that an earlier attempt left something uncertain; then this one cannot prove that nothing ran.
    """
    if result.answer is Answer.SUCCEEDED:
        return Next(ExecutionStatus.SUCCEEDED)
    if result.answer is Answer.FAILED:
        return Next(ExecutionStatus.FAILED)
    certain_nothing_ran = result.answer is Answer.NOT_SENT
    if attempt < attempts and (certain_nothing_ran or idempotent):
        return Next(ExecutionStatus.QUEUED, _delay(attempt, result.retry_after))
    return Next(ExecutionStatus.FAILED if certain_nothing_ran and not maybe_ran else ExecutionStatus.UNKNOWN)


def after_lost_lease(*, attempt: int, attempts: int, idempotent: bool) -> Next:
    """Return the next state of an execution whose worker died while the call may have been in flight."""
    return after(Result(Answer.NO_ANSWER), attempt=attempt, attempts=attempts, idempotent=idempotent)


def _delay(attempt: int, retry_after: timedelta | None) -> timedelta:
    if retry_after is not None:
        return min(retry_after, MAX_RETRY_AFTER)
    doubled: timedelta = _BACKOFF_START * 2 ** min(attempt - 1, 16)
    return min(doubled, _BACKOFF_LIMIT)
