"""What somebody did to the audit record is found, and said by name."""

import base64

import pytest

from governance.policy import Policy
from scheduler.upkeep import seal_audit
from storage.database import Database
from storage.keyring import KeyProblem
from storage.opening import open_database
from tests.conftest import ENCRYPTION_KEY, Clock
from tests.integration.chain import AuditEntry, check, disarm, rehash, sealed, seals, write_down
from tests.integration.running import approved, worker
from tests.integration.verbs import count, sql


async def test_what_really_happened_verifies(database: Database, policy: Policy) -> None:
    await approved(database, policy)
    await worker(database, policy).work()
    await seal_audit(database)
    report = await check(database)
    assert (report.faults, report.unsealed, report.without_mac) == ([], 0, 0)
    assert report.checked == await count(database, AuditEntry) == 4
    assert report.head == (await seals(database))[-1].entry_hash


async def test_the_young_tail_is_counted_and_no_fault(database: Database) -> None:
    await sealed(database)
    await write_down(database, "new.1", "new.2")
    report = await check(database)
    assert (report.sound, report.checked, report.unsealed) == (True, 5, 2)


async def test_an_empty_record_is_sound(database: Database) -> None:
    report = await check(database)
    assert (report.sound, report.checked) == (True, 0)


@pytest.mark.parametrize(
    "change",
    ["kind = 'other.kind'", "actor = 'person:U0BOB'", "detail = '{}'", "agent_id = NULL", "proposal_id = 'prp_2'",
     "execution_id = 'exe_1'", "at = '2026-11-23 12:00:01+00'", "mac = NULL", "mac = 'ff'"],
)  # fmt: skip
async def test_a_changed_entry_is_named(database: Database, change: str) -> None:
    await sealed(database)
    await disarm(database)
    if database.is_sqlite:
        change = change.replace("+00'", ".000000'")
    await sql(database, f"UPDATE audit_entries SET {change} WHERE id = 3")
    assert (await check(database)).faults == ["seal 3 (entry 3): the entry was changed after it was sealed"]


@pytest.mark.parametrize("change", ["kind = 'other.kind'", "actor = 'person:U0BOB'", "mac = NULL", "kind = kind"])
async def test_who_changes_an_entry_and_hashes_the_whole_chain_anew_lacks_the_key_of_the_seals(
    database: Database, change: str
) -> None:
    await sealed(database)
    await disarm(database)
    await sql(database, f"UPDATE audit_entries SET {change} WHERE id = 3")
    await rehash(database)
    assert [fault.split(":")[0] for fault in (await check(database)).faults] == [
        f"seal {n} (entry {n})" for n in range(1, 6)
    ]


@pytest.mark.parametrize("is_sealed", [True, False], ids=["sealed since", "not sealed yet"])
async def test_a_copy_of_a_real_entry_is_named(database: Database, is_sealed: bool) -> None:
    await sealed(database)
    columns = "tenant, at, kind, actor, agent_id, proposal_id, detail, mac"
    await sql(
        database, f"INSERT INTO audit_entries (id, {columns}) SELECT 6, {columns} FROM audit_entries WHERE id = 2"
    )
    if is_sealed:
        await seal_audit(database)
    assert (await check(database)).faults == ["entry 6: it is a copy of entry 2"]


async def test_two_entries_that_say_the_same_are_no_copies(database: Database) -> None:
    await write_down(database, "same", "same")
    assert (await check(database)).sound


async def test_an_entry_changed_before_it_was_sealed_is_named(database: Database) -> None:
    await sealed(database)
    await write_down(database, "new.1")
    await disarm(database)
    await sql(database, "UPDATE audit_entries SET actor = 'person:U0BOB' WHERE id = 6")
    (fault,) = (await check(database)).faults
    assert fault == "unsealed entry 6: it was not written by this installation (its MAC is wrong)"


async def test_a_missing_entry_is_named(database: Database) -> None:
    await sealed(database)
    await disarm(database)
    await sql(database, "DELETE FROM audit_entries WHERE id = 3")
    assert (await check(database)).faults == ["seal 3 (entry 3): the entry is missing"]


async def test_an_entry_missing_together_with_its_seal_is_named(database: Database) -> None:
    await sealed(database)
    await disarm(database)
    await sql(database, "DELETE FROM audit_entries WHERE id IN (2, 3)")
    await sql(database, "DELETE FROM audit_seals WHERE entry_id IN (2, 3)")
    assert (await check(database)).faults == ["seal 4 (entry 4): 2 seals are missing before it"]


@pytest.mark.parametrize("mac", ["NULL", "'00'"])
async def test_an_entry_slipped_in_among_the_sealed_ones_is_named(database: Database, mac: str) -> None:
    await sealed(database)
    await sql(database, _insert(-1, mac))
    assert "entry -1: it has no seal although later entries have one (inserted)" in (await check(database)).faults


@pytest.mark.parametrize(
    ("mac", "why"),
    [("NULL", "it carries no MAC although it was written after the key was set"), ("'00'", "its MAC is wrong")],
)
@pytest.mark.parametrize("is_sealed", [True, False], ids=["sealed since", "not sealed yet"])
async def test_an_entry_appended_by_another_hand_is_named_even_after_the_sealer_took_it(
    database: Database, mac: str, why: str, is_sealed: bool
) -> None:
    await sealed(database)
    await sql(database, _insert(6, mac))
    if is_sealed:
        await seal_audit(database)
    (fault,) = (await check(database)).faults
    assert fault.startswith("seal 6 (entry 6)" if is_sealed else "unsealed entry 6")
    assert why in fault


def _insert(id: int, mac: str) -> str:
    return (
        "INSERT INTO audit_entries (id, tenant, at, kind, actor, detail, mac) "
        f"SELECT {id}, tenant, at, 'approval.decided', 'person:U0BOB', '{{}}', {mac} FROM audit_entries WHERE id = 1"
    )


async def test_seals_whose_entries_were_exchanged_are_named(database: Database) -> None:
    await sealed(database)
    await disarm(database)
    for entry, becomes in ((2, -1), (4, 2), (-1, 4)):
        await sql(database, "UPDATE audit_seals SET entry_id = :to WHERE entry_id = :of", to=becomes, of=entry)
    faults = (await check(database)).faults
    assert [fault.split(":")[0] for fault in faults] == ["seal 2 (entry 4)", "seal 4 (entry 2)"]


async def test_seals_whose_places_were_exchanged_are_named(database: Database) -> None:
    await sealed(database)
    await disarm(database)
    for place, becomes in ((2, -1), (3, 2), (-1, 3)):
        await sql(database, "UPDATE audit_seals SET chain_index = :to WHERE chain_index = :of", to=becomes, of=place)
    faults = (await check(database)).faults
    reordered = "it does not follow the seal before it (reordered or replaced)"
    assert f"seal 2 (entry 3): {reordered}" in faults
    assert f"seal 3 (entry 2): {reordered}" in faults


async def test_only_a_head_kept_elsewhere_proves_the_tail(database: Database) -> None:
    """closes autonomy-and-trust 24"""
    await sealed(database)
    head = (5, (await seals(database))[-1].entry_hash)
    assert (await check(database, head)).sound
    await disarm(database)
    await sql(database, "DELETE FROM audit_entries WHERE id > 3")
    await sql(database, "DELETE FROM audit_seals WHERE entry_id > 3")
    assert (await check(database)).sound
    assert (await check(database, head)).faults == ["the chain ends at 3, but 5 seals were sent out"]


async def test_a_chain_hashed_anew_does_not_match_the_head_that_was_sent_out(database: Database) -> None:
    await sealed(database)
    head = (5, (await seals(database))[-1].entry_hash)
    await disarm(database)
    await sql(database, "UPDATE audit_entries SET detail = '{}', mac = NULL")
    await rehash(database)
    assert "seal 5: its hash is not the one that was sent out" in (await check(database, head)).faults


async def test_a_head_goes_on_proving_what_was_sealed_before_it(database: Database) -> None:
    await sealed(database)
    head = (5, (await seals(database))[-1].entry_hash)
    await write_down(database, "new.1")
    await seal_audit(database)
    report = await check(database, head)
    assert (report.sound, report.checked) == (True, 6)


async def test_an_installation_without_a_key_says_that_its_entries_carry_no_mac(
    empty_postgresql_url: str, clock: Clock
) -> None:
    opened = await open_database(empty_postgresql_url, "", clock=clock)
    await sealed(opened)
    report = await check(opened)
    await opened.close()
    assert (report.sound, report.checked, report.without_mac) == (True, 5, 5)


async def test_what_was_written_before_there_was_a_key_stays_sound_and_can_no_longer_be_changed(
    empty_postgresql_url: str, clock: Clock
) -> None:
    plain = await open_database(empty_postgresql_url, "", clock=clock)
    await sealed(plain)
    await write_down(plain, "not sealed yet")
    await plain.close()
    keyed = await open_database(empty_postgresql_url, ENCRYPTION_KEY, clock=clock)
    await sealed(keyed)
    report = await check(keyed)
    assert (report.faults, report.checked, report.without_mac, report.with_mac) == ([], 11, 6, 5)
    await disarm(keyed)
    await sql(keyed, "UPDATE audit_entries SET actor = 'person:U0BOB' WHERE id = 3")
    await rehash(keyed)
    faults = (await check(keyed)).faults
    assert [fault.split(":")[0] for fault in faults] == [f"seal {n} (entry {n})" for n in range(7, 12)]
    await keyed.close()


async def test_the_audit_key_was_never_in_the_open(empty_postgresql_url: str) -> None:
    await (await open_database(empty_postgresql_url, "")).close()
    keys = []
    for _ in range(2):  # the same secret that lay open, sealed twice
        keyed = await open_database(empty_postgresql_url, ENCRYPTION_KEY)
        keys.append(keyed.keys.audit_key)
        opened = "plain:" + base64.b64encode(bytes(32)).decode()
        await sql(keyed, "UPDATE installation SET sealed_key = :opened", opened=opened)
        await keyed.close()
    assert keys[0] != keys[1]


async def test_an_installation_key_put_back_into_the_open_is_refused(url: str, database: Database) -> None:
    await sealed(database)
    opened = "plain:" + base64.b64encode(bytes(32)).decode()
    await sql(database, "UPDATE installation SET sealed_key = :opened", opened=opened)
    for key in (ENCRYPTION_KEY, ""):
        with pytest.raises(KeyProblem, match="lies unsealed in the database"):
            await open_database(url, key)
