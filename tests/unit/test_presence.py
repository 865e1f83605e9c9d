"""Which Slack statuses say that somebody is away, and until when."""

from datetime import UTC, datetime, timedelta

import pytest

from governance.presence import absence_by_status

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("emoji", "text"),
    [
        (":palm_tree:", "Vacationing"),
        (":palm_tree:", ""),
        (":face_with_thermometer:", "Out sick"),
        (":beach_with_umbrella:", "Mallorca"),
        ("", "OOO until Monday"),
        ("", "out of office"),
        ("", "Out of the office this week"),
        (":baby:", "On parental leave"),
        (":de:", "Urlaub bis 3.12."),
        ("", "on holiday"),
    ],
)
def test_these_are_away(emoji: str, text: str) -> None:
    found = absence_by_status(emoji, text, 0)
    assert found is not None
    assert found.covers(NOW)
    assert found.delegate is None


@pytest.mark.parametrize(
    ("emoji", "text"),
    [
        ("", ""),
        (":airplane:", "In Berlin"),
        (":house_with_garden:", "Working remotely"),
        (":calendar:", "In a meeting"),
        (":bus:", "Commuting"),
        ("", "Happy holidays!"),
        ("", "Back from vacation"),
        (":palm_tree:", "Back on Monday, finishing up before that"),
        ("", "No vacation this year"),
        ("", "nach dem Urlaub wieder da"),
        ("", "leave me a message"),
        ("", "food"),
    ],
)
def test_these_are_not(emoji: str, text: str) -> None:
    assert absence_by_status(emoji, text, 0) is None


@pytest.mark.parametrize(("minutes", "is_away"), [(-1, False), (0, False), (1, True)])
def test_a_status_ends_when_slack_clears_it(minutes: int, is_away: bool) -> None:
    ends = NOW + timedelta(minutes=minutes)
    found = absence_by_status(":palm_tree:", "", int(ends.timestamp()))
    assert found is not None
    assert (found.until, found.covers(NOW)) == (ends, is_away)


def test_a_moment_no_calendar_has_is_far_away() -> None:
    found = absence_by_status(":palm_tree:", "", 10**18)
    assert found is not None
    assert found.covers(NOW)
