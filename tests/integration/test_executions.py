"""How an allowed call ends: done, failed, again, or honestly unknown."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from governance.attempts import Answer, Result
from governance.lifecycle import ExecutionStatus, ProposalState
from governance.policy import Policy
from storage.database import Database
from storage.tables import AuditEntry, OutboxMessage
from tests.conftest import NOON, Clock
from tests.integration.running import DONE, NO, REFUSED, SILENT, approved, busy, execution_of, worker
from tests.integration.verbs import asked, look, policy_from, rows, sql
from tests.policies import tool

Status = ExecutionStatus


async def test_what_was_approved_is_handed_over_whole_and_its_answer_kept(database: Database, policy: Policy) -> None:
    """closes governed-proposals 19; l1-l2-l3-enforcement 3"""
    arguments = {"service": "checkout", "token": "s3cret"}
    found = await approved(database, policy, arguments=arguments)
    hands = worker(database, policy)
    await hands.work()
    (call,) = hands.connector.calls
    assert (call.arguments, call.execution.attempt) == (arguments, 1)
    after = await look(database, found)
    assert after.execution is not None
    assert (after.proposal.state, after.execution.result) == (ProposalState.SUCCEEDED, '{"done":true}')
    events = await rows(database, AuditEntry, execution_id=after.execution.id)
    assert [one.kind for one in events] == ["execution.started", "execution.finished"]
    assert "s3cret" not in after.proposal.arguments + str(after.proposal.sealed_secrets)


@pytest.mark.parametrize(
    ("tool_name", "script", "status", "attempts"),
    [
        ("deploy.production", [DONE], Status.SUCCEEDED, 1),
        ("deploy.production", [NO], Status.FAILED, 1),
        ("deploy.production", [SILENT, DONE], Status.SUCCEEDED, 2),
        ("deploy.production", [SILENT, NO], Status.FAILED, 2),
        ("deploy.production", [SILENT] * 3, Status.UNKNOWN, 3),
        ("deploy.production", [busy()] * 3, Status.UNKNOWN, 3),
        ("deploy.production", [REFUSED] * 3, Status.FAILED, 3),
        ("deploy.production", [SILENT, REFUSED, REFUSED], Status.UNKNOWN, 3),
        ("deploy.production", [busy(), REFUSED, REFUSED], Status.UNKNOWN, 3),
        ("deploy.production", [REFUSED, SILENT, REFUSED], Status.UNKNOWN, 3),
        ("deploy.once", [DONE], Status.SUCCEEDED, 1),
        ("deploy.once", [SILENT], Status.UNKNOWN, 1),
        ("deploy.once", [busy()], Status.UNKNOWN, 1),
        ("deploy.once", [REFUSED, DONE], Status.SUCCEEDED, 2),
        ("deploy.once", [REFUSED, SILENT], Status.UNKNOWN, 2),
        ("deploy.once", [REFUSED] * 3, Status.FAILED, 3),
        ("deploy.production", [RuntimeError("a bug"), DONE], Status.SUCCEEDED, 2),
        ("deploy.once", [RuntimeError("a bug")], Status.UNKNOWN, 1),
    ],
)
async def test_what_came_back_decides_whether_it_is_done_tried_again_or_unknown(
    database: Database,
    policy: Policy,
    clock: Clock,
    tool_name: str,
    script: list[object],
    status: Status,
    attempts: int,
) -> None:
    found = await approved(database, policy, tool_name)
    hands = worker(database, policy, *script)
    for _ in range(5):
        await hands.work()
        clock.forward(minutes=10)
    execution = await execution_of(database, found)
    assert (execution.status, execution.attempt) == (status, attempts)
    assert hands.connector.attempts == list(range(1, attempts + 1))
    assert len({call.execution.id for call in hands.connector.calls}) == 1
    assert (await look(database, found)).proposal.state == status.value


async def test_a_retry_waits_longer_each_time(database: Database, policy: Policy, clock: Clock) -> None:
    found = await approved(database, policy)
    hands, waits = worker(database, policy, SILENT, SILENT), []
    for _ in range(2):
        await hands.work()
        execution = await execution_of(database, found)
        waits.append(execution.next_attempt_at - clock.now)
        clock.now = execution.next_attempt_at
    assert waits == [timedelta(seconds=1), timedelta(seconds=2)]


@pytest.mark.parametrize(("asked_for", "waited"), [(90, 90), (5, 5), (86_400, 3600)])
async def test_a_retry_waits_as_long_as_the_other_side_asked_up_to_an_hour(
    database: Database, policy: Policy, clock: Clock, asked_for: int, waited: int
) -> None:
    found = await approved(database, policy)
    hands = worker(database, policy, busy(asked_for))
    await hands.work()
    assert (await execution_of(database, found)).next_attempt_at == NOON + timedelta(seconds=waited)
    clock.forward(seconds=waited, microseconds=-1)
    await hands.work()
    assert hands.connector.attempts == [1]
    clock.forward(microseconds=1)
    await hands.work()
    assert hands.connector.attempts == [1, 2]


async def test_while_a_call_waits_for_its_retry_the_agent_reads_allowed(database: Database, policy: Policy) -> None:
    found = await approved(database, policy)
    await worker(database, policy, SILENT).work()
    assert (await look(database, found)).proposal.state is ProposalState.ALLOWED


@pytest.mark.parametrize("answer", [Answer.SUCCEEDED, Answer.FAILED])
async def test_secrets_that_the_other_side_echoes_are_masked(
    database: Database, policy: Policy, answer: Answer
) -> None:
    found = await approved(database, policy, arguments={"service": "checkout", "token": 's3"cret'})
    echoed = Result(answer, result='{"got":"s3\\"cret"}', error='HTTP 400: bad token s3"cret')
    await worker(database, policy, echoed).work()
    execution = await execution_of(database, found)
    assert "cret" not in f"{execution.result}{execution.error}"
    assert json.loads(str(execution.result)) == {"got": "••••••••"}


@pytest.mark.parametrize("secret", ["e", "1", "true", '"', "{", ":", "done", "\\", "null", "\ud7ff"])
async def test_an_answer_stays_readable_however_short_the_secret_masked_in_it(
    database: Database, policy: Policy, secret: str
) -> None:
    found = await approved(database, policy, arguments={"service": "checkout", "token": secret})
    await worker(database, policy, Result(Answer.SUCCEEDED, result='{"done":true,"n":1,"x":null}')).work()
    json.loads(str((await execution_of(database, found)).result))


async def test_text_with_nul_in_an_answer_can_be_stored(database: Database, policy: Policy) -> None:
    found = await approved(database, policy)
    await worker(database, policy, Result(Answer.FAILED, error="HTTP 400: a\x00b")).work()
    assert (await execution_of(database, found)).error == "HTTP 400: a\ufffdb"


@pytest.mark.parametrize("status", ["succeeded", "queued", "running"])
async def test_the_database_takes_one_success_and_one_open_execution_per_proposal(
    database: Database, policy: Policy, status: str
) -> None:
    """closes governed-proposals 8"""
    found = await approved(database, policy)
    if status == "succeeded":
        await worker(database, policy).work()
    with pytest.raises(IntegrityError):
        await sql(
            database,
            "INSERT INTO executions (id, tenant, proposal_id, status, tier, attempt, maybe_ran, queued_at, "
            "next_attempt_at, start_by) SELECT 'exe_second', tenant, proposal_id, :status, tier, attempt, "
            "maybe_ran, queued_at, next_attempt_at, start_by FROM executions WHERE proposal_id = :of",
            status=status,
            of=found.proposal.id,
        )


@pytest.mark.parametrize(
    ("tool_name", "script", "people"),
    [
        ("note.auto", [DONE], []),
        ("note.auto", [NO], [("U0ALICE", "failed")]),
        ("note.l2", [DONE], [("U0ALICE", "succeeded")]),
        ("note.l2", [SILENT] * 3, [("U0ALICE", "unknown")]),
    ],
    ids=["L1 done", "L1 failed", "L2 done", "L2 unknown"],
)
async def test_the_creator_hears_of_what_ran_unasked_as_its_tier_says(
    database: Database, policy: Policy, clock: Clock, tool_name: str, script: list[object], people: list[object]
) -> None:
    await asked(database, policy, tool_name)
    hands = worker(database, policy, *script)
    for _ in range(3):
        await hands.work()
        clock.forward(minutes=1)
    told = await rows(database, OutboxMessage, kind="tell")
    assert [(one.payload["person"], one.payload["event"]) for one in told] == people


async def test_more_calls_than_places_all_run(database: Database, tmp_path: Path) -> None:
    policy = policy_from(tmp_path, extra=tool("note.many", action_class="note.write", scopes="[]", risk="low_write"))
    for n in range(40):
        await asked(database, policy, "note.many", arguments={"service": f"s{n}"})
    hands = worker(database, policy)
    while len(hands.connector.calls) < 40:
        await hands.work()
    assert {one.execution.status for one in hands.connector.calls} == {Status.RUNNING}
    assert len({call.arguments["service"] for call in hands.connector.calls}) == 40
