"""Requests of the Agent Approval Protocol in both databases: starting late, starting twice, never starting at all."""

import asyncio

import pytest

from governance.canonical import canonical
from governance.errors import Conflict
from governance.lifecycle import ExecutionStatus, ProposalState
from governance.policy import Policy
from operations import aap, aap_instances
from operations.aap import Holder
from operations.report import Report, report
from scheduler.execution import Executor
from storage import aap as stored
from storage.database import Database
from storage.dossier import Dossier
from storage.outbox import Owed
from storage.tables import AapRequest, ApiKey, OutboxMessage
from tests.conftest import Clock
from tests.integration.aap import DEPLOYER, INSTANCE, asked, creating, filing, instance, own, provisioner
from tests.integration.running import execution_of
from tests.integration.verbs import TENANT, Held, look, rows, say

Status = ExecutionStatus
NOTIFIED = Holder("deployer", INSTANCE)


@pytest.fixture
def ours(policy: Policy) -> Policy:
    return own(policy)


async def allowed(database: Database, policy: Policy) -> tuple[str, Dossier]:
    """Ask for a call and have it approved; returns the request's id and what is known."""
    filed = await asked(database, policy)
    assert filed.request is not None
    assert filed.proposed is not None
    found = await look(database, filed.proposed)
    await say(database, found, "U0BOB")
    return filed.request.id, await look(database, found)


async def drain(database: Database, policy: Policy) -> None:
    await Executor(database, Held(policy), {}).drain()


async def consume(database: Database, policy: Policy, id: str, key: str = "k") -> bool:
    return await database.write(TENANT, lambda tx: aap.consume(tx, policy, DEPLOYER, id, key))


async def test_nothing_starts_an_approved_call_but_its_agent(database: Database, ours: Policy, clock: Clock) -> None:
    id, found = await allowed(database, ours)
    await drain(database, ours)
    assert (await execution_of(database, found)).status is Status.QUEUED
    clock.forward(hours=1)  # the request's own life, to the second
    clock.forward(seconds=-1)
    await drain(database, ours)
    assert await consume(database, ours, id)
    execution = await execution_of(database, found)
    assert (execution.status, execution.attempt, execution.lease_owner) == (Status.RUNNING, 1, "agent")


async def test_at_the_end_of_its_time_a_call_may_start_no_more(database: Database, ours: Policy, clock: Clock) -> None:
    id, found = await allowed(database, ours)
    assert found.execution is not None
    clock.now = found.execution.start_by
    with pytest.raises(Conflict) as refused:
        await consume(database, ours, id)
    assert refused.value.name == "approval_expired"


@pytest.mark.parametrize(("told", "ends"), [(False, Status.INVALIDATED), (True, Status.UNKNOWN)])
async def test_what_nobody_consumed_is_known_not_to_have_run_only_where_nobody_was_told(
    database: Database, ours: Policy, clock: Clock, told: bool, ends: Status
) -> None:
    """Some adapters run what is approved without a word; once it knows, we must not say that it did not run."""
    id, found = await allowed(database, ours)
    if told:
        await database.write(TENANT, lambda tx: aap.tell_approved(tx, DEPLOYER, id))
    clock.forward(hours=1, seconds=1)
    await drain(database, ours)
    assert (await execution_of(database, found)).status is ends


async def test_whoever_was_told_and_consumes_late_has_not_run(database: Database, ours: Policy) -> None:
    id, found = await allowed(database, ours)
    await database.write(TENANT, lambda tx: aap.tell_approved(tx, DEPLOYER, id))
    nothing_allowed = Policy.empty()
    assert await consume(database, nothing_allowed, id) is False
    assert (await execution_of(database, found)).status is Status.INVALIDATED


async def test_an_agent_that_reports_without_consuming_has_started_it(database: Database, ours: Policy) -> None:
    id, found = await allowed(database, ours)
    said = Report(Status.SUCCEEDED, '"done"')
    await database.write(TENANT, lambda tx: report(tx, ours, found.proposal.id, "deployer", said))
    assert (await look(database, found)).proposal.state is ProposalState.SUCCEEDED
    with pytest.raises(Conflict) as refused:
        await consume(database, ours, id)
    assert refused.value.name == "already_consumed"


async def test_of_two_that_consume_at_once_one_does(database: Database, ours: Policy) -> None:
    id, _ = await allowed(database, ours)
    done = await asyncio.gather(*(consume(database, ours, id, f"k{n}") for n in range(6)), return_exceptions=True)
    assert sum(one is True for one in done) == 1
    assert {one.name for one in done if isinstance(one, Conflict)} == {"already_consumed"}


async def test_of_many_that_ask_under_one_key_at_once_one_is_new(database: Database, ours: Policy) -> None:
    filed = await asyncio.gather(*(database.write(TENANT, filing(ours)) for _ in range(6)))
    assert len({one.request.id for one in filed}) == 1
    assert sum(one.proposed is not None for one in filed) == 1
    assert len(await rows(database, AapRequest)) == 1


async def test_a_submission_is_kept_sealed_and_comes_back_whole(database: Database, ours: Policy) -> None:
    arguments = {"service": "checkout", "token": "s3cret"}
    filed = await asked(database, ours, arguments=arguments, context={"n": [1.5, None]})
    (kept,) = await rows(database, AapRequest)
    assert "s3cret" not in kept.submission
    async with database.read(TENANT) as tx:
        said = aap.submission_of(tx, kept)
    assert canonical(said["arguments"]) == canonical(arguments)
    assert filed.proposed is not None


async def test_the_decision_and_its_notification_are_one(database: Database, ours: Policy, clock: Clock) -> None:
    await instance(database)
    filed = await asked(database, ours, holder=NOTIFIED)
    assert filed.proposed is not None
    assert filed.request is not None
    assert [one for one in await rows(database, OutboxMessage) if one.kind == Owed.AAP] == []
    clock.forward(minutes=1)
    await say(database, await look(database, filed.proposed), "U0BOB")
    (notice,) = [one for one in await rows(database, OutboxMessage) if one.kind == Owed.AAP]
    assert (notice.payload["request_id"], notice.created_at) == (filed.request.id, clock.now)


async def test_of_two_that_provision_under_one_key_one_instance_comes(database: Database) -> None:
    by = await provisioner(database)
    made = await asyncio.gather(*(database.write(TENANT, creating(by)) for _ in range(4)))
    assert sorted(is_new for _, is_new in made) == [False, False, False, True]
    assert len(await rows(database, ApiKey)) == 1


async def test_an_instance_that_is_being_deleted_leaves_nothing_pending(database: Database, ours: Policy) -> None:
    by, made = await instance(database)
    asking = [database.write(TENANT, filing(ours, key=f"k{n}", holder=NOTIFIED)) for n in range(4)]
    deleting = database.write(TENANT, lambda tx: aap_instances.delete_instance(tx, by, made.id))
    await asyncio.gather(*asking[:2], deleting, *asking[2:], return_exceptions=True)
    async with database.read(TENANT) as tx:
        assert await stored.waiting_of(tx, "deployer", INSTANCE) == []
