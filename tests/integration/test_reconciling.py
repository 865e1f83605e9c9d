"""Somebody answers for a call whose outcome nobody knew: it happened, it did not, or it runs once more."""

import asyncio
from collections.abc import Mapping

import pytest

from bot.cards.card import card
from governance.errors import Conflict, Forbidden, NotFound, Refusal
from governance.lifecycle import ExecutionStatus, ProposalState
from governance.policy import Policy
from governance.reconciling import Finding
from operations.reconcile import reconcile
from storage.database import Database
from storage.dossier import Dossier
from storage.tables import AuditEntry, Execution, OutboxMessage, Surface
from tests.conftest import Clock
from tests.integration.running import DONE, NO, REFUSED, SILENT, Step, Worker, approved, execution_of, worker
from tests.integration.test_leases import Stuck
from tests.integration.test_revalidation import with_agent
from tests.integration.verbs import TENANT, asked, count, lines, look, rows, say

Status = ExecutionStatus


async def unknown(
    database: Database, policy: Policy, clock: Clock, tool: str = "deploy.once", *then: Step
) -> tuple[Dossier, Worker]:
    """A call that got no answer; returns it with the worker that has the rest of the script before it."""
    found = await (asked(database, policy, tool) if tool.startswith("note") else approved(database, policy, tool))
    attempts = policy.tools[tool].connector.attempts if policy.tools[tool].connector.idempotent else 1
    hands = worker(database, policy, *([SILENT] * attempts), *then)
    for _ in range(attempts):
        await hands.work()
        clock.forward(minutes=1)
    assert (await execution_of(database, found)).status is Status.UNKNOWN
    return found, hands


async def answer(
    database: Database, policy: Policy, found: Dossier, person: str, finding: Finding, reason: str | None = "I looked",
    *, members: Mapping[str, frozenset[str]] | None = None, seen: int | None = None,
) -> Execution:  # fmt: skip
    proposal_id = found.proposal.id
    return await database.write(
        TENANT,
        lambda tx: reconcile(tx, policy, proposal_id, person, finding, reason, members, seen_attempt=seen),
    )


@pytest.mark.parametrize(
    ("finding", "status", "words", "told"),
    [
        (Finding.HAPPENED, Status.SUCCEEDED, "U0BOB found that it happened: I looked", "succeeded"),
        (Finding.DID_NOT, Status.FAILED, "U0BOB found that it did not happen: I looked", "failed"),
    ],
)
async def test_what_a_person_found_out_settles_it_and_everybody_is_told(
    database: Database, policy: Policy, clock: Clock, finding: Finding, status: Status, words: str, told: str
) -> None:
    found, _ = await unknown(database, policy, clock)
    execution = await answer(database, policy, found, "U0BOB", finding)
    assert (execution.status, execution.error) == (status, f"no answer: dropped; {words}")
    assert (await look(database, found)).proposal.state == status.value
    (entry,) = await rows(database, AuditEntry, kind="execution.reconciled")
    assert (entry.actor, f'"status":"{status}"' in entry.detail) == ("person:U0BOB", True)
    (note,) = [line for line in await lines(database) if line["event"] == finding]
    assert (note["by"], note["reason"]) == ("U0BOB", "I looked")
    tells = await rows(database, OutboxMessage, kind="tell")
    assert [(one.payload["person"], one.payload["event"]) for one in tells][-1] == ("U0ALICE", told)


@pytest.mark.parametrize(("tool", "used"), [("deploy.once", 1), ("deploy.production", 3)])
@pytest.mark.parametrize(
    ("step", "status"),
    [
        (DONE, Status.SUCCEEDED),
        (NO, Status.FAILED),
        (SILENT, Status.UNKNOWN),
        (REFUSED, Status.UNKNOWN),
    ],
)
async def test_running_it_again_is_exactly_one_more_attempt_under_the_same_key(
    database: Database, policy: Policy, clock: Clock, tool: str, used: int, step: Step, status: Status
) -> None:
    found, hands = await unknown(database, policy, clock, tool, step)
    queued = await answer(database, policy, found, "U0BOB", Finding.RUN_AGAIN)
    assert (queued.status, queued.attempt) == (Status.QUEUED, used)
    assert (await look(database, found)).proposal.state is ProposalState.ALLOWED
    for _ in range(3):
        await hands.work()
        clock.forward(minutes=10)
    execution = await execution_of(database, found)
    assert (execution.status, execution.attempt) == (status, used + 1)
    assert hands.connector.attempts == list(range(1, used + 2))
    assert len({call.execution.id for call in hands.connector.calls}) == 1


async def test_a_worker_that_dies_while_it_runs_again_leaves_unknown_behind(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found, hands = await unknown(database, policy, clock, "deploy.production", Stuck())
    await answer(database, policy, found, "U0BOB", Finding.RUN_AGAIN)
    await hands.executor.drain()
    clock.forward(seconds=11)
    await worker(database, policy).recover()
    execution = await execution_of(database, found)
    assert (execution.status, execution.attempt) == (Status.UNKNOWN, 4)
    await hands.executor.stop(0)


async def test_what_the_policy_no_longer_allows_does_not_run_again(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found, hands = await unknown(database, policy, clock)
    await answer(database, policy, found, "U0BOB", Finding.RUN_AGAIN)
    await worker(database, with_agent(policy, scopes=frozenset())).work()
    execution = await execution_of(database, found)
    assert (execution.status, len(hands.connector.calls)) == (Status.UNKNOWN, 1)
    assert "lost the scope deploy" in str(execution.error)


async def test_a_call_that_nobody_was_asked_about_gets_a_card_when_nobody_knows_what_became_of_it(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found, _ = await unknown(database, policy, clock, "note.auto", DONE)
    (surface,) = await rows(database, Surface, proposal_id=found.proposal.id)
    assert surface.channel == "C0APPROVALS"
    assert await count(database, OutboxMessage, kind="show", subject=surface.id) == 1
    with pytest.raises(Forbidden):
        await answer(database, policy, found, "U0BOB", Finding.HAPPENED)
    again = await answer(database, policy, found, "U0ALICE", Finding.RUN_AGAIN)
    assert again.unasked is False


async def test_members_of_a_group_may_answer_while_they_are_members(
    database: Database, policy: Policy, clock: Clock
) -> None:
    oncall = {"S0ONCALL": frozenset({"U0DAVE"})}
    found = await asked(database, policy, "deploy.group")
    await say(database, found, "U0DAVE", members=oncall)
    await worker(database, policy, SILENT, SILENT, SILENT).work()
    for _ in range(2):
        clock.forward(minutes=1)
        await worker(database, policy, SILENT).work()
    with pytest.raises(Forbidden):
        await answer(database, policy, found, "U0DAVE", Finding.HAPPENED, members={"S0ONCALL": frozenset()})
    assert (
        await answer(database, policy, found, "U0DAVE", Finding.HAPPENED, members=oncall)
    ).status is Status.SUCCEEDED


async def test_only_what_is_unknown_can_be_answered_for(database: Database, policy: Policy, clock: Clock) -> None:
    waiting = await asked(database, policy, arguments={"service": "other"})
    with pytest.raises(Conflict, match="This call is pending"):
        await answer(database, policy, waiting, "U0BOB", Finding.HAPPENED)
    found, _ = await unknown(database, policy, clock)
    with pytest.raises(Conflict, match="run again since"):
        await answer(database, policy, found, "U0BOB", Finding.HAPPENED, seen=2)
    await answer(database, policy, found, "U0BOB", Finding.HAPPENED, seen=1)
    with pytest.raises(Conflict, match="This call is succeeded"):
        await answer(database, policy, found, "U0BOB", Finding.DID_NOT)
    with pytest.raises(NotFound):
        await database.write(
            "other", lambda tx: reconcile(tx, policy, found.proposal.id, "U0BOB", Finding.HAPPENED, "")
        )


async def test_of_people_who_answer_at_the_same_instant_one_is_first(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found, _ = await unknown(database, policy, clock)

    async def try_it(person: str, finding: Finding) -> str:
        try:
            return (await answer(database, policy, found, person, finding)).status.value
        except Refusal as refusal:
            return refusal.name

    said = await asyncio.gather(*(try_it(*one) for one in zip(("U0BOB", "U0CAROL", "U0ADMIN"), Finding, strict=True)))
    assert sorted(said)[:2] == ["NOT_UNKNOWN", "NOT_UNKNOWN"]
    assert await count(database, AuditEntry, kind="execution.reconciled") == 1
    assert (await execution_of(database, found)).status.value in said


async def test_the_card_of_a_call_that_ran_unasked_says_so(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "note.auto")
    await worker(database, policy, NO).work()
    shown = card(await look(database, found), "rnd_1")
    assert "*Ran without asking*" in str(shown.blocks)
    assert "*Failed*" in str(shown.blocks)
    assert not [block for block in shown.blocks if block["type"] == "actions"]
