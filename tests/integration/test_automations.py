"""Automations when many act at once, and what the loop does about them: limits hold, and only what is due is read."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, insert

from governance.automations import ActorKind, AutomationStatus, ReviewKind, RunStatus
from governance.errors import Refusal
from governance.policy import Policy
from operations import automations as verbs
from operations import ending, grants, timing
from operations.runs import Step, change
from storage.database import Database
from storage.opening import open_database
from storage.tables import (
    ApprovalRequest,
    Automation,
    AutomationFinding,
    AutomationRun,
    Grant,
    OutboxMessage,
    OwedReview,
    RequestType,
)
from tests.conftest import ENCRYPTION_KEY, Clock
from tests.integration.asking import answer
from tests.integration.automating import ADMIN, ALICE, DEPLOYER, STRANGER, limited, made, ran, started, tick
from tests.integration.verbs import TENANT, count, rows, sql

FREE = {"per_agent_creation_review_threshold": 0}


@asynccontextmanager
async def replicas(url: str, clock: Clock, many: int = 4) -> AsyncIterator[list[Database]]:
    """Several servers on one database."""
    opened = [await open_database(url, ENCRYPTION_KEY, clock=clock) for _ in range(many)]
    yield opened
    for one in opened:
        await one.close()


async def codes(tries: list[Awaitable[Any]]) -> Counter[str]:
    """Let everything happen at once; return how it went: `ok`, or the code of the refusal."""
    went = await asyncio.gather(*tries, return_exceptions=True)
    for one in went:
        if isinstance(one, BaseException) and not isinstance(one, Refusal):
            raise one
    return Counter(one.name.removeprefix("AUTOMATION_V2_") if isinstance(one, Refusal) else "ok" for one in went)


# limits under concurrency


async def test_twenty_who_create_at_once_get_as_many_as_the_daily_quota(url: str, clock: Clock, policy: Policy) -> None:
    """closes automation-governance 3"""
    limits = limited(policy, **FREE)
    async with replicas(url, clock) as servers:
        went = await codes([made(servers[n % 4], limits, name=f"n{n}") for n in range(20)])
        assert went == {"ok": 10, "AGENT_DAILY_QUOTA_EXCEEDED": 10}
        assert await count(servers[0], Automation) == 10
        clock.forward(hours=24)
        assert (await made(servers[0], limits)).status is AutomationStatus.ACTIVE


async def test_the_cap_of_all_agents_holds_over_agents(url: str, clock: Clock, policy: Policy) -> None:
    """closes automation-governance 3"""
    limits = limited(policy, **FREE, active_agent_automation_cap=7)
    async with replicas(url, clock) as servers:
        went = await codes([made(servers[n % 4], limits, (DEPLOYER, STRANGER)[n % 2]) for n in range(20)])
        assert went == {"ok": 7, "AGENT_CAP_EXCEEDED": 13}
        assert (await made(servers[0], limits, ALICE)).depth == 0  # people are not held up


async def test_the_review_gate_lets_no_more_through_than_its_threshold(url: str, clock: Clock, policy: Policy) -> None:
    """closes automation-governance 3"""
    limits = limited(policy, per_agent_creation_review_threshold=3)
    async with replicas(url, clock) as servers:
        went = await codes([made(servers[n % 4], limits) for n in range(12)])
        assert went == {"ok": 3, "AGENT_REVIEW_REQUIRED": 9}
        assert await count(servers[0], ApprovalRequest, request_type=RequestType.LIFECYCLE_REVIEW) == 1


async def test_restoring_and_extending_at_once_stay_under_the_cap(url: str, clock: Clock, policy: Policy) -> None:
    """closes automation-governance 12"""
    limits = limited(policy, **FREE, active_agent_automation_cap=3)
    async with replicas(url, clock) as servers:
        gone = [await made(servers[0], limits) for _ in range(3)]
        for one in gone[:2]:
            await servers[0].write(TENANT, lambda tx, one=one: ending.delete(tx, limits, DEPLOYER, one.id))
        await servers[0].write(TENANT, lambda tx: ending.retire_by(tx, limits, ADMIN, gone[2].id, None))
        await made(servers[0], limits)
        backs: list[Callable[[Any], Any]] = [
            lambda tx: ending.restore(tx, limits, ADMIN, gone[0].id),
            lambda tx: ending.restore(tx, limits, ADMIN, gone[1].id),
            lambda tx: ending.extend_by(tx, limits, ADMIN, gone[2].id, None, None),
        ]
        went = await codes([servers[n].write(TENANT, back) for n, back in enumerate(backs)])
        assert went == {"ok": 2, "AGENT_CAP_EXCEEDED": 1}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    quota=st.integers(0, 6), cap=st.integers(0, 6), threshold=st.integers(0, 4),
    acts=st.lists(st.sampled_from(["create", "delete", "restore", "retire"]), min_size=4, max_size=16),
)  # fmt: skip
def test_whatever_happens_at_once_no_limit_is_passed(
    new_sqlite: Callable[[], str], policy: Policy, quota: int, cap: int, threshold: int, acts: list[str]
) -> None:
    asyncio.run(_held_limits(new_sqlite(), policy, quota, cap, threshold, acts))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    quota=st.integers(1, 6), cap=st.integers(1, 6), threshold=st.integers(0, 4),
    acts=st.lists(st.sampled_from(["create", "delete", "restore", "retire"]), min_size=6, max_size=16),
)  # fmt: skip
def test_whatever_happens_at_once_no_limit_is_passed_on_postgresql(
    new_postgresql: Callable[[], str], policy: Policy, quota: int, cap: int, threshold: int, acts: list[str]
) -> None:
    """closes automation-governance 3"""
    asyncio.run(_held_limits(new_postgresql(), policy, quota, cap, threshold, acts))


async def _held_limits(url: str, policy: Policy, quota: int, cap: int, threshold: int, acts: list[str]) -> None:
    limits = limited(policy, per_agent_daily_creation_limit=quota, active_agent_automation_cap=cap,
                     per_agent_creation_review_threshold=threshold)  # fmt: skip
    async with replicas(url, Clock(), 2) as servers:
        await codes([made(servers[n % 2], limits) for n in range(3)])
        await codes([_act(servers[n % 2], limits, act) for n, act in enumerate(acts)])
        found = await rows(servers[0], Automation)
        going = [one for one in found if not (one.deleted_at or one.retired_at or one.expired_at)]
        assert len(found) <= quota
        assert len(going) <= cap
        assert not threshold or len(found) <= threshold


async def _act(database: Database, policy: Policy, act: str) -> Any:
    if act == "create":
        return await made(database, policy)
    found = [one.id for one in await rows(database, Automation)]
    if not found:
        return None
    chosen: dict[str, Callable[[Any], Any]] = {
        "delete": lambda tx: ending.delete(tx, policy, ADMIN, found[0]),
        "restore": lambda tx: ending.restore(tx, policy, ADMIN, found[0]),
        "retire": lambda tx: ending.retire_by(tx, policy, ADMIN, found[-1], None),
    }
    return await database.write(TENANT, chosen[act])


async def test_a_run_is_paused_by_what_stops_its_automation_or_never_starts(
    url: str, clock: Clock, policy: Policy
) -> None:
    """closes automation-governance 8"""
    async with replicas(url, clock) as servers:
        for _ in range(4):
            row = await made(servers[0], limited(policy, **FREE))
            tries: list[Awaitable[Any]] = [started(servers[n % 4], policy, row.id) for n in range(6)]
            tries.insert(3, servers[1].write(TENANT, lambda tx, id=row.id: verbs.pause(tx, policy, ALICE, id, "stop")))
            await codes(tries)
            left = await rows(servers[0], AutomationRun, automation_id=row.id)
            assert {one.status for one in left} <= {RunStatus.PAUSED}


async def test_a_revocation_pauses_every_run_however_many(database: Database, policy: Policy) -> None:
    """closes automation-governance 8"""
    row = await made(database, policy)
    for _ in range(101):
        await started(database, policy, row.id)
    grant = await database.write(TENANT, lambda tx: grants.give(tx, policy, ADMIN, row.id, "stranger", None))
    await database.write(TENANT, lambda tx: grants.revoke(tx, policy, ADMIN, grant.id, None))
    assert {one.status for one in await rows(database, AutomationRun)} == {RunStatus.PAUSED}
    with pytest.raises(Refusal):
        await started(database, policy, row.id)


async def test_a_run_that_two_end_at_once_ends_once_and_counts_once(url: str, clock: Clock, policy: Policy) -> None:
    """closes automation-governance 2"""
    async with replicas(url, clock) as servers:
        row = await made(servers[0], policy)
        run = await ran(servers[0], policy, row.id, RunStatus.RUNNING)
        ends = [RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.BLOCKED]
        went = await codes([
            one.write(TENANT, lambda tx, end=end: change(tx, policy, DEPLOYER, run.id, Step(end)))
            for one, end in zip(servers, ends, strict=True)
        ])  # fmt: skip
        assert went == {"ok": 1, "ILLEGAL_MOVE": 3}
        assert [one.runs_since_review for one in await rows(servers[0], Automation)] == [1]


# reviews and their ways out


async def test_every_block_has_a_way_out(database: Database, policy: Policy, clock: Clock) -> None:
    """Whatever people or time do to an automation, what its owner and an admin can do makes it run again.

    closes automation-governance 9
    """
    tight = limited(policy, run_review_threshold=1)
    row = await made(database, tight)
    blocks: list[Callable[[Any], Any]] = [
        lambda tx: verbs.pause(tx, tight, ALICE, row.id, None),
        lambda tx: ending.retire_by(tx, tight, ADMIN, row.id, None),
        lambda tx: verbs.update(tx, tight, DEPLOYER, row.id, {"tools": ("note.auto",)}),
    ]
    for block in blocks:
        await database.write(TENANT, block)
        await _let_go(database, tight, row.id)
    await ran(database, tight, row.id)
    await _let_go(database, tight, row.id)
    clock.forward(days=100)
    for _ in range(3):
        await tick(database, tight)
    await _let_go(database, tight, row.id)
    await started(database, tight, row.id)


async def _let_go(database: Database, policy: Policy, id: str) -> None:
    """Answer every open question about it with yes or, where that would retire it, no; then resume or extend it."""
    for request in await rows(database, ApprovalRequest, status="pending", target_id=id):
        if request.request_type is RequestType.LIFECYCLE_REVIEW:
            await answer(database, policy, request)
    (row,) = await rows(database, Automation, id=id)
    if row.retired_at or row.expired_at:
        await database.write(TENANT, lambda tx: ending.extend_by(tx, policy, ALICE, id, None, None))
    await database.write(TENANT, lambda tx: verbs.resume(tx, policy, ALICE, id))


async def test_changes_count_as_no_creations(database: Database, policy: Policy) -> None:
    """closes automation-governance 4"""
    limits = limited(policy, per_agent_creation_review_threshold=2)
    row = await made(database, limits)
    changes: list[Callable[[Any], Any]] = [
        lambda tx: verbs.update(tx, limits, DEPLOYER, row.id, {"name": "n1"}),
        lambda tx: verbs.update(tx, limits, DEPLOYER, row.id, {"schedule": "daily"}),
        lambda tx: verbs.pause(tx, limits, DEPLOYER, row.id, None),
        lambda tx: verbs.resume(tx, limits, DEPLOYER, row.id),
        lambda tx: ending.retire_by(tx, limits, ALICE, row.id, None),
        lambda tx: ending.extend_by(tx, limits, ALICE, row.id, None, None),
    ]
    for change_it in changes:
        await database.write(TENANT, change_it)
    await ran(database, limits, row.id)
    assert await count(database, OwedReview) == 0
    await made(database, limits)
    assert await codes([made(database, limits)]) == {"AGENT_REVIEW_REQUIRED": 1}


async def test_a_heavier_review_takes_the_place_of_a_lighter_and_not_the_other_way(
    database: Database, policy: Policy
) -> None:
    """closes automation-governance 24"""
    row = await made(database, policy)
    await ran(database, policy, row.id, outputs=None)
    await tick(database, policy)
    (before,) = await rows(database, Automation)
    assert before.review_kind is ReviewKind.HEALTH_DRIFT
    await database.write(TENANT, lambda tx: verbs.update(tx, policy, ALICE, row.id, {"tools": ("note.auto",)}))
    (after,) = await rows(database, Automation)
    assert after.review_kind is ReviewKind.DEPENDENCY_REVOKED
    found = await rows(database, ApprovalRequest)
    assert [(one.id, one.status) for one in found] == [
        (before.review_request_id, "expired"), (after.review_request_id, "pending"),
    ]  # fmt: skip
    assert len(await rows(database, AutomationFinding, cleared_at=None)) == 2  # the older evidence stays
    await answer(database, policy, found[1])
    assert await rows(database, AutomationFinding, cleared_at=None) == []


async def test_a_capability_that_is_revoked_stops_what_declared_it(database: Database, policy: Policy) -> None:
    """closes automation-governance 21"""
    now = database.clock()
    grant = Grant(id="grt_1", tenant=TENANT, kind="capability", agent_id="deployer", capability="creates_agents",
                  granted_by="U0ADMIN", created_at=now, expires_at=now + timedelta(hours=1))  # fmt: skip
    await database.write(TENANT, lambda tx: tx.add(grant))
    declares = await made(database, policy, rights=frozenset({"creates_agents"}))
    plain = await made(database, policy)
    await database.write(TENANT, lambda tx: grants.revoke(tx, policy, ADMIN, "grt_1", "no more"))
    found = {one.id: one.status for one in await rows(database, Automation)}
    assert found == {declares.id: AutomationStatus.PAUSED, plain.id: AutomationStatus.ACTIVE}


async def test_nothing_is_lost_with_one_of_two_grants_of_the_same_right(database: Database, policy: Policy) -> None:
    now = database.clock()
    for id in ("grt_1", "grt_2"):
        grant = Grant(id=id, tenant=TENANT, kind="capability", agent_id="deployer", capability="creates_agents",
                      granted_by="U0ADMIN", created_at=now, expires_at=now + timedelta(hours=1))  # fmt: skip
        await database.write(TENANT, lambda tx, grant=grant: tx.add(grant))
    declares = await made(database, policy, rights=frozenset({"creates_agents"}))
    for id, status in (("grt_1", AutomationStatus.ACTIVE), ("grt_2", AutomationStatus.PAUSED)):
        await database.write(TENANT, lambda tx, id=id: grants.revoke(tx, policy, ADMIN, id, "no more"))
        assert [(one.id, one.status) for one in await rows(database, Automation)] == [(declares.id, status)]


async def test_what_was_deleted_with_a_review_owed_owes_it_when_it_comes_back(
    database: Database, policy: Policy
) -> None:
    """closes automation-governance 12"""
    row = await made(database, policy)
    await database.write(TENANT, lambda tx: verbs.update(tx, policy, ALICE, row.id, {"tools": ("note.auto",)}))
    await database.write(TENANT, lambda tx: ending.delete(tx, policy, ALICE, row.id))
    assert await rows(database, ApprovalRequest, status="pending") == []
    await database.write(TENANT, lambda tx: ending.restore(tx, policy, ADMIN, row.id))
    (asked,) = await rows(database, ApprovalRequest, status="pending")
    assert (await rows(database, Automation))[0].review_request_id == asked.id


# the loop


async def test_owed_reviews_are_reminded_of_until_somebody_answers(
    database: Database, policy: Policy, clock: Clock
) -> None:
    row = await made(database, policy)
    await database.write(TENANT, lambda tx: verbs.update(tx, policy, DEPLOYER, row.id, {"tools": ("note.auto",)}))
    told = []
    for days in (0.9, 0.2, 1.8, 0.2, 3.8, 0.2, 6.8, 0.2):
        clock.forward(days=days)
        await tick(database, policy)
        said = [one for one in await rows(database, OutboxMessage) if one.payload.get("event") == "review_owed"]
        told.append(Counter(one.payload["person"] for one in said))
    assert told == [
        {}, {"U0ALICE": 1}, {"U0ALICE": 1}, {"U0ALICE": 2}, {"U0ALICE": 2}, {"U0ALICE": 3, "U0ADMIN": 1},
        {"U0ALICE": 3, "U0ADMIN": 1}, {"U0ALICE": 4, "U0ADMIN": 2},
    ]  # fmt: skip
    (asked,) = await rows(database, ApprovalRequest, status="pending")
    await answer(database, policy, asked)
    clock.forward(days=30)
    await tick(database, policy)
    said = [one for one in await rows(database, OutboxMessage) if one.payload.get("event") == "review_owed"]
    assert len(said) == 6


async def test_a_long_silence_is_one_reminder(database: Database, policy: Policy, clock: Clock) -> None:
    row = await made(database, policy, ALICE, tools=("note.auto", "hint.it"))
    await database.write(TENANT, lambda tx: verbs.update(tx, policy, ALICE, row.id, {"tools": ()}))
    (owed,) = await rows(database, OwedReview)
    clock.forward(days=20)
    for _ in range(3):
        await database.write(TENANT, lambda tx: timing.nudge(tx, policy, owed.request_id))
    (owed,) = await rows(database, OwedReview)
    assert (owed.nudges, owed.nudge_at) == (1, clock.now + timedelta(days=1))


async def test_many_replicas_that_tick_at_once_do_everything_once(url: str, clock: Clock, policy: Policy) -> None:
    async with replicas(url, clock) as servers:
        for n in range(6):
            await made(servers[0], limited(policy, **FREE), name=f"n{n}", expires_at=clock.now + timedelta(hours=1))
        clock.forward(hours=2)
        await asyncio.gather(*(tick(one, policy) for one in servers))
        said = [
            one for one in await rows(servers[0], OutboxMessage) if one.payload.get("event") == "automation_expired"
        ]
        assert len(said) == 6
        assert await count(servers[0], ApprovalRequest) == 6
        assert await count(servers[0], AutomationFinding) == 6


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_one_row_that_cannot_be_read_stops_no_other(database: Database, policy: Policy, clock: Clock) -> None:
    first, second = [
        await made(database, policy, name=f"n{n}", expires_at=clock.now + timedelta(hours=1 + n)) for n in range(2)
    ]
    clock.forward(hours=3)
    await sql(database, "UPDATE automations SET agents = '{' WHERE id = :id", id=first.id)
    assert await tick(database, policy) == 1
    (found,) = await rows(database, Automation, id=second.id)
    assert found.expired_at is not None


@contextmanager
def counting(database: Database) -> Iterator[list[str]]:
    """Collect every statement that runs meanwhile."""
    heard: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        heard.append(statement)

    engines = {database.reader.sync_engine, database.writer.sync_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", hear)
    yield heard
    for engine in engines:
        event.remove(engine, "before_cursor_execute", hear)


async def idle(database: Database, many: int) -> None:
    """So many automations about which nothing is due."""
    now = database.clock()
    fresh = [
        Automation(
            id=f"aut_{n:08}", tenant=TENANT, name="Idle", status=AutomationStatus.ACTIVE,
            creator_kind=ActorKind.HUMAN, creator_id="U0ALICE", owner="U0ALICE", created_at=now, updated_at=now,
            expires_at=now + timedelta(days=90), expiry_due_at=now + timedelta(days=83),
        ).model_dump()
        for n in range(many)
    ]  # fmt: skip
    for row in fresh:
        row["metadata"] = row.pop("about")
    async with database.writer.begin() as connection:
        await connection.execute(insert(Automation.__table__), fresh)  # type: ignore[attr-defined]


async def test_a_tick_costs_what_is_due_and_not_what_there_is(database: Database, policy: Policy) -> None:
    """closes automation-governance 26"""
    costs = []
    for many in (10, 1000):
        await idle(database, many) if many == 10 else await _thousand(database)
        with counting(database) as heard:
            assert await tick(database, policy) == 0
        costs.append(len(heard))
        row = await made(database, limited(policy, **FREE))
        await ran(database, policy, row.id, outputs=None)
        with counting(database) as heard:
            assert await tick(database, policy) == 1
        costs.append(len(heard))
    assert costs[0] == costs[2]
    assert costs[1] == costs[3]


async def _thousand(database: Database) -> None:
    now = database.clock()
    row = (await rows(database, Automation, id="aut_00000000"))[0].model_dump()
    row["metadata"] = row.pop("about")
    async with database.writer.begin() as connection:
        fresh = [{**row, "id": f"aut_1{n:07}", "created_at": now} for n in range(990)]
        await connection.execute(insert(Automation.__table__), fresh)  # type: ignore[attr-defined]
