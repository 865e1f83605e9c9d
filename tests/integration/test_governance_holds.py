"""What money, floods, late answers and missed ticks could do to automations and their limits, and may not."""

from datetime import timedelta

import pytest

from governance.authorising import MOST_OPEN_RUNS
from governance.automations import Actor, ActorKind, RunStatus
from governance.errors import ApprovalExpired, Conflict, TooMany
from governance.lifecycle import RequestStatus
from governance.policy import Policy
from operations import automations as verbs
from operations import ending, spend_stop
from operations.filing import Filing, file_request
from operations.runs import Step, change
from operations.spend_stop import lift
from scheduler.spending import SpendClock
from storage import governing
from storage.database import Database
from storage.tables import (
    ApprovalRequest,
    Automation,
    AutomationRun,
    OutboxMessage,
    Proposal,
    RequestType,
    SpendStop,
)
from tests.conftest import Clock
from tests.integration.asking import answer
from tests.integration.automating import ADMIN, ALICE, DEPLOYER, limited, made, ran, started, tick
from tests.integration.spending import automation, capped, relimit, spent, week
from tests.integration.test_automations import codes, replicas
from tests.integration.verbs import REJECT, TENANT, Held, count, rows, sql

MOST = 2**63 - 1  # micro-dollars that a window can hold
BY_DEPLOYER = Actor(ActorKind.AGENT, "deployer")


# money


async def test_an_agent_that_reports_billions_keeps_nobody_else_from_being_counted(
    database: Database, policy: Policy
) -> None:
    family = capped(policy, None)
    await spent(database, family, "1", "deployer")
    await sql(database, "UPDATE spend_windows SET cost = :full", full=2**63 - 2)
    for _ in range(2):
        await spent(database, family, "1000000000", "deployer")
    await spent(database, family, "3", "helper")
    assert [await week(database, one) for one in ("helper", "deployer", "planner")] == [3 * 10**6, MOST, MOST]


# an answer clears what its card said, and nothing that came later


async def test_a_second_loss_is_asked_about_anew(database: Database, policy: Policy) -> None:
    row = await made(database, policy, ALICE, agents=("deployer", "stranger"), tools=("a", "b"))
    for lost in ({"tools": ["a"]}, {"agents": ["deployer"]}):
        await database.write(TENANT, lambda tx, lost=lost: verbs.update(tx, policy, ALICE, row.id, lost))
    first, second = await rows(database, ApprovalRequest)
    with pytest.raises(ApprovalExpired):
        await answer(database, policy, first)
    assert (await rows(database, Automation))[0].review_request_id == second.id
    await answer(database, policy, second)
    assert not (await rows(database, Automation))[0].review_required


async def test_a_worse_finding_is_asked_about_anew_and_the_same_one_is_not(
    database: Database, policy: Policy, clock: Clock
) -> None:
    limits = limited(policy, run_review_threshold=0)
    row = await made(database, limits, expires_at=clock() + timedelta(days=80))
    for outcome in ({"outputs": None}, {"outputs": None}, *[{}] * 4):
        status = RunStatus.COMPLETED if outcome else RunStatus.FAILED
        await ran(database, limits, row.id, RunStatus.RUNNING, status, **outcome)
        await tick(database, limits)
        clock.forward(hours=7)
    warned, worse = await rows(database, ApprovalRequest)
    assert (warned.status, worse.status) == (RequestStatus.EXPIRED, RequestStatus.PENDING)
    (row,) = await rows(database, Automation)
    assert row.review_request_id == worse.id


# nobody is flooded


async def test_an_agent_that_pauses_and_resumes_all_day_does_not_fill_its_owners_messages(
    database: Database, policy: Policy
) -> None:
    row = await made(database, policy)
    before = await count(database, OutboxMessage, kind="say")
    for _ in range(10):
        await database.write(TENANT, lambda tx: verbs.pause(tx, policy, DEPLOYER, row.id, None))
        await database.write(TENANT, lambda tx: verbs.resume(tx, policy, DEPLOYER, row.id))
    assert await count(database, OutboxMessage, kind="say") - before == 2  # one of each
    await database.write(TENANT, lambda tx: verbs.pause(tx, policy, ADMIN, row.id, None))
    assert await count(database, OutboxMessage, kind="say") - before == 3  # what people do is told at once


async def test_an_automation_has_a_bounded_number_of_runs_that_have_not_ended(
    database: Database, policy: Policy
) -> None:
    queued = [RunStatus.QUEUED] * MOST_OPEN_RUNS
    run_id, *_ = await automation(database, *queued, RunStatus.COMPLETED, creator="deployer")
    (row,) = await rows(database, Automation)
    with pytest.raises(TooMany, match="end or cancel some"):
        await started(database, policy, row.id)
    cancelled = Step(RunStatus.CANCELLED)
    await database.write(TENANT, lambda tx: change(tx, policy, DEPLOYER, run_id, cancelled))
    assert (await started(database, policy, row.id)).status is RunStatus.QUEUED


async def test_a_cap_lowered_below_what_was_spent_stops_at_once(database: Database, policy: Policy) -> None:
    generous = capped(policy, "100.00")
    (run,) = await automation(database, RunStatus.RUNNING)
    await spent(database, generous, "8")
    clock = SpendClock(database, Held(generous))
    await clock.drain()
    await relimit(database, generous, weekly_spend_cap=5_000_000)
    await clock.drain()
    (stop,) = await rows(database, SpendStop)
    assert (stop.agent_id, stop.ended_at) == ("stranger", None)
    assert [one.status for one in await rows(database, AutomationRun, id=run)] == [RunStatus.PAUSED]
    await relimit(database, generous, weekly_spend_cap=9_000_000)
    await clock.drain()
    assert [one.status for one in await rows(database, AutomationRun, id=run)] == [RunStatus.QUEUED]


async def test_a_shorter_override_takes_nothing_of_a_longer_one(database: Database, policy: Policy) -> None:
    capped_policy = capped(policy)
    await spent(database, capped_policy, "10")
    (stop,) = await rows(database, SpendStop)
    for hours in (48, 1):
        until = database.clock() + timedelta(hours=hours)
        await database.write(TENANT, lambda tx, until=until: lift(tx, stop, until))
    (stop,) = await rows(database, SpendStop)
    assert stop.lifted_until == database.clock() + timedelta(hours=48)


# ends hold whether or not the loop has come by, and are asked about


async def test_nothing_starts_past_the_end_of_an_automation_though_the_loop_stands_still(
    database: Database, policy: Policy, clock: Clock
) -> None:
    row = await made(database, policy, expires_at=clock() + timedelta(hours=2))
    clock.forward(hours=2)
    with pytest.raises(Conflict, match="expired"):
        await started(database, policy, row.id)


async def test_what_is_restored_expired_is_asked_about_again(database: Database, policy: Policy, clock: Clock) -> None:
    row = await made(database, policy, expires_at=clock() + timedelta(hours=2))
    clock.forward(hours=2)
    await tick(database, policy)
    await database.write(TENANT, lambda tx: ending.delete(tx, policy, ADMIN, row.id))
    await database.write(TENANT, lambda tx: ending.restore(tx, policy, ADMIN, row.id))
    (asked,) = await rows(database, ApprovalRequest, status=RequestStatus.PENDING)
    assert (await rows(database, Automation))[0].review_request_id == asked.id
    await answer(database, policy, asked, REJECT)
    assert (await started(database, policy, row.id)).status is RunStatus.QUEUED


async def test_a_retirement_that_a_person_wanted_is_not_asked_for_again(
    database: Database, policy: Policy, clock: Clock
) -> None:
    row = await made(database, policy)
    by = Actor(ActorKind.HUMAN, "U0ALICE")
    filing = Filing(RequestType.RETIREMENT_ACTION, ("automation", row.id), "no longer needed", {}, by)
    await database.write(TENANT, lambda tx: file_request(tx, policy, filing))
    clock.forward(days=4)
    await tick(database, policy)
    assert [one.status for one in await rows(database, ApprovalRequest)] == [RequestStatus.EXPIRED]


async def test_overrides_reports_and_the_loop_never_wait_in_a_circle(url: str, clock: Clock, policy: Policy) -> None:
    async with replicas(url, clock) as servers:
        tight = capped(policy)
        await automation(servers[0], *[RunStatus.RUNNING] * 20)
        await spent(servers[0], tight, "10")
        (request,) = await rows(servers[0], ApprovalRequest)
        (stop,) = await rows(servers[0], SpendStop)
        attend = lambda tx: spend_stop.attend(tx, tight, stop.id)  # noqa: E731
        went = await codes([
            one
            for server in servers
            for one in (
                answer(server, tight, request), spent(server, tight, "1"), server.write(TENANT, attend),
                answer(server, tight, request), spent(server, tight, "1"),
            )
        ])  # fmt: skip
        assert went == {"ok": 20}
        assert {one.status for one in await rows(servers[0], AutomationRun)} == {RunStatus.QUEUED}


async def test_a_review_after_so_many_runs_does_not_clear_critical_findings_unsaid(
    database: Database, policy: Policy
) -> None:
    limits = limited(policy, run_review_threshold=6)
    row = await made(database, limits)
    queued = [await started(database, limits, row.id) for _ in range(6)]
    for run in queued:
        for status in (RunStatus.RUNNING, RunStatus.FAILED):
            step = Step(status)
            await database.write(TENANT, lambda tx, id=run.id, step=step: change(tx, limits, DEPLOYER, id, step))
    await tick(database, limits)
    drift, worse = await rows(database, ApprovalRequest)
    with pytest.raises(ApprovalExpired):
        await answer(database, limits, drift)
    proposal = (await rows(database, Proposal, id=worse.proposal_id))[0]
    assert "high failure rate" in proposal.rationale
    await answer(database, limits, worse)
    (row,) = await rows(database, Automation)
    assert (row.review_required, row.creation_paused) == (False, False)


async def test_what_is_owed_comes_before_what_has_ended(database: Database, policy: Policy, clock: Clock) -> None:
    owing = await made(database, policy, ALICE, tools=("a", "b"))
    narrow = {"tools": ["a"]}
    await database.write(TENANT, lambda tx: verbs.update(tx, policy, ALICE, owing.id, narrow))
    clock.forward(hours=1)
    ended = await made(database, policy, ALICE, tools=("a", "b"))
    await database.write(TENANT, lambda tx: verbs.update(tx, policy, ALICE, ended.id, narrow))
    await database.write(TENANT, lambda tx: ending.retire_by(tx, policy, ADMIN, ended.id, None))
    async with database.read(TENANT) as tx:
        assert [one.id for one in await governing.worth_a_look(tx, None, 1)] == [owing.id]
