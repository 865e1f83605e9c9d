"""The audit record only grows, and every committed entry gets its one place in the chain."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from scheduler.upkeep import seal_audit
from storage import audit
from storage.database import Database, Tx
from storage.tables import AuditEntry, AuditSeal, Sequencer
from tests.conftest import Clock
from tests.integration.chain import check, disarm, sealed, seals, write_down
from tests.integration.running import another
from tests.integration.verbs import TENANT, count, rows, sql

ENTRY = "id, tenant, at, kind, actor, detail"
SEAL = "tenant, chain_index, entry_id, previous_hash, entry_hash"
COPY_ENTRY = f"INTO audit_entries ({ENTRY}) SELECT {ENTRY} FROM audit_entries WHERE id = 2"
COPY_SEAL = f"INTO audit_seals ({SEAL}) SELECT {SEAL} FROM audit_seals WHERE entry_id = 2"
SEAL_ANEW = f"REPLACE INTO audit_seals ({SEAL}) SELECT tenant, {{}}, 'x', 'x' FROM audit_seals WHERE entry_id = 2"

ANYWHERE = [
    "UPDATE audit_entries SET actor = 'x'",
    "UPDATE audit_seals SET entry_hash = 'x'",
    "DELETE FROM audit_entries WHERE id = 2",
    "DELETE FROM audit_seals WHERE entry_id = 2",
    f"INSERT {COPY_ENTRY} ON CONFLICT (id) DO UPDATE SET actor = 'x'",
    f"INSERT {COPY_SEAL} ON CONFLICT (entry_id) DO UPDATE SET entry_hash = 'x'",
]
ONLY_SQLITE = [
    f"INSERT OR REPLACE {COPY_ENTRY}",
    f"REPLACE {COPY_SEAL}",
    SEAL_ANEW.format("99, entry_id"),
    SEAL_ANEW.format("chain_index, 99"),
    "UPDATE OR REPLACE audit_entries SET id = 3 WHERE id = 2",
]
ONLY_POSTGRESQL = ["TRUNCATE audit_entries", "TRUNCATE audit_seals"]


@pytest.mark.parametrize(
    ("url", "statement"),
    [("sqlite", one) for one in ANYWHERE + ONLY_SQLITE] + [("postgresql", one) for one in ANYWHERE + ONLY_POSTGRESQL],
    indirect=["url"],
)
async def test_the_database_refuses_to_change_what_was_recorded(database: Database, statement: str) -> None:
    """closes governed-proposals 17; l1-l2-l3-enforcement 9"""
    await sealed(database)
    with pytest.raises(DBAPIError, match="the audit record is insert-only"):
        await sql(database, statement)
    report = await check(database)
    assert (report.sound, report.checked) == (True, 5)


async def test_every_entry_is_sealed_once_in_the_order_of_the_chain(database: Database) -> None:
    await sealed(database, 1203)
    found = await seals(database)
    assert [one.chain_index for one in found] == list(range(1, 1204))
    assert len({one.entry_id for one in found}) == 1203
    assert (await check(database)).sound


async def test_each_tenant_has_a_chain_of_its_own(database: Database) -> None:
    """closes autonomy-and-trust 26; l1-l2-l3-enforcement 17"""
    for n in range(3):
        await write_down(database, f"mine.{n}")
        await write_down(database, f"theirs.{n}", tenant="other")
    await seal_audit(database)
    for tenant in (TENANT, "other"):
        assert [one.chain_index for one in await seals(database, tenant)] == [1, 2, 3]
        assert (await check(database, tenant=tenant)).sound


async def test_an_entry_moved_to_another_tenant_is_named(database: Database) -> None:
    await sealed(database)
    await disarm(database)
    await sql(database, "UPDATE audit_entries SET tenant = 'other' WHERE id = 3")
    assert (await check(database)).faults == ["seal 3 (entry 3): the entry was changed after it was sealed"]


async def test_sealers_working_at_once_seal_everything_once(url: str, database: Database, clock: Clock) -> None:
    """closes autonomy-and-trust 22"""
    async with another(url, clock) as second, another(url, clock) as third:
        for n in range(10):
            await write_down(database, *(f"thing.{n}.{m}" for m in range(30)))
            await asyncio.gather(*(seal_audit(one) for one in (database, second, third)))
        await seal_audit(database)
    assert await count(database, AuditSeal) == await count(database, AuditEntry) == 300
    assert (await check(database)).sound


async def test_entries_written_while_the_sealer_works_are_all_sealed_in_the_end(
    url: str, database: Database, clock: Clock
) -> None:
    async with another(url, clock) as second:
        writing = [write_down(database, f"thing.{n}", f"more.{n}") for n in range(60)]
        await asyncio.gather(*writing, *(seal_audit(second) for _ in range(5)))
    await seal_audit(database)
    report = await check(database)
    assert (report.sound, report.checked, report.unsealed) == (True, 120, 0)


class Late:
    """A transaction that has its id and commits, or not, when it is told."""

    def __init__(self, database: Database) -> None:
        self._flushed, self._go, self._fails = asyncio.Event(), asyncio.Event(), False
        self._writing = asyncio.create_task(database.write(TENANT, self._run))

    async def begun(self) -> "Late":
        await self._flushed.wait()
        return self

    async def commit(self) -> None:
        self._go.set()
        await self._writing

    async def roll_back(self) -> None:
        self._fails = True
        self._go.set()
        await asyncio.gather(self._writing, return_exceptions=True)

    async def _run(self, tx: Tx) -> None:
        await audit.record(tx, "late", "system")
        await tx.session.flush()
        self._flushed.set()
        await self._go.wait()
        if self._fails:
            raise RuntimeError("rolled back")


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_an_entry_committed_after_a_younger_one_is_sealed_later(database: Database) -> None:
    await write_down(database, "first")
    late = await Late(database).begun()
    await write_down(database, "third")
    await seal_audit(database)
    assert [one.entry_id for one in await seals(database)] == [1, 3]
    assert (await check(database)).sound
    await late.commit()
    await write_down(database, "fourth")
    await seal_audit(database)
    assert sorted(one.entry_id for one in await seals(database)) == [1, 2, 3, 4]
    assert [one.chain_index for one in await seals(database)] == [1, 2, 3, 4]
    assert (await check(database)).sound


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_an_id_that_was_rolled_back_is_looked_for_and_then_forgotten(database: Database, clock: Clock) -> None:
    late = await Late(database).begun()
    await write_down(database, "second")
    await seal_audit(database)
    await late.roll_back()
    clock.forward(minutes=9)
    await seal_audit(database)
    assert (await rows(database, Sequencer))[0].gaps.keys() == {"1"}
    clock.forward(minutes=2)
    await seal_audit(database)
    assert (await rows(database, Sequencer))[0].gaps == {}
    await write_down(database, "third")
    await seal_audit(database)
    report = await check(database)
    assert (report.sound, report.checked) == (True, 2)


async def test_a_rolled_back_operation_leaves_no_entry(database: Database) -> None:
    async def fails(tx: Tx) -> None:
        await audit.record(tx, "never", "system")
        await tx.session.execute(text("SELECT no_such_column FROM audit_entries"))

    with pytest.raises(DBAPIError):
        await database.write(TENANT, fails)
    assert await count(database, AuditEntry) == 0
