"""Quiet hours and digests, where the person is, also over midnight and when the clocks change."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.hours import MINUTES_A_DAY, Absence, QuietHours, next_digest, quiet_until, zone

NIGHT = QuietHours(22 * 60, 7 * 60)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-21 20:59", None),  # 21:59 in Berlin
        ("2026-11-21 21:00", "2026-11-22 06:00"),
        ("2026-11-22 05:59", "2026-11-22 06:00"),
        ("2026-11-22 06:00", None),
        ("2026-10-24 21:00", "2026-10-25 06:00"),  # the night in which the clocks are put back
        ("2026-03-28 22:00", "2026-03-29 05:00"),  # and forward
    ],
)
def test_quiet_hours_go_over_midnight_in_the_persons_own_time(now: str, until: str | None) -> None:
    assert quiet_until(NIGHT, "Europe/Berlin", at(now)) == (at(until) if until else None)


def test_hours_of_no_length_are_none() -> None:
    assert quiet_until(QuietHours(60, 60), "UTC", at("2026-11-21 01:00")) is None


@given(
    st.integers(0, MINUTES_A_DAY - 1), st.integers(0, MINUTES_A_DAY - 1),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "nowhere"]),
)  # fmt: skip
def test_quiet_hours_always_end_within_a_day_or_so_and_then_are_over(
    start: int, end: int, now: datetime, tz: str
) -> None:
    quiet = QuietHours(start, end)
    if (until := quiet_until(quiet, tz, now)) is not None:
        assert 0 < (until - now).total_seconds() <= 26 * 3600
        local = until.astimezone(zone(tz))
        assert (local.hour * 60 + local.minute) % MINUTES_A_DAY in range(end - 60, end + 61) or end < 60 or end > 1380


def test_the_next_digest_is_never_now() -> None:
    assert next_digest(9, "Europe/Berlin", at("2026-11-21 08:00")) == at("2026-11-22 08:00")
    assert next_digest(9, "Europe/Berlin", at("2026-11-21 07:59")) == at("2026-11-21 08:00")


def test_an_absence_without_an_end_lasts() -> None:
    gone = Absence(at("2026-11-21 00:00"))
    assert gone.covers(at("2030-01-01 00:00"))
    assert not gone.covers(at("2026-11-20 23:59"))
    assert not Absence(at("2026-11-21 00:00"), at("2026-11-22 00:00")).covers(at("2026-11-22 00:00"))
