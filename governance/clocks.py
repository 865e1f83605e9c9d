"""When a request warns and expires, and until when an allowed call may start."""

from datetime import datetime, timedelta

START_WINDOW = timedelta(minutes=15)
_WARN_AT = (0.5, 0.9)


def warning_due(created_at: datetime, expires_at: datetime, warned: int) -> datetime | None:
    """Return when warning number `warned` (from 0) is due: at one half, then at nine tenths of the life."""
    if warned >= len(_WARN_AT):
        return None
    return created_at + (expires_at - created_at) * _WARN_AT[warned]


def warnings_passed(created_at: datetime, expires_at: datetime, now: datetime) -> int:
    """Return how many warnings are due by `now`; after a long silence they are one, not two."""
    life = expires_at - created_at
    return sum(now >= created_at + life * share for share in _WARN_AT)


def start_by(allowed_at: datetime, expires_at: datetime | None) -> datetime:
    """Return until when an allowed call may start: its request's expiry, but at least 15 minutes from now."""
    grace = allowed_at + START_WINDOW
    return max(grace, expires_at) if expires_at else grace


_FIRST_NUDGES = (timedelta(days=1), timedelta(days=3))
_WEEK = timedelta(days=7)


def next_nudge(since: datetime, now: datetime) -> datetime:
    """Return when somebody who has owed a review since then is reminded next: after a day, three, then weekly."""
    first = next((since + after for after in _FIRST_NUDGES if now < since + after), None)
    return first or since + ((now - since) // _WEEK + 1) * _WEEK


def admins_are_nudged(since: datetime, now: datetime) -> bool:
    """Whether a review has been owed for so long that admins are reminded, too."""
    return now >= since + _WEEK
