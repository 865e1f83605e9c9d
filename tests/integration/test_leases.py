"""Workers that die, come back late, or work at the same time: nothing runs twice and nothing is lost."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from governance.lifecycle import ExecutionStatus, ProposalState
from governance.policy import Policy
from operations import execute
from storage.database import Database
from storage.tables import AuditEntry, Execution
from tests.conftest import Clock
from tests.integration.running import DONE, NO, SILENT, Worker, another, approved, execution_of, worker
from tests.integration.verbs import TENANT, asked, count, look, rows

Status = ExecutionStatus


class Stuck:
    """An answer that comes when the test says so."""

    def __init__(self) -> None:
        self.now = asyncio.Event()

    async def __call__(self) -> object:
        await self.now.wait()
        return DONE


@pytest.mark.parametrize(("tool", "status"), [("deploy.production", Status.QUEUED), ("deploy.once", Status.UNKNOWN)])
async def test_a_call_whose_worker_died_runs_again_where_that_is_safe_and_is_unknown_elsewhere(
    database: Database, policy: Policy, clock: Clock, tool: str, status: Status
) -> None:
    """closes governed-proposals 5"""
    found = await approved(database, policy, tool)
    dead, heir = worker(database, policy, Stuck()), worker(database, policy)
    await dead.executor.drain()
    await dead.connector.arrived.wait()

    clock.forward(seconds=10)
    await heir.recover()
    assert (await execution_of(database, found)).status is Status.RUNNING

    clock.forward(seconds=1)
    await heir.recover()
    execution = await execution_of(database, found)
    assert (execution.status, execution.attempt, execution.lease_owner) == (status, 1, None)

    clock.forward(seconds=2)
    await heir.work()
    assert heir.connector.attempts == ([2] if status is Status.QUEUED else [])
    await dead.executor.stop(0)


async def test_a_worker_that_dies_on_the_last_attempt_leaves_unknown_behind(
    database: Database, policy: Policy, clock: Clock
) -> None:
    """closes governed-proposals 5"""
    found = await approved(database, policy)
    dead = worker(database, policy, SILENT, SILENT, Stuck())
    for _ in range(2):
        await dead.work()
        clock.forward(minutes=1)
    await dead.executor.drain()
    clock.forward(minutes=1)
    await worker(database, policy).recover()
    execution = await execution_of(database, found)
    assert (execution.status, execution.attempt) == (Status.UNKNOWN, 3)
    assert (await look(database, found)).proposal.state is ProposalState.UNKNOWN
    await dead.executor.stop(0)


async def test_the_late_answer_of_a_worker_that_lost_its_lease_is_not_recorded(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await approved(database, policy)
    answer = Stuck()
    slow, heir = worker(database, policy, answer), worker(database, policy, NO)
    await slow.executor.drain()
    await slow.connector.arrived.wait()
    clock.forward(seconds=11)
    await heir.recover()
    clock.forward(seconds=2)
    await heir.work()
    answer.now.set()
    await slow.executor.stop()
    execution = await execution_of(database, found)
    assert (execution.status, execution.error) == (Status.FAILED, "HTTP 404")
    assert await count(database, AuditEntry, kind="execution.finished") == 1


async def test_a_late_answer_does_not_end_the_attempt_that_another_worker_has_begun(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await approved(database, policy)
    first, second = Stuck(), Stuck()
    slow, heir = worker(database, policy, first), worker(database, policy, second)
    await slow.executor.drain()
    await slow.connector.arrived.wait()
    clock.forward(seconds=11)
    await heir.recover()
    clock.forward(seconds=2)
    await heir.executor.drain()
    await heir.connector.arrived.wait()
    first.now.set()
    await slow.executor.stop()
    execution = await execution_of(database, found)
    assert (execution.status, execution.attempt) == (Status.RUNNING, 2)
    second.now.set()
    await heir.executor.stop()
    assert (await execution_of(database, found)).status is Status.SUCCEEDED


async def test_a_heartbeat_keeps_a_lease_and_cannot_bring_back_a_lost_one(
    database: Database, policy: Policy, clock: Clock
) -> None:
    await approved(database, policy)
    started = await database.write("", lambda tx: execute.start_next(tx, lambda _: policy, "me"))
    assert isinstance(started, execute.Started)
    heir = worker(database, policy)

    clock.forward(seconds=9)
    assert await database.write(TENANT, lambda tx: execute.keep_lease(tx, started.execution))
    clock.forward(seconds=9)
    await heir.recover()
    assert await count(database, Execution, status="running") == 1

    clock.forward(seconds=2)
    await heir.recover()
    assert not await database.write(TENANT, lambda tx: execute.keep_lease(tx, started.execution))
    assert await count(database, Execution, status="queued") == 1


async def test_of_many_recoveries_at_once_one_takes_the_call_back(
    database: Database, policy: Policy, clock: Clock
) -> None:
    for n in range(5):
        await approved(database, policy, arguments={"service": f"s{n}"})
    dead = worker(database, policy, *(Stuck() for _ in range(5)))
    await dead.executor.drain()
    clock.forward(seconds=11)
    await asyncio.gather(*(worker(database, policy).recover() for _ in range(4)))
    assert await count(database, AuditEntry, kind="execution.postponed") == 5
    await dead.executor.stop(0)


async def test_a_tool_that_left_the_policy_while_its_call_was_running_leaves_unknown_behind(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await approved(database, policy)
    dead = worker(database, policy, Stuck())
    await dead.executor.drain()
    clock.forward(seconds=11)
    await worker(database, replace(policy, tools={})).recover()
    assert (await execution_of(database, found)).status is Status.UNKNOWN
    await dead.executor.stop(0)


async def test_executors_of_several_processes_never_run_one_call_twice(
    url: str, database: Database, policy: Policy, clock: Clock
) -> None:
    for n in range(60):
        await asked(database, policy, "note.auto", arguments={"service": f"s{n}"})
    async with AsyncExitStack() as processes:
        databases = [await processes.enter_async_context(another(url, clock)) for _ in range(3)]
        workers = [worker(one, policy) for one in databases]
        while await count(database, Execution, status="queued"):
            await asyncio.gather(*(one.work() for one in workers))
    assert sorted(_ran(workers)) == sorted({one.id for one in await rows(database, Execution)})
    assert await count(database, Execution, status="succeeded") == 60


def _ran(workers: list[Worker]) -> list[str]:
    return [call.execution.id for one in workers for call in one.connector.calls]
