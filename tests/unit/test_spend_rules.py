"""Money is exact, windows cover time without gaps or overlaps, and caps are compared as they are written."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.automations import SpendSpan
from governance.changed_limits import encoded, with_changes
from governance.money import MOST, format_usd, parse_usd
from governance.policy import Agent, Limits, Policy
from governance.spend import (
    cap_of,
    lineage_of,
    reaches,
    release_of,
    warns,
    why_paused,
    why_stopped,
    window_of,
    windows_at,
)

MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))
TICK = timedelta(microseconds=1)
USD = 1_000_000


@pytest.mark.parametrize(
    ("said", "micro"),
    [("0", 0), ("8.25", 8_250_000), ("0.000001", 1), ("50.00", 50 * USD), ("1000000000", MOST), (8, 8 * USD),
     (0.1, 100_000), (0.3, 300_000), (1e-6, 1), (123456789.123456, 123_456_789_123_456), (0, 0)],
)  # fmt: skip
def test_an_amount_is_read_exactly(said, micro):
    assert parse_usd(said) == micro


@pytest.mark.parametrize(
    "said",
    ["", "-1", "-0", "1e3", "NaN", "nan", "inf", "1.0000001", "1,5", " 1", "1\n", "0x10", "١", "1_0",
     "1000000000.000001", "10000000000", "9" * 5000, -1, -0.5, 0.1 + 0.2, 1e-7, 1e300,
     float("nan"), float("inf"), True, None, [], {}],
)  # fmt: skip
def test_what_is_no_amount_is_refused(said):
    with pytest.raises(ValueError):
        parse_usd(said)


@given(st.integers(0, MOST))
def test_an_amount_reads_back_as_it_was_written(micro):
    assert parse_usd(format_usd(micro)) == micro
    assert len(format_usd(micro).split(".")[1]) in range(2, 7)


@given(st.integers(0, 10**15 - 1))
def test_a_json_number_of_dollars_keeps_its_six_decimals(micro):
    assert parse_usd(float(format_usd(micro))) == micro


@given(MOMENTS, st.sampled_from(SpendSpan))
def test_every_moment_lies_in_exactly_one_window_of_each_span(moment, span):
    window = window_of(span, moment)
    assert window.holds(moment)
    for edge in (window.start, moment, *([window.end - TICK] if window.end else [])):
        assert window_of(span, edge) == window
    before = window_of(span, window.start - TICK) if span is not SpendSpan.LIFETIME else None
    assert before is None or before.end == window.start
    assert window.end is None or window_of(span, window.end).start == window.end
    assert [one for one in windows_at(moment) if one.span is span] == [window]


@given(MOMENTS, st.integers(-12, 14))
def test_windows_are_of_utc_whatever_zone_a_moment_is_told_in(moment, hours):
    elsewhere = moment.astimezone(timezone(timedelta(hours=hours)))
    assert windows_at(elsewhere) == windows_at(moment)


def test_windows_begin_where_people_expect():
    now = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)  # a Sunday
    starts = {one.span: (f"{one.start:%a %Y-%m-%d}", one.end and f"{one.end:%Y-%m-%d}") for one in windows_at(now)}
    assert starts == {
        "daily": ("Sun 2026-03-01", "2026-03-02"), "weekly": ("Mon 2026-02-23", "2026-03-02"),
        "monthly": ("Sun 2026-03-01", "2026-04-01"), "lifetime": ("Thu 1970-01-01", None),
    }  # fmt: skip


@given(MOMENTS)
def test_a_stop_ends_with_the_next_monday(moment):
    release = release_of(moment)
    assert (release.weekday(), release.hour) == (0, 0)
    assert timedelta() < release - moment <= timedelta(days=7)


@pytest.mark.parametrize(
    ("cost", "cap", "stops"),
    [(9_999_999, 10 * USD, False), (10 * USD, 10 * USD, True), (11 * USD, 10 * USD, True), (0, 0, False), (1, 0, True),
     (10**15, None, False), (0, None, False)],
)  # fmt: skip
def test_a_cap_is_reached_at_its_very_amount(cost, cap, stops):
    assert reaches(cost, cap) is stops


@pytest.mark.parametrize(
    ("cost", "cap", "ratio", "near"),
    [(8 * USD, 10 * USD, 0.8, True), (8 * USD - 1, 10 * USD, 0.8, False), (1, 3, 0.3, True),
     (10 * USD, 10 * USD, 0, False), (5, None, 0.8, False), (1, 0, 0.8, True), (0, 0, 0.8, False),
     (10 * USD, 10 * USD, 1.0, True)],
)  # fmt: skip
def test_a_warning_is_due_from_the_share_of_the_cap_on(cost, cap, ratio, near):
    assert warns(cost, cap, ratio) is near


def test_an_agent_s_own_cap_goes_before_everybody_s_also_where_it_is_none():
    limits = Limits(weekly_spend_cap=5, agent_caps={"a": 7, "b": None, "c": 0})
    assert [cap_of(limits, one) for one in "abcd"] == [7, None, 0, 5]


def test_a_lineage_goes_up_and_ends_where_the_policy_ends():
    agents = {
        one: Agent(one, one, "U0A", parent=parent)
        for one, parent in (("c", "b"), ("b", "a"), ("a", None), ("x", "gone"), ("y", "z"), ("z", "y"))
    }
    policy = Policy(agents, {}, "C0", ())
    assert [lineage_of(policy, one) for one in ("c", "a", "x", "y", "unknown")] == [
        ("c", "b", "a"), ("a",), ("x", "gone"), ("y", "z"), ("unknown",),
    ]  # fmt: skip


def test_reasons_carry_the_figures():
    assert why_stopped(10 * USD) == "weekly spend cap 10.00 USD reached"
    assert why_paused("a", 10_250_000, 10 * USD) == "weekly spend cap exceeded for a (10.25/10.00 USD)"


def test_changes_come_on_top_of_the_file_and_survive_being_stored():
    written = Limits(approval_ttl=timedelta(hours=1), agent_caps={"a": 1, "b": 2})
    changes = {"approval_ttl": timedelta(days=2), "weekly_spend_cap": 9, "agent_caps": {"b": None}, "gone_since": 4}
    now = with_changes(written, encoded(changes))
    assert now == replace(written, approval_ttl=timedelta(days=2), weekly_spend_cap=9, agent_caps={"a": 1, "b": None})
    assert with_changes(written, {"max_open_requests": 1}) == written
