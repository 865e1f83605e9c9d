"""`audit verify` holds the trust graph against the audit record it was made of."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from governance.policy import Policy
from governance.trustgraph import entry_hash, written
from storage.database import Database
from storage.opening import open_database
from storage.tables import TrustRecord
from tests.conftest import Clock
from tests.integration.chain import check, disarm
from tests.integration.graph import disarm_graph, graph, stored
from tests.integration.running import another, approved, worker
from tests.integration.verbs import policy_from, sql, submit

Deed = Callable[[dict[str, Any]], None]


@pytest.fixture
async def three(database: Database, policy: Policy) -> Database:
    """Three records: a shadowed call, an approved one, a refused one; and nobody on guard."""
    await submit(database, policy, "dry.run")
    await approved(database, policy)
    await worker(database, policy).work()
    await submit(database, policy, "drop.database")
    assert len(await graph(database)) == 3
    await disarm_graph(database)
    return database


async def faults(database: Database) -> str:
    report = await check(database)
    assert report.sound is not bool(report.faults)
    return "\n".join(report.faults)


async def store(database: Database, row: TrustRecord, record: dict[str, Any]) -> None:
    await sql(
        database, "UPDATE trust_records SET record = :record, entry_hash = :hash WHERE chain_index = :index",
        record=written(record), hash=record["entry_hash"], index=row.chain_index,
    )  # fmt: skip


async def rewrite(database: Database, deed: Deed, index: int = 2) -> None:
    """Change one record and make every hash and link fit again, as somebody can who knows the hash rule."""
    previous: str | None = None
    for row in await stored(database):
        record = json.loads(row.record)
        if row.chain_index == index:
            deed(record)
        record["previous_hash"] = previous
        record["entry_hash"] = previous = entry_hash(record)
        await store(database, row, record)


async def test_what_was_not_touched_is_sound(three: Database) -> None:
    report = await check(three)
    assert (report.faults, report.trust_records) == ([], 3)


async def test_a_changed_record_does_not_hash(three: Database) -> None:
    row = (await stored(three))[1]
    await store(three, row, {**json.loads(row.record), "approver": "U0MALLORY"})
    assert "trust record 2: entry_hash mismatch" in await faults(three)


def set_field(**fields: Any) -> Deed:
    return lambda record: record.update(fields)


def set_metadata(**fields: Any) -> Deed:
    return lambda record: record["metadata"].update(fields)


def forge_signature(record: dict[str, Any]) -> None:
    record["metadata"]["approval"]["signatures"][0]["signature"] = "hmac-sha256:" + "0" * 64


def add_signature(record: dict[str, Any]) -> None:
    signatures = record["metadata"]["approval"]["signatures"]
    signatures.append({**signatures[0], "reviewer": "U0MALLORY"})


@pytest.mark.parametrize(
    "deed",
    [
        set_field(approver="U0MALLORY"), set_field(outcome="failure"), set_field(agent="other"),
        set_field(action="read"), set_field(timestamp="2026-11-23T12:00:01Z"), set_field(autonomy_tier="act_auto"),
        set_field(trace_id="t"), set_metadata(digest="sha256:0"), set_metadata(approval=None),
        forge_signature, add_signature,
    ],
)  # fmt: skip
async def test_a_chain_that_was_rewritten_whole_still_contradicts_the_audit_record(three: Database, deed: Deed) -> None:
    """closes autonomy-and-trust 9, 24"""
    await rewrite(three, deed)
    found = await faults(three)
    assert "trust record 2: it does not say what entry" in found
    assert "mismatch" not in found


async def test_a_missing_record_is_named(three: Database) -> None:
    """closes autonomy-and-trust 24"""
    await sql(three, "DELETE FROM trust_records WHERE chain_index = 2")
    found = await faults(three)
    assert "its trust record is missing" in found
    assert "trust record 3: expected chain_index 2 here" in found
    assert "trust record 3: previous_hash mismatch" in found


async def test_a_record_missing_at_the_end_is_named_too(three: Database) -> None:
    """closes autonomy-and-trust 24"""
    await sql(three, "DELETE FROM trust_records WHERE chain_index = 3")
    assert (await faults(three)).endswith("its trust record is missing")


@pytest.mark.parametrize(
    ("entry", "why"), [(9999, "no sealed entry stands behind it"), (2, "means nothing of the kind")]
)
async def test_a_record_that_was_slipped_in_is_named(three: Database, entry: int, why: str) -> None:
    columns = "tenant, agent_id, action, outcome, tier, trace_id, proposal_id, at, record, entry_hash"
    await sql(
        three, f"INSERT INTO trust_records (chain_index, record_id, entry_id, {columns}) "
        f"SELECT 4, 'trr_x', :entry, {columns} FROM trust_records WHERE chain_index = 3", entry=entry,
    )  # fmt: skip
    assert why in await faults(three)


@pytest.mark.parametrize("column", ["agent_id", "action", "outcome", "trace_id", "record_id"])
async def test_columns_that_queries_use_must_agree_with_the_record(three: Database, column: str) -> None:
    await sql(three, f"UPDATE trust_records SET {column} = 'other' WHERE chain_index = 2")
    assert "trust record 2: its columns are not what it says" in await faults(three)


@pytest.mark.parametrize("text", ["{}", "[]", "nonsense", '{"x": NaN}'])
async def test_a_record_that_is_no_record_is_a_fault_and_no_crash(three: Database, text: str) -> None:
    await sql(three, "UPDATE trust_records SET record = :text WHERE chain_index = 2", text=text)
    assert "trust record 2:" in await faults(three)


async def test_an_audit_entry_that_was_changed_contradicts_its_record_as_well(three: Database) -> None:
    await disarm(three)
    await sql(three, "UPDATE audit_entries SET actor = 'person:U0MALLORY' WHERE kind = 'approval.decided'")
    found = await faults(three)
    assert "the entry was changed after it was sealed" in found
    assert "trust record 2: it does not say what entry" in found


async def test_who_does_not_have_the_key_can_check_all_but_the_receipts(
    three: Database, url: str, clock: Clock
) -> None:
    if three.is_sqlite:
        async with another(url, clock) as same:  # a file always has its key beside it
            assert (await check(same)).sound
        return
    three.keys.audit_key = None
    report = await check(three)
    assert report.trust_records == 3
    assert [fault for fault in report.faults if "trust record" in fault] == []
    await rewrite(three, set_field(approver="U0MALLORY"))
    assert "it does not say what entry" in await faults(three)


async def test_an_installation_without_a_key_signs_plainly_and_verifies(
    empty_postgresql_url: str, tmp_path: Path, clock: Clock
) -> None:
    policy = policy_from(tmp_path, replace={'secret_fields = ["token"]': "secret_fields = []"})
    opened = await open_database(empty_postgresql_url, "", clock=clock)
    await approved(opened, policy)
    await worker(opened, policy).work()
    (record,) = await graph(opened)
    report = await check(opened)
    await opened.close()
    assert record["metadata"]["approval"]["signatures"][0]["signature"].startswith("sha256:")
    assert report.sound
