"""Calls that agents run themselves: claimed without a worker, settled by one report, unknown where none comes."""

from pathlib import Path

import pytest

from governance.errors import Conflict, NotFound
from governance.lifecycle import ExecutionStatus, ProposalState
from governance.policy import Policy
from operations.report import Report, report
from scheduler.execution import Executor
from storage.database import Database
from storage.dossier import Dossier
from storage.tables import AuditEntry, Execution
from tests.conftest import Clock
from tests.integration.connecting import behind, policy_with
from tests.integration.running import approved, execution_of
from tests.integration.test_revalidation import with_agent
from tests.integration.verbs import TENANT, Held, asked, count, look, rows

Status = ExecutionStatus
DONE = Report(Status.SUCCEEDED, '{"done":true}')
ENDS = {
    Status.SUCCEEDED: (DONE, '{"done":true}', None),
    Status.FAILED: (Report(Status.FAILED, error="no such service"), None, "no such service"),
    Status.UNKNOWN: (Report(Status.UNKNOWN), None, "the agent does not know whether it happened"),
}


@pytest.fixture
def own(tmp_path: Path) -> Policy:
    """The usual policy, and a tool whose calls the agent runs itself."""
    return policy_with(tmp_path, behind('{ kind = "agent", timeout = "15m" }'))


def executor(database: Database, policy: Policy) -> Executor:
    """An executor with nothing to run anything with."""
    return Executor(database, Held(policy), {})


async def say(database: Database, policy: Policy, found: Dossier, said: Report, agent: str = "deployer") -> Execution:
    proposal_id = found.proposal.id
    return await database.write(TENANT, lambda tx: report(tx, policy, proposal_id, agent, said))


async def test_a_call_of_an_agents_own_is_claimed_and_waits_without_a_worker(
    database: Database, own: Policy, clock: Clock
) -> None:
    found = await approved(database, own, "deploy.it")
    await executor(database, own).drain()
    execution = await execution_of(database, found)
    assert (execution.status, execution.attempt, execution.lease_owner) == (Status.RUNNING, 1, "agent")
    assert execution.lease_until is not None
    assert (execution.lease_until - clock.now).total_seconds() == 15 * 60
    assert (await look(database, found)).proposal.state is ProposalState.ALLOWED


@pytest.mark.parametrize("status", ENDS)
@pytest.mark.parametrize("claimed", [True, False], ids=["running", "still queued"])
async def test_one_report_settles_it_and_the_same_again_changes_nothing(
    database: Database, own: Policy, status: Status, claimed: bool
) -> None:
    said, result, error = ENDS[status]
    found = await approved(database, own, "deploy.it")
    if claimed:
        await executor(database, own).drain()
    for _ in range(2):
        execution = await say(database, own, found, said)
        assert (execution.status, execution.result, execution.error) == (status, result, error)
        assert (execution.attempt, execution.lease_owner) == (1, None)
    assert (await look(database, found)).proposal.state == status.value
    kinds = [one.kind for one in await rows(database, AuditEntry, execution_id=execution.id)]
    assert kinds == ["execution.started", "execution.finished"]
    other = next(report for end, (report, *_) in ENDS.items() if end is not status)
    with pytest.raises(Conflict, match=f"has already ended as {status}"):
        await say(database, own, found, other)
    assert (await execution_of(database, found)).status is status


async def test_without_a_report_in_time_it_is_unknown_and_never_tried_again(
    database: Database, own: Policy, clock: Clock
) -> None:
    found = await approved(database, own, "deploy.it")
    hands = executor(database, own)
    await hands.drain()
    clock.forward(minutes=15)
    await hands.recover()
    assert (await execution_of(database, found)).status is Status.RUNNING
    clock.forward(seconds=1)
    await hands.recover()
    await hands.drain()
    execution = await execution_of(database, found)
    assert (execution.status, execution.attempt) == (Status.UNKNOWN, 1)
    assert execution.error == "the agent did not report in time what became of it"
    with pytest.raises(Conflict, match="has already ended as unknown"):
        await say(database, own, found, DONE)


async def test_what_may_not_run_any_more_is_invalidated_by_the_report_that_would_have_started_it(
    database: Database, own: Policy
) -> None:
    found = await approved(database, own, "deploy.it")
    execution = await say(database, with_agent(own, scopes=frozenset()), found, DONE)
    assert (execution.status, execution.error) == (Status.INVALIDATED, "agent deployer has lost the scope deploy")
    assert (await look(database, found)).proposal.state is ProposalState.INVALIDATED


async def test_a_call_that_runs_is_settled_whatever_became_of_its_tool(database: Database, own: Policy) -> None:
    found = await approved(database, own, "deploy.it")
    await executor(database, own).drain()
    assert (await say(database, with_agent(own, scopes=frozenset()), found, DONE)).status is Status.SUCCEEDED


async def test_secrets_in_a_report_are_masked(database: Database, own: Policy) -> None:
    found = await approved(database, own, "deploy.it", arguments={"service": "checkout", "token": "s3cret-value"})
    said = Report(Status.FAILED, '{"with":"s3cret-value"}', "denied for s3cret-value")
    for _ in range(2):
        execution = await say(database, own, found, said)
        assert (execution.result, execution.error) == ('{"with":"••••••••"}', "denied for ••••••••")


async def test_what_is_not_the_agents_to_report_is_refused(database: Database, own: Policy) -> None:
    waiting, ours = await asked(database, own, "deploy.it"), await approved(database, own)
    with pytest.raises(Conflict, match="is pending; only an allowed call"):
        await say(database, own, waiting, DONE)
    with pytest.raises(Conflict, match="Countersign runs this call itself"):
        await say(database, own, ours, DONE)
    with pytest.raises(NotFound):
        await say(database, own, waiting, DONE, agent="stranger")
    assert await count(database, AuditEntry, kind="execution.finished") == 0
