"""When an automation that ends warns: as early as the limits say, a day and an hour before."""

from datetime import datetime, timedelta

_LATE = (timedelta(days=1), timedelta(hours=1))


def warnings(expires_at: datetime, window: timedelta) -> list[datetime]:
    """Return the moments of the warnings, first one first. A window of zero leaves out all of them."""
    return [expires_at - before for before in (window, *(one for one in _LATE if one < window)) if before > timedelta()]


def warnings_passed(expires_at: datetime, window: timedelta, now: datetime) -> int:
    """Return how many warnings are due by `now`; after a long silence they are one, not three."""
    return sum(now >= moment for moment in warnings(expires_at, window))


def next_due(expires_at: datetime | None, window: timedelta, warned: int) -> datetime | None:
    """Return when warning number `warned` (from 0) is due, else the end itself; None without an end."""
    if expires_at is None:
        return None
    return [*warnings(expires_at, window)[warned:], expires_at][0]


def time_left(expires_at: datetime, now: datetime) -> str:
    """Return how long something still goes on, in the one unit that matters."""
    return spoken(max(expires_at - now, timedelta()))


def spoken(left: timedelta) -> str:
    """Return a length of time in the one unit that matters."""
    for unit, length in (("days", timedelta(days=1)), ("hours", timedelta(hours=1)), ("minutes", timedelta(minutes=1))):
        count = round(left / length)
        if count >= 2 or (count == 1 and left >= length):
            return f"{count} {unit if count > 1 else unit[:-1]}"
    return "a minute"
