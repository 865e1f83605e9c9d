"""What governs automations when the store fails, when a process starts anew, and when two things happen at once."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from governance.automations import AutomationStatus
from governance.errors import ApprovalExpired, Refusal
from governance.policy import Policy
from operations import automations, ending, grants, stand, timing
from storage.database import Database, Tx
from storage.tables import ApprovalRequest, Automation, AutomationFinding, AutomationRun, Grant, RequestType
from tests.conftest import Clock
from tests.integration.asking import answer
from tests.integration.automating import ADMIN, ALICE, DEPLOYER, STRANGER, limited, made, ran, started
from tests.integration.automating import tick as lifecycle_tick
from tests.integration.faults import everything
from tests.integration.governed_watch import STILL
from tests.integration.running import another
from tests.integration.spending import USD, capped, relimit, spent, tick
from tests.integration.test_automations import FREE, codes, replicas
from tests.integration.verbs import REJECT, TENANT, rows, sql

READ_BY_CREATION = ("standings", "spend_stops", "grants", "agent_reviews", "limits_in_force", "audit_entries")
READ_BY_START = ("standings", "spend_stops", "grants", "audit_entries")


async def test_where_what_governs_cannot_be_read_nothing_is_created_started_granted_or_decided(
    database: Database, policy: Policy
) -> None:
    """closes automation-governance 1, 25"""
    policy = limited(policy, **FREE, per_agent_daily_creation_limit=9)
    row, theirs = await made(database, policy), await made(database, policy, ALICE)
    await database.write(TENANT, lambda tx: automations.update(tx, policy, ALICE, theirs.id, {"tools": ()}))
    (asked,) = await rows(database, ApprovalRequest)
    tries: dict[str, Callable[[], Awaitable[Any]]] = {
        **{f"create {table}": lambda: made(database, policy) for table in READ_BY_CREATION},
        **{f"start {table}": lambda: started(database, policy, row.id) for table in READ_BY_START},
        "grant audit_entries": lambda: database.write(
            TENANT, lambda tx: grants.give(tx, policy, ADMIN, row.id, "stranger", None)
        ),
        "decide audit_entries": lambda: answer(database, policy, asked),
        "decide automation_findings": lambda: answer(database, policy, asked),
    }
    before = await everything(database)
    for name, attempt in tries.items():
        table = name.split()[1]
        await sql(database, f"ALTER TABLE {table} RENAME TO hidden")
        with pytest.raises(DBAPIError):
            await attempt()
        await sql(database, f"ALTER TABLE hidden RENAME TO {table}")
        assert await everything(database) == before, name
    for attempt in tries.values():
        await attempt()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_changed_limits_that_cannot_be_read_are_not_forgotten(database: Database, policy: Policy) -> None:
    """closes automation-governance 1"""
    await relimit(database, policy, creation_enabled=False)
    await sql(database, "UPDATE limits_in_force SET changed = '{'")
    with pytest.raises(ValueError, match="Expecting property name"):
        await made(database, policy)
    assert await rows(database, Automation) == []


async def test_whatever_holds_an_agent_or_an_automation_holds_in_every_process_and_after_a_restart(
    url: str, database: Database, policy: Policy, clock: Clock
) -> None:
    """closes automation-governance 1"""
    tight = limited(capped(policy), per_agent_creation_review_threshold=1, run_review_threshold=1)
    row, gone = await made(database, tight), await made(database, tight, ALICE)
    paused = await made(database, tight, ALICE, agents=("planner",))
    await ran(database, tight, row.id)
    await database.write(TENANT, lambda tx: ending.delete(tx, tight, ALICE, gone.id))
    await database.write(TENANT, lambda tx: stand.pause(tx, tight.agents["planner"], "U0ADMIN", "it loops"))
    await spent(database, tight, "12")
    await relimit(database, tight, creation_enabled=True, lineage_depth_limit=0)
    async with another(url, clock) as restarted:
        tries = {
            "AGENT_REVIEW_REQUIRED": made(restarted, tight, DEPLOYER),
            "AGENT_SPEND_CAP_EXCEEDED": made(restarted, tight, STRANGER),
            "AGENT_PAUSED": started(restarted, tight, paused.id, ALICE),
            "REVIEW_REQUIRED": started(restarted, tight, row.id),
            "AUTOMATION_GOVERNANCE_NOT_FOUND": started(restarted, tight, gone.id, ALICE),
        }
        for code, attempt in tries.items():
            assert await codes([attempt]) == {code: 1}


# at once


async def test_a_run_is_paused_by_whatever_stops_its_automation_or_its_agent_or_never_starts(
    url: str, clock: Clock, policy: Policy
) -> None:
    """closes automation-governance 7, 8"""
    tight = limited(capped(policy), **FREE)

    def stop_by(name: str, id: str) -> Callable[[Tx], Awaitable[Any]]:
        ways: dict[str, Callable[[Tx], Awaitable[Any]]] = {
            "retire": lambda tx: ending.retire_by(tx, tight, ADMIN, id, None),
            "delete": lambda tx: ending.delete(tx, tight, ADMIN, id),
            "narrow": lambda tx: automations.update(tx, tight, ADMIN, id, {"tools": ()}),
            "expire": lambda tx: timing.attend(tx, tight, id),
        }
        return ways[name]

    async with replicas(url, clock) as servers:
        for way in ("retire", "delete", "narrow", "expire", "spend"):
            row = await made(servers[0], tight, ALICE, agents=("stranger",), expires_at=clock.now + timedelta(hours=1))
            clock.forward(hours=1)
            stop = spent(servers[1], tight, "12") if way == "spend" else servers[1].write(TENANT, stop_by(way, row.id))
            tries: list[Awaitable[Any]] = [started(servers[n % 4], tight, row.id, ALICE) for n in range(6)]
            tries.insert(2, stop)
            await codes(tries)
            await tick(servers[2], tight)
            left = await rows(servers[0], AutomationRun, automation_id=row.id)
            assert {one.status for one in left} <= STILL, way


async def test_an_answer_to_one_loss_never_lets_go_what_lost_something_else_at_that_moment(
    url: str, clock: Clock, policy: Policy
) -> None:
    """closes automation-governance 2, 21"""
    async with replicas(url, clock, 2) as (one, two):
        for _ in range(3):
            row = await made(one, policy, ALICE, agents=("deployer",), tools=("note.auto",))
            id = row.id
            await one.write(TENANT, lambda tx, id=id: automations.update(tx, policy, ALICE, id, {"agents": ()}))
            (asked,) = await rows(one, ApprovalRequest, target_id=id)
            narrow = two.write(TENANT, lambda tx, id=id: automations.update(tx, policy, ALICE, id, {"tools": ()}))
            await codes([answer(one, policy, asked), narrow])
            (found,) = await rows(one, Automation, id=id)
            (waiting,) = await rows(one, ApprovalRequest, target_id=id, status="pending")
            assert (found.review_required, found.creation_paused) == (True, True)
            assert found.review_request_id == waiting.id != asked.id
            assert [one.summary for one in await rows(two, AutomationFinding, automation_id=id, cleared_at=None)]


async def test_giving_a_right_to_one_agent_many_times_at_once_gives_it_once(
    url: str, clock: Clock, policy: Policy
) -> None:
    """closes automation-governance 2"""
    async with replicas(url, clock) as servers:
        row = await made(servers[0], policy)
        give: Callable[[Any], Awaitable[Any]] = lambda tx: grants.give(tx, policy, ADMIN, row.id, "stranger", None)  # noqa: E731
        await codes([server.write(TENANT, give) for server in servers * 2])
        assert len(await rows(servers[0], Grant)) == 1


# what is asked, and how often


async def test_what_stands_out_again_and_again_is_written_down_and_asked_about_once(
    database: Database, policy: Policy, clock: Clock
) -> None:
    """closes automation-governance 5, 22"""
    row = await made(database, policy)
    for _ in range(4):
        await ran(database, policy, row.id, outputs=None)
        clock.forward(hours=7)
        await lifecycle_tick(database, policy)
    (asked,) = await rows(database, ApprovalRequest)
    assert len(await rows(database, AutomationFinding)) == 1
    await answer(database, policy, asked, REJECT)
    for _ in range(3):
        await ran(database, policy, row.id, outputs=None)
        clock.forward(hours=7)
        await lifecycle_tick(database, policy)
    (retire,) = await rows(database, ApprovalRequest, status="pending")
    assert retire.request_type is RequestType.RETIREMENT_ACTION
    assert len(await rows(database, ApprovalRequest)) == 2


async def test_what_has_ended_is_asked_about_no_more(database: Database, policy: Policy, clock: Clock) -> None:
    """closes automation-governance 24"""
    ends: list[Callable[[str], Callable[[Tx], Awaitable[Any]]]] = [
        lambda id: lambda tx: ending.retire_by(tx, policy, ALICE, id, None),
        lambda id: lambda tx: ending.delete(tx, policy, ALICE, id),
    ]
    for end in ends:
        row = await made(database, policy, expires_at=clock.now + timedelta(days=6))
        await lifecycle_tick(database, policy)
        await database.write(TENANT, lambda tx, id=row.id: automations.update(tx, policy, ALICE, id, {"tools": ()}))
        asked = await rows(database, ApprovalRequest, target_id=row.id, status="pending")
        assert {one.request_type for one in asked} == {RequestType.LIFECYCLE_REVIEW}
        await database.write(TENANT, end(row.id))
        (one,) = asked
        with pytest.raises(ApprovalExpired):
            await answer(database, policy, one)
        clock.forward(days=8)
        await lifecycle_tick(database, policy)
        assert await rows(database, ApprovalRequest, target_id=row.id, status="pending") == []


async def test_what_expired_and_was_deleted_is_asked_about_again_when_it_comes_back(
    database: Database, policy: Policy, clock: Clock
) -> None:
    """closes automation-governance 5, 12"""
    row = await made(database, policy, expires_at=clock.now + timedelta(hours=1))
    clock.forward(hours=1)
    await lifecycle_tick(database, policy)
    await database.write(TENANT, lambda tx: ending.delete(tx, policy, ADMIN, row.id))
    assert await rows(database, ApprovalRequest, status="pending") == []
    await database.write(TENANT, lambda tx: ending.restore(tx, policy, ADMIN, row.id))
    (asked,) = await rows(database, ApprovalRequest, status="pending")
    assert (await rows(database, Automation))[0].review_request_id == asked.id
    await answer(database, policy, asked, REJECT)
    assert (await rows(database, Automation))[0].status is AutomationStatus.ACTIVE


async def test_an_agent_above_that_is_stopped_or_paused_does_not_hold_those_below(
    database: Database, policy: Policy
) -> None:
    """closes automation-governance 24"""
    family = capped(policy, None, agent_caps={"planner": USD})
    row = await made(database, family)
    assert row.chain == ["planner"]
    await spent(database, family, "2", "deployer")
    await database.write(TENANT, lambda tx: stand.pause(tx, family.agents["planner"], "U0ADMIN", "it loops"))
    assert (await started(database, family, row.id)).status == "queued"
    named = await made(database, family, ALICE, agents=("planner",))
    with pytest.raises(Refusal):
        await started(database, family, named.id, ALICE)
