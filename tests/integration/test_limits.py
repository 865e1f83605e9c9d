"""Limits of single tools hold across processes, and calls that people approved do not queue behind unasked ones."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from governance.attempts import Result
from governance.lifecycle import ExecutionStatus
from governance.policy import Policy
from operations.execute import Started
from scheduler.execution import Executor
from storage.database import Database
from storage.tables import Execution
from tests.conftest import Clock
from tests.integration.running import DONE, SILENT, another, approved, execution_of, worker
from tests.integration.test_leases import Stuck
from tests.integration.verbs import Held, asked, count, policy_from, rows
from tests.policies import tool

Status = ExecutionStatus


def limited(folder: Path, limits: str) -> Policy:
    """The usual policy, and a tool that runs unasked within limits."""
    many = tool("note.many", action_class="note.write", scopes="[]", risk="low_write", more=limits)
    return policy_from(folder, extra=many)


async def some(database: Database, policy: Policy, n: int, tool: str = "note.many") -> None:
    for i in range(n):
        await asked(database, policy, tool, arguments={"service": f"s{i}"})


async def test_no_more_calls_of_a_tool_run_at_once_than_it_allows_and_others_pass_them(
    database: Database, tmp_path: Path
) -> None:
    policy = limited(tmp_path, "concurrency = 2")
    await some(database, policy, 4)
    other = await asked(database, policy, "note.auto")
    before = {one.id: one.next_attempt_at for one in await rows(database, Execution)}
    stuck = Stuck()
    hands = worker(database, policy, stuck, stuck)
    await hands.executor.drain()
    await hands.executor.drain()
    async with asyncio.timeout(10):
        while (await execution_of(database, other)).status is not Status.SUCCEEDED:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await count(database, Execution, tool="note.many", status="running") == 2
    waiting = await rows(database, Execution, tool="note.many", status="queued")
    assert len(waiting) == 2
    assert all(one.next_attempt_at == before[one.id] and one.started_at is None for one in waiting)
    stuck.now.set()
    await hands.executor.stop()
    await hands.work()
    assert await count(database, Execution, tool="note.many", status="succeeded") == 4


async def test_no_more_calls_of_a_tool_start_in_its_span_than_its_rate_allows(
    database: Database, tmp_path: Path, clock: Clock
) -> None:
    policy = limited(tmp_path, 'rate = "3/m"')
    hands = worker(database, policy)

    async def started() -> int:
        await hands.work()
        return len(hands.connector.calls)

    await some(database, policy, 2)
    assert await started() == 2
    clock.forward(seconds=30)
    await some(database, policy, 5)
    assert await started() == 3
    clock.forward(seconds=29)
    assert await started() == 3
    clock.forward(seconds=1)
    assert await started() == 5
    clock.forward(seconds=30)
    assert await started() == 6


async def test_a_retry_does_not_count_against_the_rate_again(database: Database, tmp_path: Path, clock: Clock) -> None:
    policy = limited(tmp_path, 'rate = "1/h"')
    await some(database, policy, 2)
    hands = worker(database, policy, SILENT)
    await hands.work()
    clock.forward(seconds=2)
    await hands.work()
    assert hands.connector.attempts == [1, 2]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_claiming_walks_what_is_due_and_what_runs_and_never_what_has_ended(
    database: Database, tmp_path: Path
) -> None:
    policy = limited(tmp_path, 'concurrency = 1, rate = "3/m"'.replace(", ", "\n"))
    await some(database, policy, 2)
    plans: list[str] = []
    hands = worker(database, policy)
    with explained(database, plans):
        await hands.work()
    assert len(plans) >= 4
    assert {plan.split(" USING ")[1].split(" (")[0] for plan in plans} == {
        "INDEX ix_executions_due",
        "INDEX ix_executions_leases",
        "COVERING INDEX ix_executions_of_tool",
    }


@contextmanager
def explained(database: Database, plans: list[str]) -> Iterator[None]:
    """Collect how SQLite goes about each of our searches for executions by status or time."""

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM executions" in statement and ("status = " in statement or "started_at >" in statement):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[-1] for row in cursor.fetchall())

    event.listen(database.writer.sync_engine, "before_cursor_execute", explain)
    yield
    event.remove(database.writer.sync_engine, "before_cursor_execute", explain)


@dataclass
class Counting:
    """A connector that several processes share, which counts how many of its calls run at once."""

    now: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    calls: int = 0

    async def __call__(self, started: Started) -> Result:
        name = started.tool.name
        self.calls += 1
        self.now[name] += 1
        self.most[name] = max(self.most[name], self.now[name])
        await asyncio.sleep(0.005)
        self.now[name] -= 1
        return DONE


async def test_limits_hold_for_all_processes_together(
    url: str, database: Database, tmp_path: Path, clock: Clock
) -> None:
    pair = tool("note.pair", action_class="note.write", scopes="[]", risk="low_write", more="concurrency = 2")
    one = tool("note.one", action_class="note.write", scopes="[]", risk="low_write", more='rate = "7/h"')
    policy = policy_from(tmp_path, extra=pair + one)
    await some(database, policy, 15, "note.pair")
    await some(database, policy, 15, "note.one")
    counted = Counting()
    async with AsyncExitStack() as processes:
        databases = [await processes.enter_async_context(another(url, clock)) for _ in range(3)]
        executors = [Executor(each, Held(policy), {"http": counted}) for each in databases]
        while await count(database, Execution, tool="note.pair", status="queued"):
            await asyncio.gather(*(each.drain() for each in executors))
            await asyncio.gather(*(each.stop() for each in executors))
    assert counted.most["note.pair"] <= 2
    assert await count(database, Execution, tool="note.pair", status="succeeded") == 15
    assert await count(database, Execution, tool="note.one", status="succeeded") == 7


async def test_what_people_approved_starts_before_what_nobody_was_asked_about(
    database: Database, policy: Policy, clock: Clock
) -> None:
    await asked(database, policy, "note.auto")
    clock.forward(minutes=1)
    await approved(database, policy)
    hands = worker(database, policy)
    await hands.work()
    assert [one.tool.name for one in hands.connector.calls] == ["deploy.production", "note.auto"]


@pytest.mark.parametrize("calls", [16, 40])
async def test_unasked_calls_leave_places_for_approved_ones(database: Database, policy: Policy, calls: int) -> None:
    await some(database, policy, calls, "note.auto")
    stuck = Stuck()
    hands = worker(database, policy, *(stuck for _ in range(17)))
    await hands.executor.drain()
    assert await count(database, Execution, unasked=True, status="running") == 12
    for i in range(5):
        await approved(database, policy, arguments={"service": f"s{i}"})
    await hands.executor.drain()
    assert await count(database, Execution, unasked=False, status="running") == 4
    stuck.now.set()
    await hands.executor.stop()
    while await count(database, Execution, status="queued"):
        await hands.work()
    assert await count(database, Execution, status="succeeded") == calls + 5
