"""The trust graph is a projection of the audit record: every ending has its record, once, in one chain."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from governance.policy import Policy
from governance.rules import Effect, Scope
from governance.tiers import Tier
from governance.trust_verify import verify_export
from operations.seal import seal_next
from operations.withdraw import withdraw
from scheduler.expiry import attend_due
from scheduler.upkeep import seal_audit, seal_for_reader
from storage.database import Database, Tx
from storage.tables import Rule
from tests.conftest import NOON, Clock
from tests.integration.chain import check, seals
from tests.integration.graph import brief, exported, graph, stored, write_history
from tests.integration.running import NO, SILENT, another, approved, worker
from tests.integration.verbs import REJECT, TENANT, asked, say, sql, submit
from tests.published import schema_errors


async def ran(database: Database, policy: Policy, *script: object) -> None:
    await worker(database, policy, *script).work()


async def test_refusals_and_what_nobody_is_asked_about_are_recorded_at_once(database: Database, policy: Policy) -> None:
    """closes autonomy-and-trust 11"""
    await submit(database, policy, "dry.run")
    await submit(database, policy, "hint.it")
    await submit(database, policy, "drop.database")
    await submit(database, policy, arguments={"service": 7})
    await submit(database, policy, agent="stranger")
    await submit(database, policy, "no.such.tool", trace_id="trace-9")
    found = await graph(database)
    assert [brief(one) for one in found] == [
        ("denied", "shadow", "shadow_noop"),
        ("denied", "suggest", "suggest_approval_request"),
        ("denied", "-", "policy_denied"),
        ("denied", "-", "input_denied"),
        ("denied", "-", "scope_denied"),
        ("denied", "-", "unsupported"),
    ]
    assert [one["agent"] for one in found] == ["deployer"] * 4 + ["stranger", "deployer"]
    assert (found[5]["trace_id"], found[5]["metadata"]["tool"]) == ("trace-9", "no.such.tool")


async def test_what_runs_is_recorded_when_it_has_run(database: Database, policy: Policy) -> None:
    """closes autonomy-and-trust 11"""
    await submit(database, policy, "note.auto", trace_id="trace-1")
    await submit(database, policy, "note.l2")
    assert await graph(database) == []
    await ran(database, policy, NO)
    found = await graph(database)
    assert sorted(brief(one)[1:] for one in found) == [("act_and_notify", "auto_notified"), ("act_auto", "auto")]
    assert sorted(one["outcome"] for one in found) == ["failure", "success"]
    assert {one["autonomy_tier"] for one in found} == {"act_auto"}
    assert [one["approver"] for one in found] == [None, None]
    assert "trace-1" in [one["trace_id"] for one in found]


async def test_an_approved_call_is_recorded_with_the_receipts_of_its_quorum(database: Database, policy: Policy) -> None:
    """closes autonomy-and-trust 9, 11, 12, 13"""
    found = await asked(database, policy, "deploy.two", arguments={"service": "checkout", "token": "s3cret"})
    await say(database, found, "U0CAROL")
    await say(database, found, "U0BOB", reason="looks right")
    assert await graph(database) == []
    await ran(database, policy)
    (record,) = await graph(database)
    assert brief(record) == ("success", "act_with_approval", "approval_granted")
    assert found.request is not None
    approval = record["metadata"]["approval"]
    assert (record["approver"], approval["quorum"], approval["request_id"]) == ("U0BOB", 2, found.request.id)
    assert [one["reviewer"] for one in approval["signatures"]] == ["U0CAROL", "U0BOB"]
    assert all(one["signature"].startswith("hmac-sha256:") for one in approval["signatures"])
    assert (record["trace_id"], record["metadata"]["digest"]) == (found.proposal.id, found.proposal.digest)
    told = {name: record["metadata"][name] for name in ("tool", "action_class", "capability")}
    assert told == {"tool": "deploy.two", "action_class": "deploy", "capability": "deploy"}
    assert (record["agent"], record["action"]) == ("deployer", "deploy")
    written = (await stored(database))[0].record
    assert "checkout" not in written
    assert "s3cret" not in written


async def test_a_suggestion_that_was_approved_is_recorded_twice_and_no_is_no(
    database: Database, policy: Policy
) -> None:
    first = await asked(database, policy, "hint.it", arguments={"service": "one"})
    second = await asked(database, policy, "hint.it", arguments={"service": "two"})
    await say(database, first, "U0BOB")
    await say(database, second, "U0BOB", REJECT, "no")
    await ran(database, policy)
    assert [brief(one) for one in await graph(database)] == [
        ("denied", "suggest", "suggest_approval_request"),
        ("denied", "suggest", "suggest_approval_request"),
        ("denied", "suggest", "approval_denied"),
        ("success", "suggest", "approval_granted"),
    ]


@pytest.mark.parametrize(
    ("script", "outcome", "state"),
    [([], "success", "succeeded"), ([NO], "failure", "failed"), ([SILENT], "failure", "unknown")],
)
async def test_how_an_approved_call_ended(
    database: Database, policy: Policy, script: list[object], outcome: str, state: str
) -> None:
    await approved(database, policy, "deploy.once")
    await ran(database, policy, *script)
    (record,) = await graph(database)
    assert (record["outcome"], record["metadata"]["state"]) == (outcome, state)
    assert record["approver"] == "U0BOB"


async def test_rejections_expiries_and_invalidations_each_have_their_word(
    database: Database, policy: Policy, clock: Clock
) -> None:
    """closes autonomy-and-trust 11"""
    await say(database, await asked(database, policy), "U0BOB", REJECT, "not today")
    await asked(database, policy)
    clock.forward(hours=49)
    await attend_due(database)
    await approved(database, policy)
    agent = replace(policy.agents["deployer"], tiers={"deploy": Tier.SHADOW})
    await ran(database, replace(policy, agents={**policy.agents, "deployer": agent}))
    found = await graph(database)
    assert [brief(one) for one in found] == [
        ("denied", "act_with_approval", "approval_denied"),
        ("timeout", "act_with_approval", "approval_timeout"),
        ("denied", "act_with_approval", "revalidation_denied"),
    ]
    assert [one["approver"] for one in found] == [None, None, "U0BOB"]
    assert found[0]["metadata"]["decided_by"] == "U0BOB"


async def test_nothing_is_recorded_of_what_waits_runs_or_was_withdrawn(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await approved(database, policy, "deploy.once")
    await database.write(TENANT, lambda tx: withdraw(tx, found.proposal.id, "deployer", None))
    assert await graph(database) == []


async def test_a_call_that_a_rule_answered_names_its_authors(database: Database) -> None:
    rule = Rule(
        id="rul_1", tenant=TENANT, agent_id="deployer", tool="deploy.production", effect=Effect.ALLOW,
        scope=Scope.FOREVER, pattern="{}", pattern_hash="0" * 64, authors=["U0BOB", "U0CAROL"], created_at=NOON,
    )  # fmt: skip
    await database.write(TENANT, lambda tx: tx.add(rule))
    said = {"tool": "deploy.production", "action_class": "deploy", "tier": "act_with_approval", "rule_id": "rul_1"}
    await write_history(
        database,
        {"kind": "proposal.allowed", "proposal_id": "prp_1", "detail": said},
        {"kind": "execution.finished", "proposal_id": "prp_1", "execution_id": "exe_1",
         "detail": {"status": "succeeded", "digest": "sha256:1"}},
    )  # fmt: skip
    (record,) = await graph(database)
    assert brief(record) == ("success", "act_with_approval", "rule_granted")
    assert [one["reviewer"] for one in record["metadata"]["approval"]["signatures"]] == ["U0BOB", "U0CAROL"]
    assert verify_export(exported([record])).sound
    assert (await check(database)).sound


async def test_an_outcome_found_out_later_names_the_record_it_replaces(database: Database) -> None:
    run = {"proposal_id": "prp_1", "execution_id": "exe_1"}
    opening = {"kind": "proposal.allowed", "proposal_id": "prp_1", "detail": {"tier": "act_auto", "action_class": "x"}}
    unknown = {"kind": "execution.finished", **run, "detail": {"status": "unknown"}}
    known = {"kind": "execution.reconciled", "actor": "person:U0BOB", **run, "detail": {"status": "succeeded"}}
    await write_history(database, opening, unknown, known)
    first, second = await graph(database)
    assert second["metadata"]["corrects"] == first["record_id"]
    await write_history(database, {**known, "detail": {"status": "failed"}})  # another seal, another batch
    assert (await graph(database))[2]["metadata"]["corrects"] == first["record_id"]
    assert (await check(database)).sound


async def test_changes_of_tier_stand_in_the_same_chain(database: Database) -> None:
    """closes autonomy-and-trust 23"""
    change = {"agent": "deployer", "target": "", "by": "U0ADMIN", "reason": "has done well"}
    kind = {"kind": "tier.changed", "actor": "person:U0ADMIN"}
    await write_history(
        database,
        {**kind, "detail": {**change, "tier": "act_with_approval", "from": "shadow"}},
        {**kind, "detail": {**change, "tier": "shadow", "from": "act_with_approval"}},
    )
    found = await graph(database)
    assert [(one["action"], one["autonomy_tier"], one["approver"]) for one in found] == [
        ("trust.promote", "act_with_approval", "U0ADMIN"), ("trust.demote", "shadow", "U0ADMIN")
    ]  # fmt: skip
    assert schema_errors(exported(found)) == []


async def test_the_chain_of_a_busy_day_is_sound_and_valid(database: Database, policy: Policy, clock: Clock) -> None:
    """closes autonomy-and-trust 22"""
    for n in range(4):
        await submit(database, policy, "dry.run", arguments={"service": f"café {n}"})
        await submit(database, policy, "note.auto", arguments={"service": f"s{n}"})
        await approved(database, policy, arguments={"service": f"s{n}"})
        await ran(database, policy)
        clock.forward(milliseconds=1500)
        await graph(database)
    found = await graph(database)
    assert [one["chain_index"] for one in found] == list(range(1, 13))
    assert verify_export(exported(found)).faults == []
    assert schema_errors(exported(found)) == []
    report = await check(database)
    assert (report.sound, report.trust_records) == (True, 12)


async def test_every_tenant_has_a_chain_of_its_own(database: Database, policy: Policy) -> None:
    """closes autonomy-and-trust 26"""
    refused = {"kind": "proposal.unsupported", "detail": {"tool": "x"}}
    await write_history(database, refused)
    await write_history(database, refused, refused, tenant="T2")
    assert [one["chain_index"] for one in await graph(database)] == [1]
    assert [one["chain_index"] for one in await graph(database, "T2")] == [1, 2]
    assert (await check(database)).sound
    assert (await check(database, tenant="T2")).trust_records == 2


async def test_sealers_at_once_and_writers_among_them_make_one_chain(
    database: Database, policy: Policy, url: str, clock: Clock
) -> None:
    """closes autonomy-and-trust 22"""

    async def writer(name: str) -> None:
        for n in range(10):
            await submit(database, policy, "dry.run", arguments={"service": f"{name}{n}"})

    async with another(url, clock) as other:
        work = [writer("a"), writer("b")]
        sealing = [seal_audit(one) for one in (database, other) * 3]
        reading = [seal_for_reader(one) for one in (database, other) * 3]
        await asyncio.gather(*work, *sealing, *reading)
    found = await graph(database)
    assert [one["chain_index"] for one in found] == list(range(1, 21))
    assert len({one["metadata"]["proposal_id"] for one in found}) == 20
    assert (await check(database)).sound


async def test_a_reader_waits_for_the_sealer_that_is_at_it(postgresql_url: str, policy: Policy, clock: Clock) -> None:
    held, release = asyncio.Event(), asyncio.Event()

    async def slow(tx: Tx) -> None:
        await seal_next(tx)
        held.set()
        await release.wait()

    async with another(postgresql_url, clock) as database:
        sealing = asyncio.create_task(database.write("", slow))
        await held.wait()
        await submit(database, policy, "dry.run")  # too late for the sealer that is at it
        reading = asyncio.create_task(seal_for_reader(database))
        while not reading.done() and not await _waits_for_a_lock(database):
            pass
        release.set()
        await asyncio.gather(sealing, reading)
        assert len(await stored(database)) == 1


async def _waits_for_a_lock(database: Database) -> bool:
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    async with database.read("") as tx:
        return bool(await tx.session.scalar(text(query)))


async def test_a_sealer_that_dies_half_way_leaves_neither_seals_nor_records(database: Database, policy: Policy) -> None:
    """closes autonomy-and-trust 22"""

    async def die(tx: Tx) -> None:
        assert await seal_next(tx) > 0
        raise ConnectionError("the process is gone")

    await submit(database, policy, "dry.run")
    with pytest.raises(ConnectionError):
        await database.write("", die)
    assert (await seals(database), await stored(database)) == ([], [])
    assert len(await graph(database)) == 1
    assert (await check(database)).sound


async def test_sealing_again_appends_nothing(database: Database, policy: Policy) -> None:
    await submit(database, policy, "dry.run")
    first = await graph(database)
    assert await graph(database) == first


async def test_more_endings_than_one_batch_holds_stay_in_order(database: Database) -> None:
    kinds = [{"kind": "proposal.unsupported", "detail": {"tool": f"t{n}"}} for n in range(1103)]
    await write_history(database, *kinds)
    found = await graph(database)
    assert [one["metadata"]["tool"] for one in found] == [f"t{n}" for n in range(1103)]
    assert verify_export(exported(found)).sound


@pytest.mark.parametrize(
    "detail",
    ["not json", "[]", '{"tier": [], "tool": {}, "trace_id": 7}', '{"status": {}}', "[" * 9999],
)
async def test_a_broken_entry_does_not_stop_the_sealer(database: Database, detail: str) -> None:
    await sql(
        database,
        "INSERT INTO audit_entries (tenant, at, kind, actor, agent_id, detail) "
        "VALUES ('default', :at, 'proposal.denied', 'x', 'deployer', :detail)",
        at=(NOON - timedelta(hours=1)).isoformat(sep=" ") if database.is_sqlite else NOON, detail=detail,
    )  # fmt: skip
    (record,) = await graph(database)
    assert (record["action"], record["outcome"]) == ("unknown", "denied")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trust_records SET outcome = 'success'",
        "DELETE FROM trust_records",
        "INSERT INTO trust_records SELECT * FROM trust_records WHERE true "
        "ON CONFLICT (entry_id) DO UPDATE SET at = NULL",
    ],
)
async def test_the_database_refuses_to_change_a_record(database: Database, policy: Policy, statement: str) -> None:
    await submit(database, policy, "dry.run")
    await graph(database)
    with pytest.raises(DBAPIError, match="the audit record is insert-only"):
        await sql(database, statement)
