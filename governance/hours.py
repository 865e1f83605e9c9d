"""When people want to hear from us: quiet hours, the hour of the digest, absences; in each person's own time zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` to `end`, in minutes after local midnight; an end before the start lies on the next day."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Absence:
    """Out of office from `since` until `until`, both in UTC; `until` None: until taken back."""

    since: datetime
    until: datetime | None = None
    delegate: str | None = None  #: who answers meanwhile

    def covers(self, now: datetime) -> bool:
        """Whether it holds at this moment."""
        return self.since <= now and (self.until is None or now < self.until)


def zone(name: str | None) -> ZoneInfo:
    """Return a time zone by its IANA name; UTC for one nobody knows."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def quiet_until(quiet: QuietHours | None, tz: str | None, now: datetime) -> datetime | None:
    """Return when the quiet hours that hold now will end, in UTC; None where none hold."""
    if quiet is None or quiet.start == quiet.end:
        return None
    here = now.astimezone(zone(tz))
    minute = here.hour * 60 + here.minute
    if (minute - quiet.start) % MINUTES_A_DAY >= (quiet.end - quiet.start) % MINUTES_A_DAY:
        return None
    return _next_at(quiet.end, tz, now)


def next_digest(hour: int, tz: str | None, now: datetime) -> datetime:
    """Return the next time, after `now`, at which it is `hour` o'clock where the person is; in UTC."""
    return _next_at(hour * 60, tz, now)


def _next_at(minute: int, tz: str | None, now: datetime) -> datetime:
    there = zone(tz)
    here = now.astimezone(there)
    wall = time(minute // 60 % 24, minute % 60)
    for days in range(3):  # the third for a day on which the clocks are put forward over that very minute
        at = datetime.combine(here.date() + timedelta(days=days), wall, there).astimezone(UTC)
        if at > now:
            return at
    raise AssertionError("some minute of the next two days is in the future")
