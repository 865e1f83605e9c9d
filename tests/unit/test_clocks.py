"""When requests warn and expire, and until when an allowed call may start."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.clocks import start_by, warning_due, warnings_passed

ASKED = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
EXPIRES = ASKED + 10 * HOUR


@pytest.mark.parametrize(("warned", "due"), [(0, ASKED + 5 * HOUR), (1, ASKED + 9 * HOUR), (2, None)])
def test_a_request_warns_at_one_half_and_at_nine_tenths_of_its_life(warned, due):
    assert warning_due(ASKED, EXPIRES, warned) == due


@pytest.mark.parametrize(("hours", "passed"), [(0, 0), (4.99, 0), (5, 1), (8.99, 1), (9, 2), (10, 2), (99, 2)])
def test_after_a_silence_every_warning_that_is_due_counts(hours, passed):
    assert warnings_passed(ASKED, EXPIRES, ASKED + hours * HOUR) == passed


@given(st.timedeltas(timedelta(seconds=1), timedelta(days=366)), st.integers(0, 1))
def test_a_warning_comes_within_the_life_and_is_passed_once_due(life, warned):
    due = warning_due(ASKED, ASKED + life, warned)
    assert ASKED < due < ASKED + life
    assert warnings_passed(ASKED, ASKED + life, due) == warned + 1


@pytest.mark.parametrize(
    ("minutes_left", "minutes_to_start"), [(None, 15), (-5, 15), (0, 15), (14, 15), (15, 15), (16, 16), (600, 600)]
)
def test_an_allowed_call_may_start_until_expiry_and_at_least_fifteen_minutes(minutes_left, minutes_to_start):
    expires_at = None if minutes_left is None else ASKED + timedelta(minutes=minutes_left)
    assert start_by(ASKED, expires_at) == ASKED + timedelta(minutes=minutes_to_start)
