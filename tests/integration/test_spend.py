"""What agents spend is counted once and never lost; at the cap they stop, with everything they run."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from governance.automations import Actor, ActorKind, AutomationStatus, RunStatus, StopKind
from governance.errors import Conflict, NotFound
from governance.policy import Policy
from governance.verdict import Outcome
from operations import execute
from operations.spend import Spent, report
from operations.spend_stop import lift
from scheduler.spending import REPORTS_KEPT, forget_reports
from storage import spend
from storage.database import Database, Tx
from storage.limits import limits_in_force
from storage.stopped_runs import BATCH
from storage.tables import (
    ApprovalRequest,
    AuditEntry,
    Automation,
    AutomationRun,
    OutboxMessage,
    RunEvent,
    SpendReport,
    SpendStop,
    SpendWindow,
)
from tests.conftest import Clock
from tests.integration.faults import Breaker, breaking
from tests.integration.spending import automation, capped, relimit, spent, tick, week
from tests.integration.verbs import TENANT, rows, submit

USD = 1_000_000
QUEUED, RUNNING, PAUSED, DONE = RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.PAUSED, RunStatus.COMPLETED


async def statuses(database: Database, runs: list[str]) -> list[RunStatus]:
    found = {one.id: one.status for one in await rows(database, AutomationRun)}
    return [found[one] for one in runs]


async def reports(database: Database) -> int:
    async with database.read(TENANT) as tx:
        return await tx.session.scalar(select(func.count()).select_from(SpendReport)) or 0


async def kinds(database: Database, prefix: str = "spend.") -> list[str]:
    return [one.kind for one in await rows(database, AuditEntry) if one.kind.startswith(prefix)]


async def told(database: Database) -> list[str]:
    said = [one.payload for one in await rows(database, OutboxMessage, kind="say")]
    return [f"{one['event']} {one['person']}" for one in said]


async def lifted(database: Database, clock: Clock, agent: str = "stranger", **length: float) -> bool:
    async def run(tx: Tx) -> bool:
        stop = await spend.live_stop(tx, agent)
        assert stop is not None
        return await lift(tx, stop, clock() + timedelta(**length))

    return await database.write(TENANT, run)


# counting


async def test_a_hundred_reports_at_once_lose_nothing(database: Database, policy: Policy) -> None:
    """closes automation-governance 2"""
    family = capped(policy, None)
    await asyncio.gather(*(spent(database, family, "1", agent) for agent in ("deployer", "helper") for _ in range(50)))
    assert [await week(database, one) for one in ("helper", "deployer", "planner", "stranger")] == [
        50 * USD, 100 * USD, 100 * USD, 0,
    ]  # fmt: skip


async def test_everybody_above_is_charged_in_every_window(database: Database, policy: Policy) -> None:
    await spent(database, capped(policy), "1.25", "helper", prompt_tokens=3, completion_tokens=4, total_tokens=9)
    found = await rows(database, SpendWindow)
    assert {(one.agent_id, one.span) for one in found} == {
        (agent, span) for agent in ("helper", "deployer", "planner")
        for span in ("daily", "weekly", "monthly", "lifetime")
    }  # fmt: skip
    assert {(one.cost, one.prompt_tokens, one.completion_tokens, one.total_tokens) for one in found} == {
        (1_250_000, 3, 4, 9)
    }


async def test_the_same_report_again_changes_nothing_and_another_under_its_id_is_refused(
    database: Database, policy: Policy
) -> None:
    first = await spent(database, policy, "2", report_id="r1")
    again = await spent(database, policy, "2", report_id="r1")
    with pytest.raises(Conflict) as refused:
        await spent(database, policy, "3", report_id="r1")
    assert (first.duplicate, again.duplicate, again.report) == (False, True, first.report)
    assert refused.value.name == "SPEND_REPORT_CONFLICT"
    assert await week(database) == 2 * USD
    assert await kinds(database) == ["spend.reported"]


async def test_the_same_report_many_times_at_once_counts_once(database: Database, policy: Policy) -> None:
    """closes automation-governance 24"""
    got = await asyncio.gather(*(spent(database, policy, "2", report_id="r1") for _ in range(20)))
    assert sorted(one.duplicate for one in got) == [False] + [True] * 19
    assert await week(database) == 2 * USD


async def test_an_id_means_something_to_its_own_agent_alone_and_not_for_ever(
    database: Database, policy: Policy, clock: Clock
) -> None:
    """closes automation-governance 22"""
    family = capped(policy)
    await spent(database, family, "1", "stranger", "r1")
    await spent(database, family, "2", "planner", "r1")
    assert [await week(database, one) for one in ("stranger", "planner")] == [USD, 2 * USD]
    clock.forward(days=REPORTS_KEPT.days - 1)
    await forget_reports(database)
    assert await reports(database) == 2
    clock.forward(days=2)
    await forget_reports(database)
    assert await reports(database) == 0


async def test_who_made_an_automation_is_charged_for_its_runs(database: Database, policy: Policy) -> None:
    family = capped(policy)
    (run,) = await automation(database, RUNNING, creator="deployer", agents=("stranger",), chain=["planner"])
    await spent(database, family, "1", "stranger", run_id=run)
    assert [await week(database, one) for one in ("stranger", "deployer", "planner")] == [USD] * 3
    with pytest.raises(NotFound) as refused:
        await spent(database, family, "1", "helper", run_id=run)
    assert refused.value.name == "RUN_NOT_FOUND"
    assert await week(database, "helper") == 0
    assert await reports(database) == 1


@pytest.mark.parametrize("reports", [1, 40])
async def test_a_report_takes_the_same_statements_whatever_went_before(
    database: Database, policy: Policy, reports: int
) -> None:
    """closes automation-governance 26"""
    family = capped(policy, "1000")
    for _ in range(reports):
        await spent(database, family, "1", "helper")
    breaker = Breaker(200)
    with breaking(database, breaker):
        await spent(database, family, "1", "helper")
    assert len(breaker.passed) == 5, breaker.passed  # report, limits, windows, audit entry, commit


# warning


async def test_a_week_near_its_cap_is_warned_of_once(database: Database, policy: Policy, clock: Clock) -> None:
    tight = capped(policy)
    await spent(database, tight, "7.999999")
    assert await told(database) == []
    await spent(database, tight, "0.000001")
    await spent(database, tight, "1")
    assert await told(database) == ["spend_warning U0MALLORY"]
    assert (await kinds(database)).count("spend.warning") == 1
    clock.forward(days=7)
    await spent(database, tight, "8")
    assert (await kinds(database)).count("spend.warning") == 2


async def test_no_ratio_no_warning_and_no_cap_nothing(database: Database, policy: Policy) -> None:
    await spent(database, capped(policy, spend_warning_threshold_ratio=0.0), "9")
    await spent(database, capped(policy, None), "1000", "planner")
    assert await told(database) == []
    assert await rows(database, SpendStop) == []


# stopping


async def test_at_the_cap_an_agent_stops_once_with_all_its_runs(database: Database, policy: Policy) -> None:
    """closes automation-governance 7"""
    tight = capped(policy)
    made = await automation(database, RUNNING, QUEUED, DONE, RunStatus.AWAITING_APPROVAL)
    works_in = await automation(database, RUNNING, creator=None, agents=("planner", "stranger"))
    others = await automation(database, RUNNING, creator="strange", agents=("stranger2", "a,stranger"))
    await spent(database, tight, "9.999999")
    assert await rows(database, SpendStop) == []
    got = await spent(database, tight, "2", run_id=made[0])
    await spent(database, tight, "1")
    assert got.stopped == ("stranger",)
    assert await statuses(database, made) == [PAUSED, PAUSED, DONE, PAUSED]
    assert await statuses(database, works_in) == [PAUSED]
    assert await statuses(database, others) == [RUNNING]
    (run,) = await rows(database, AutomationRun, id=made[0])
    assert (run.stop_kind, run.stopped_for) == (StopKind.GUARDRAIL_STOPPED, "stranger")
    assert run.detail == "weekly spend cap exceeded for stranger (11.999999/10.00 USD)"
    assert {one.kind for one in await rows(database, RunEvent)} == {"run_paused_spend_cap_exceeded"}
    (stop,) = await rows(database, SpendStop)
    assert (stop.reason, stop.release_at.isoformat()) == (
        "weekly spend cap 10.00 USD reached", "2026-11-30T00:00:00+00:00",
    )  # fmt: skip
    (asked,) = await rows(database, ApprovalRequest)
    assert (asked.request_type, asked.target_type, asked.target_id) == ("quota_override", "agent", "stranger")
    assert stop.request_id == asked.id
    assert await kinds(database, "spend.stop") == ["spend.stopped"]


async def test_many_reports_over_the_cap_at_once_stop_once(database: Database, policy: Policy) -> None:
    tight = capped(policy)
    got = await asyncio.gather(*(spent(database, tight, "3") for _ in range(20)))
    assert sum(one.stopped == ("stranger",) for one in got) == 1
    assert await week(database) == 60 * USD
    assert len(await rows(database, SpendStop)) == len(await rows(database, ApprovalRequest)) == 1
    assert (await told(database)).count("spend_stopped U0MALLORY") == 1


async def test_a_cap_of_nothing_stops_the_first_cost_and_nothing_stops_nobody(
    database: Database, policy: Policy
) -> None:
    """closes automation-governance 24"""
    none = capped(policy, "0")
    await spent(database, none, "0")
    assert await rows(database, SpendStop) == []
    assert (await spent(database, none, "0.000001")).stopped == ("stranger",)


async def test_a_child_stops_its_parent_at_the_parent_s_cap(database: Database, policy: Policy) -> None:
    family = capped(policy, None, agent_caps={"planner": 5 * USD})
    assert (await spent(database, family, "4", "helper")).stopped == ()
    assert (await spent(database, family, "4", "deployer")).stopped == ("planner",)


async def test_what_a_stopped_agent_proposes_is_denied_and_what_it_queued_does_not_start(
    database: Database, policy: Policy
) -> None:
    tight = capped(policy)
    await submit(database, tight, "note.auto")
    await spent(database, tight, "10", "deployer")
    denied = await submit(database, tight, arguments={"service": "other"})
    assert (denied.verdict.outcome, denied.verdict.code) == (Outcome.POLICY_DENIED, "SPEND_CAP_EXCEEDED")
    assert denied.verdict.reason.endswith("weekly spend cap 10.00 USD reached")
    started = await database.write("", lambda tx: execute.start_next(tx, lambda _tenant: tight, "worker"))
    assert getattr(started, "status", None) == "invalidated"


async def test_a_run_that_begins_after_all_is_paused_by_the_loop_and_after_the_next_report(
    database: Database, policy: Policy
) -> None:
    tight = capped(policy)
    await spent(database, tight, "10")
    late = await automation(database, RUNNING)
    await tick(database, tight)
    later = await automation(database, QUEUED)
    await spent(database, tight, "0.5")  # looked through by the loop, however many reports come in at once
    assert await statuses(database, late + later) == [PAUSED, QUEUED]
    await tick(database, tight)
    assert await statuses(database, late + later) == [PAUSED, PAUSED]


async def test_very_many_runs_are_paused_and_resumed_in_portions(
    database: Database, policy: Policy, clock: Clock
) -> None:
    tight = capped(policy)
    runs = await automation(database, *[QUEUED] * (2 * BATCH + 7))
    await spent(database, tight, "10")
    assert (await statuses(database, runs)).count(PAUSED) == BATCH
    await tick(database, tight)
    assert set(await statuses(database, runs)) == {PAUSED}
    await lifted(database, clock, hours=1)
    assert (await statuses(database, runs)).count(QUEUED) == BATCH
    await tick(database, tight)
    assert set(await statuses(database, runs)) == {QUEUED}
    assert len(await rows(database, RunEvent)) == 2 * len(runs)


# letting go


async def test_an_override_resumes_what_the_stop_paused_and_its_lapse_stops_again(
    database: Database, policy: Policy, clock: Clock
) -> None:
    """closes automation-governance 7"""
    tight = capped(policy)
    runs = await automation(database, RUNNING)
    before = await automation(database, PAUSED)
    await spent(database, tight, "10")
    assert await lifted(database, clock, hours=2)
    assert await statuses(database, runs + before) == [QUEUED, PAUSED]
    assert (await spent(database, tight, "5")).stopped == ()
    clock.forward(hours=1)
    await tick(database, tight)
    assert await statuses(database, runs) == [QUEUED]
    clock.forward(hours=1)
    await tick(database, tight)
    assert await statuses(database, runs) == [PAUSED]
    events = [(one.kind, one.reason) for one in await rows(database, RunEvent, run_id=runs[0])]
    assert events[1] == ("run_auto_resumed", "auto_resume_after_guardrail_override")
    assert events[2][1] == "weekly spend cap exceeded for stranger (15.00/10.00 USD)"
    assert len(await rows(database, SpendStop)) == 1


async def test_a_report_after_the_lapse_stops_at_once(database: Database, policy: Policy, clock: Clock) -> None:
    tight = capped(policy)
    await spent(database, tight, "10")
    await lifted(database, clock, hours=2)
    clock.forward(hours=2)
    assert (await spent(database, tight, "1")).stopped == ("stranger",)


async def test_a_new_week_lets_an_agent_go(database: Database, policy: Policy, clock: Clock) -> None:
    """closes automation-governance 6"""
    tight = capped(policy)
    runs = await automation(database, RUNNING)
    await spent(database, tight, "10")
    clock.forward(days=6)
    await tick(database, tight)
    assert await statuses(database, runs) == [PAUSED]
    clock.forward(days=1)
    await tick(database, tight)
    assert await statuses(database, runs) == [QUEUED]
    (stop,) = await rows(database, SpendStop)
    assert (stop.ended_at, stop.due_at) == (clock(), None)
    assert [one.status for one in await rows(database, ApprovalRequest)] == ["expired"]
    assert (await submit(database, tight, agent="stranger")).verdict.code != "SPEND_CAP_EXCEEDED"
    assert (await spent(database, tight, "10")).stopped == ("stranger",)
    assert len(await rows(database, SpendStop)) == 2


async def test_a_report_of_the_new_week_does_not_wait_for_the_loop(
    database: Database, policy: Policy, clock: Clock
) -> None:
    tight = capped(policy)
    await spent(database, tight, "10")
    clock.forward(days=7)
    assert (await spent(database, tight, "11")).stopped == ("stranger",)
    first, second = await rows(database, SpendStop)
    assert (first.ended_at, second.ended_at) == (clock(), None)


@pytest.mark.parametrize("cap", [12 * USD, None])
async def test_a_raised_or_removed_cap_lets_an_agent_go(database: Database, policy: Policy, cap: int | None) -> None:
    """closes automation-governance 6"""
    tight = capped(policy)
    runs = await automation(database, RUNNING)
    await spent(database, tight, "11")
    await tick(database, tight)
    await relimit(database, tight, weekly_spend_cap=cap)
    await tick(database, tight)
    assert await statuses(database, runs) == [QUEUED]
    got = await spent(database, tight, "1")
    assert got.stopped == (("stranger",) if cap else ())


async def test_a_cap_raised_in_the_file_or_for_the_agent_alone_counts_as_well(
    database: Database, policy: Policy
) -> None:
    tight = capped(policy)
    await spent(database, tight, "11")
    await tick(database, replace(tight, hash="new", limits=replace(tight.limits, weekly_spend_cap=20 * USD)))
    assert [one.ended_at is None for one in await rows(database, SpendStop)] == [False]
    await spent(database, tight, "1")
    await relimit(database, tight, agent_caps={"stranger": 50 * USD})
    await tick(database, tight)
    assert [one.ended_at is None for one in await rows(database, SpendStop)] == [False, False]


async def test_who_is_no_longer_in_the_policy_is_charged_but_neither_stopped_nor_held(
    database: Database, policy: Policy
) -> None:
    tight = capped(policy)
    (run,) = await automation(database, RUNNING, creator="gone", agents=("stranger",))
    assert (await spent(database, tight, "5", run_id=run)).stopped == ()
    assert (await spent(database, tight, "5", run_id=run)).stopped == ("stranger",)
    assert await week(database, "gone") == 10 * USD
    await tick(database, replace(tight, agents={one: tight.agents[one] for one in ("planner", "deployer")}))
    assert [one.ended_at is None for one in await rows(database, SpendStop)] == [False]
    assert await statuses(database, [run]) == [QUEUED]


async def test_limits_in_force_hold_for_what_is_asked_as_well(database: Database, policy: Policy, clock: Clock) -> None:
    tight = capped(policy)
    await relimit(database, tight, approval_ttl=timedelta(hours=5))
    await spent(database, tight, "10")
    (asked,) = await rows(database, ApprovalRequest)
    assert asked.expires_at == clock() + timedelta(hours=5)


async def test_changes_of_limits_at_once_lose_none_of_each_other(database: Database, policy: Policy) -> None:
    """closes automation-governance 2"""
    counts = ("run_review_threshold", "lineage_depth_limit", "active_agent_automation_cap", "health_window_run_limit")
    await asyncio.gather(*(relimit(database, policy, **{name: 7}) for name in counts))
    async with database.read(TENANT) as tx:
        limits = await limits_in_force(tx, policy)
    assert [getattr(limits, name) for name in counts] == [7] * 4


async def test_the_stop_of_another_agent_keeps_holding_a_run(database: Database, policy: Policy, clock: Clock) -> None:
    """closes automation-governance 10"""
    tight = capped(policy)
    runs = await automation(database, RUNNING, agents=("planner",))
    await spent(database, tight, "10")
    await spent(database, tight, "10", "planner")
    await lifted(database, clock, hours=1)
    assert await statuses(database, runs) == [PAUSED]
    await lifted(database, clock, "planner", hours=1)
    assert await statuses(database, runs) == [QUEUED]


async def test_what_was_paused_for_other_reasons_meanwhile_stays_paused(
    database: Database, policy: Policy, clock: Clock
) -> None:
    """closes automation-governance 10"""
    tight = capped(policy)
    runs = await automation(database, RUNNING)
    ended = await automation(database, RUNNING)
    await spent(database, tight, "10")
    (held,) = [one.automation_id for one in await rows(database, AutomationRun, id=runs[0])]

    async def meanwhile(tx: Tx) -> None:
        row, run = await tx.get(Automation, held), await tx.get(AutomationRun, ended[0])
        assert row is not None
        assert run is not None
        row.status, row.paused_for_lifecycle = AutomationStatus.PAUSED, True
        run.status = RunStatus.CANCELLED

    await database.write(TENANT, meanwhile)
    await lifted(database, clock, hours=1)
    assert await statuses(database, runs + ended) == [PAUSED, RunStatus.CANCELLED]
    assert [one.stopped_for for one in await rows(database, AutomationRun)] == [None, None]


async def test_two_loops_at_once_let_go_once(database: Database, policy: Policy, clock: Clock) -> None:
    tight = capped(policy)
    await automation(database, RUNNING)
    await spent(database, tight, "10")
    clock.forward(days=7)
    await asyncio.gather(*(tick(database, tight) for _ in range(4)))
    assert (await kinds(database)).count("spend.released") == 1
    assert [one.kind for one in await rows(database, RunEvent)].count("run_auto_resumed") == 1


async def test_another_tenant_s_agent_of_the_same_name_is_not_touched(database: Database, policy: Policy) -> None:
    """closes automation-governance 23"""
    tight = capped(policy)
    runs = await automation(database, RUNNING)

    async def elsewhere(tx: Tx) -> None:
        by = Actor(ActorKind.AGENT, "stranger")
        await report(tx, tight, tight.agents["stranger"], Spent("r1", 50 * USD), by)

    await database.write("other", elsewhere)
    assert await statuses(database, runs) == [RUNNING]
    assert await week(database) == 0
    assert (await submit(database, tight, agent="stranger")).verdict.code != "SPEND_CAP_EXCEEDED"
