"""Who may create, change and start automations: the codes, their order, and that people are not held up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.authorising import (
    Caller,
    Facts,
    Maker,
    check_change,
    check_creation,
    check_escalation,
    check_joining,
    check_lasting,
    check_resume,
    check_start,
    check_works_on,
)
from governance.automations import RUN_MOVES, TERMINAL_RUNS, Actor, ActorKind, AutomationStatus, ReviewKind, Right
from governance.clocks import admins_are_nudged, next_nudge
from governance.errors import Conflict, Forbidden, Refusal, TooMany, Unprocessable
from governance.expiry import next_due, time_left, warnings_passed
from governance.policy import Limits
from governance.roles import Role

AGENT = Caller(Actor(ActorKind.AGENT, "a1"))
OTHER = Caller(Actor(ActorKind.AGENT, "a2"))
OWNER = Caller(Actor(ActorKind.HUMAN, "U0OWNER"), Role.REVIEWER)
PERSON = Caller(Actor(ActorKind.HUMAN, "U0BOB"), Role.REVIEWER)
OPERATOR = Caller(Actor(ActorKind.HUMAN, "U0OPS"), Role.OPERATOR)
NOBODY = Caller(Actor(ActorKind.SYSTEM))
LIMITS = Limits()
MADE = Facts(creator=AGENT.actor, owner="U0OWNER")
BY_PERSON = Facts(creator=OWNER.actor, owner="U0OWNER")
BOTH = frozenset(Right)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

#: What stands against an agent that creates, in the order in which it is looked at: limits, maker, code, kind.
OBSTACLES: list[tuple[dict[str, Any], dict[str, Any], str, type[Refusal]]] = [
    ({"creation_enabled": False}, {}, "CREATION_DISABLED", Forbidden),
    ({}, {"is_paused": True}, "AGENT_CREATION_PAUSED", Forbidden),
    ({}, {"is_spend_stopped": True}, "AGENT_SPEND_CAP_EXCEEDED", TooMany),
    ({}, {"owes_review": True}, "AGENT_REVIEW_REQUIRED", TooMany),
    ({}, {"rights": frozenset()}, "CAPABILITY_ESCALATION_FORBIDDEN", Forbidden),
    ({}, {"depth": 4}, "LINEAGE_DEPTH_EXCEEDED", Forbidden),
    ({}, {"created_today": 10}, "AGENT_DAILY_QUOTA_EXCEEDED", TooMany),
    ({}, {"active": 50}, "AGENT_CAP_EXCEEDED", TooMany),
]
FREE = Maker(rights=frozenset(Right))


@given(st.sets(st.integers(0, len(OBSTACLES) - 1), min_size=1))
def test_of_all_that_stands_against_it_the_first_is_the_answer(against: set[int]) -> None:
    limits, maker = LIMITS, FREE
    for n in against:
        limits, maker = replace(limits, **OBSTACLES[n][0]), replace(maker, **OBSTACLES[n][1])
    _, _, code, kind = OBSTACLES[min(against)]
    with pytest.raises(kind) as refused:
        check_creation(AGENT, limits, BOTH, maker)
    assert refused.value.name == f"AUTOMATION_V2_{code}"
    check_creation(PERSON, limits, BOTH, maker)


def test_nothing_against_it_and_an_agent_may() -> None:
    check_creation(AGENT, LIMITS, BOTH, FREE)
    check_creation(AGENT, LIMITS, (), replace(FREE, depth=3, created_today=9, active=49))


@pytest.mark.parametrize("caller", [NOBODY, Caller(Actor(ActorKind.AGENT)), Caller(Actor(ActorKind.AGENT, "  "))])
def test_who_is_nobody_creates_changes_and_escalates_nothing(caller: Caller) -> None:
    """closes automation-governance 20"""
    for check in (
        lambda: check_creation(caller, LIMITS, (), FREE), lambda: check_change(caller, MADE),
        lambda: check_escalation(caller, BOTH, (), BOTH),
    ):  # fmt: skip
        with pytest.raises(Forbidden) as refused:
            check()
        assert refused.value.name == "AUTOMATION_V2_AGENT_ID_REQUIRED"


def test_a_depth_override_lifts_the_depth_alone() -> None:
    maker = Maker(depth=9, rights=frozenset({"depth_override"}))
    check_creation(AGENT, LIMITS, (), maker)
    with pytest.raises(TooMany):
        check_creation(AGENT, LIMITS, (), replace(maker, created_today=10))


def test_limits_of_zero_let_no_agent_create() -> None:
    for limits in (Limits(per_agent_daily_creation_limit=0), Limits(active_agent_automation_cap=0)):
        with pytest.raises(TooMany):
            check_creation(AGENT, limits, (), FREE)


def test_the_first_missing_capability_is_named_and_kept_ones_need_no_grant() -> None:
    with pytest.raises(Forbidden) as refused:
        check_escalation(AGENT, BOTH, (), ())
    assert refused.value.details == {"capability": "creates_agents"}
    with pytest.raises(Forbidden) as refused:
        check_escalation(AGENT, BOTH, {Right.CREATES_AGENTS}, ())
    assert refused.value.details == {"capability": "modifies_grants"}
    check_escalation(AGENT, BOTH, BOTH, ())
    check_escalation(PERSON, BOTH, (), ())


@pytest.mark.parametrize(
    ("caller", "facts", "destructive", "code"),
    [
        (AGENT, replace(MADE, is_retired=True, is_expired=True, is_lifecycle_paused=True), False, "RETIRED"),
        (AGENT, replace(MADE, is_expired=True, is_lifecycle_paused=True), False, "EXPIRED"),
        (AGENT, replace(MADE, is_lifecycle_paused=True), True, "LIFECYCLE_PAUSED"),
        (AGENT, BY_PERSON, True, "DELETE_HUMAN_CREATED_DENIED"),
        (AGENT, replace(BY_PERSON, has_grant=True), True, "DELETE_HUMAN_CREATED_DENIED"),
        (OTHER, replace(MADE, has_grant=True), True, "DELETE_NOT_OWNER"),
        (OTHER, MADE, False, "MODIFY_FORBIDDEN"),
        (AGENT, BY_PERSON, False, "MODIFY_FORBIDDEN"),
        (PERSON, MADE, False, "NOT_OWNER"),
        (AGENT, MADE, True, None),
        (AGENT, MADE, False, None),
        (OTHER, replace(MADE, has_grant=True), False, None),
        (OWNER, replace(MADE, is_retired=True), True, None),
        (OPERATOR, MADE, True, None),
    ],
)
def test_who_may_change_and_delete(caller: Caller, facts: Facts, destructive: bool, code: str | None) -> None:
    if code is None:
        check_change(caller, facts, destructive=destructive)
        return
    with pytest.raises(Forbidden) as refused:
        check_change(caller, facts, destructive=destructive)
    assert refused.value.name == f"AUTOMATION_V2_{code}"


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (replace(MADE, review=ReviewKind.RUN_DRIFT), "REVIEW_REQUIRED"),
        (replace(MADE, review=ReviewKind.DEPENDENCY_REVOKED), "REVIEW_REQUIRED"),
        (replace(MADE, is_creation_paused=True), "REVIEW_REQUIRED"),
        (replace(MADE, is_lifecycle_paused=True), "LIFECYCLE_PAUSED"),
        (replace(MADE, is_retired=True), "RETIRED"),
        (replace(MADE, status=AutomationStatus.PAUSED), "NOT_ACTIVE"),
        (replace(MADE, status=AutomationStatus.DRAFT), "NOT_ACTIVE"),
        (replace(MADE, paused_agents=("a1",)), "AGENT_PAUSED"),
        (replace(MADE, stopped=("a1",)), "AGENT_SPEND_CAP_EXCEEDED"),
    ],
)
def test_what_stands_against_a_run(facts: Facts, code: str) -> None:
    with pytest.raises((Conflict, TooMany)) as refused:
        check_start(facts)
    assert refused.value.name == f"AUTOMATION_V2_{code}"


@pytest.mark.parametrize("review", [None, ReviewKind.HEALTH_DRIFT, ReviewKind.EXPIRATION_SOON])
def test_what_is_only_owed_a_look_goes_on(review: ReviewKind | None) -> None:
    """closes automation-governance 9"""
    check_start(replace(MADE, review=review))
    check_resume(OWNER, replace(MADE, review=review, status=AutomationStatus.PAUSED, is_lifecycle_paused=True))


@given(st.booleans(), st.booleans(), st.booleans(), st.sampled_from([None, *ReviewKind]))
def test_what_can_be_resumed_can_run(retired: bool, expired: bool, held: bool, review: ReviewKind | None) -> None:
    facts = replace(MADE, is_retired=retired, is_expired=expired, is_creation_paused=held, review=review,
                    status=AutomationStatus.PAUSED, is_lifecycle_paused=True)  # fmt: skip
    try:
        check_resume(OWNER, facts)
    except Conflict:
        return
    check_start(replace(facts, status=AutomationStatus.ACTIVE, is_lifecycle_paused=False))


def test_an_agent_does_not_undo_what_a_person_paused() -> None:
    facts = replace(MADE, status=AutomationStatus.PAUSED, is_paused_by_person=True)
    with pytest.raises(Forbidden) as refused:
        check_resume(AGENT, facts)
    assert refused.value.name == "AUTOMATION_V2_PAUSED_BY_PERSON"
    check_resume(OWNER, facts)
    check_resume(AGENT, replace(facts, is_paused_by_person=False))


def test_agents_that_work_on_it_report_on_runs_whatever_became_of_it() -> None:
    listed = replace(BY_PERSON, works_on_it=True, is_retired=True)
    check_works_on(AGENT, listed)
    check_works_on(OWNER, listed)
    with pytest.raises(Forbidden):
        check_works_on(OTHER, BY_PERSON)


def test_an_agent_with_a_grant_does_not_add_itself_for_good() -> None:
    granted = replace(BY_PERSON, has_grant=True)
    with pytest.raises(Forbidden, match="only people may add it"):
        check_joining(AGENT, granted, ["a3", "a1"])
    check_joining(AGENT, granted, ["a3"])
    check_joining(AGENT, replace(granted, works_on_it=True), ["a3", "a1"])
    check_joining(AGENT, MADE, ["a1"])
    check_joining(OWNER, BY_PERSON, ["a1"])


def test_what_agents_create_lasts_no_longer_than_the_policy_lets_it() -> None:
    limits = Limits(default_expires_after=timedelta(days=90))
    check_lasting(AGENT, limits, timedelta(days=90))
    check_lasting(AGENT, limits, None)
    check_lasting(OWNER, limits, timedelta(days=9000))
    check_lasting(AGENT, Limits(default_expires_after=timedelta()), timedelta(days=9000))
    with pytest.raises(Unprocessable, match="lasts 12 hours at most"):
        check_lasting(AGENT, Limits(default_expires_after=timedelta(hours=12)), timedelta(days=1))
    with pytest.raises(Unprocessable, match="expires_at: what an agent creates lasts 90 days at most"):
        check_lasting(AGENT, limits, timedelta(days=90, seconds=1))


def test_no_run_leaves_its_end() -> None:
    assert not TERMINAL_RUNS & set(RUN_MOVES)
    assert all(TERMINAL_RUNS & targets for targets in RUN_MOVES.values())


# clocks


@given(st.integers(0, 60 * 24 * 40))
def test_reminders_come_after_a_day_three_and_then_weekly(minutes: int) -> None:
    now = NOW + timedelta(minutes=minutes)
    due = next_nudge(NOW, now)
    assert due > now
    assert (due - NOW) / timedelta(days=1) in {1, 3, *range(7, 99, 7)}


def test_admins_are_reminded_from_the_seventh_day() -> None:
    moments = [NOW]
    for _ in range(5):
        moments.append(next_nudge(NOW, moments[-1]))
    assert [(one - NOW).days for one in moments] == [0, 1, 3, 7, 14, 21]
    assert [admins_are_nudged(NOW, one) for one in moments] == [False, False, False, True, True, True]


def test_warnings_come_as_early_as_told_then_a_day_and_an_hour_before() -> None:
    end, week = NOW + timedelta(days=30), timedelta(days=7)
    assert [next_due(end, week, n) for n in range(4)] == [
        end - week, end - timedelta(days=1), end - timedelta(hours=1), end,
    ]  # fmt: skip
    assert next_due(end, timedelta(hours=6), 0) == end - timedelta(hours=6)
    assert next_due(end, timedelta(hours=6), 1) == end - timedelta(hours=1)
    assert next_due(end, timedelta(), 0) == end
    assert next_due(None, week, 0) is None
    assert warnings_passed(end, week, end - timedelta(hours=2)) == 2


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(days=7), "7 days"), (timedelta(days=1), "1 day"), (timedelta(hours=23), "23 hours"),
        (timedelta(hours=1), "1 hour"), (timedelta(minutes=5), "5 minutes"), (timedelta(seconds=5), "a minute"),
    ],
)  # fmt: skip
def test_how_long_is_left_is_said_in_one_unit(left: timedelta, said: str) -> None:
    assert time_left(NOW + left, NOW) == said
