"""What collides with a decision, a claim or a limit at the same instant has exactly one outcome.

closes governed-proposals 6, 8
closes autonomy-and-trust 18
closes l1-l2-l3-enforcement 8, 11
"""

import asyncio
from contextlib import AsyncExitStack, nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from governance.errors import AlreadyDecided, ApprovalExpired, Refusal
from governance.lifecycle import ExecutionStatus, ProposalState, RequestStatus
from governance.policy import Limits, Policy
from governance.tiers import ApprovalMode
from operations import execute, expire, seal
from operations.propose import Proposed
from operations.withdraw import withdraw
from storage import outbox, surfaces
from storage.database import Database
from storage.dossier import Dossier
from storage.tables import ApprovalRequest, AuditEntry, AuditSeal, Execution, OutboxMessage, Proposal, Surface
from tests.conftest import Clock
from tests.integration.chain import check
from tests.integration.running import DONE, NO, SILENT, another, worker
from tests.integration.verbs import REJECT, TENANT, asked, count, look, rows, say, submit

ROUNDS = 30


@pytest.fixture
async def two(url: str, database: Database, clock: Clock) -> Any:
    """The database as two processes have it open; SQLite is one process's alone."""
    other: Any = nullcontext(database) if database.is_sqlite else another(url, clock)
    async with other as second:
        yield database, second


async def test_approving_and_expiring_at_the_same_instant_have_one_outcome(
    two: tuple[Database, Database], policy: Policy, clock: Clock
) -> None:
    """At the very moment of expiry nothing can be approved any more; before it nothing expires."""
    one, other = two
    for n, late in enumerate([0, 0, 1] * (ROUNDS // 3)):
        found = await asked(one, policy, arguments={"service": f"s{n}"})
        assert found.request is not None
        clock.now, id = found.request.expires_at, found.request.id
        clock.forward(seconds=late - 1)
        said, _ = await asyncio.gather(
            say(one, found, "U0BOB"),
            other.write(TENANT, lambda tx, id=id: expire.attend(tx, id)),  # type: ignore[misc]
            return_exceptions=True,
        )
        settled = await look(one, found)
        assert settled.request is not None
        if late:
            assert isinstance(said, ApprovalExpired)
            assert (settled.request.status, settled.execution) == (RequestStatus.EXPIRED, None)
        else:
            assert not isinstance(said, BaseException)
            assert (settled.request.status, settled.execution is not None) == (RequestStatus.APPROVED, True)


async def test_the_clock_moving_past_the_expiry_between_two_hands_leaves_one_outcome(
    two: tuple[Database, Database], policy: Policy, clock: Clock
) -> None:
    """The approver's transaction began in time, the clock's began late; whoever holds the row first decides."""
    one, other = two
    for n in range(ROUNDS):
        found = await asked(one, policy, arguments={"service": f"s{n}"})
        assert found.request is not None
        in_time, id = found.request.expires_at - (found.request.expires_at - clock.now) / 1000, found.request.id
        clock.now = in_time
        hands = [say(one, found, "U0BOB"), _late(other, clock, found.request.expires_at, id)]
        await asyncio.gather(*(hands if n % 2 else reversed(hands)), return_exceptions=True)
        settled = await look(one, found)
        assert settled.request is not None
        approved = settled.request.status is RequestStatus.APPROVED
        assert approved == (settled.execution is not None)
        assert settled.request.status in (RequestStatus.APPROVED, RequestStatus.EXPIRED)
        if approved:
            assert settled.request.decided_at is not None
            assert settled.request.decided_at < settled.request.expires_at
        assert await count(one, AuditEntry, request_id=id, kind="approval.decided") == approved
        assert await count(one, AuditEntry, request_id=id, kind="approval.expired") == (not approved)


async def _late(database: Database, clock: Clock, moment: Any, request_id: str) -> None:
    clock.now = moment
    await database.write(TENANT, lambda tx: expire.attend(tx, request_id))


async def test_approving_expiring_and_withdrawing_at_once_have_one_outcome_and_the_losers_know_it(
    two: tuple[Database, Database], policy: Policy
) -> None:
    one, other = two
    for n in range(ROUNDS):
        found = await asked(one, policy, arguments={"service": f"s{n}"})
        hands = [
            say(one, found, "U0BOB"),
            say(other, found, "U0CAROL", reason="no", verdict=REJECT),
            other.write(TENANT, lambda tx, id=found.proposal.id: withdraw(tx, id, "deployer", None)),  # type: ignore[misc]
        ]
        outcomes = await asyncio.gather(*hands[n % 3 :], *hands[: n % 3], return_exceptions=True)
        lost = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert len(lost) == 2
        settled = await look(one, found)
        assert settled.request is not None
        for refusal in lost:
            assert isinstance(refusal, AlreadyDecided)
            assert refusal.details["winner"]["verdict"] == settled.request.status
        assert (settled.execution is not None) == (settled.request.status is RequestStatus.APPROVED)
        moves = [one.kind for one in await rows(one, AuditEntry, request_id=settled.request.id)]
        assert len(moves) == 2  # the proposal and what became of it


async def test_a_tightened_policy_and_an_approval_at_the_same_instant_never_let_the_call_run(
    two: tuple[Database, Database], policy: Policy
) -> None:
    """Whoever approves while the policy is exchanged: the call is asked about again before it starts."""
    one, other = two
    closed = replace(policy.tools["deploy.production"], approval_mode=ApprovalMode.ALWAYS_BLOCK)
    tightened = replace(policy, tools={**policy.tools, "deploy.production": closed})
    hands = worker(other, policy)
    for n in range(ROUNDS):
        found = await asked(one, policy, arguments={"service": f"s{n}"})
        hands.policy.current = policy

        async def reload() -> None:
            hands.policy.current = tightened

        await asyncio.gather(say(one, found, "U0BOB"), reload())
        await hands.work()
        settled = await look(one, found)
        assert settled.execution is not None
        assert settled.execution.status is ExecutionStatus.INVALIDATED
        assert settled.proposal.state is ProposalState.INVALIDATED
    assert hands.connector.calls == []


async def test_claiming_and_a_tightened_policy_at_the_same_instant_run_a_call_wholly_or_not_at_all(
    two: tuple[Database, Database], policy: Policy
) -> None:
    one, other = two
    closed = replace(policy.tools["note.auto"], approval_mode=ApprovalMode.ALWAYS_BLOCK)
    tightened = replace(policy, tools={**policy.tools, "note.auto": closed})
    loose, strict = worker(one, policy), worker(other, tightened)
    for n in range(ROUNDS):
        await submit(one, policy, "note.auto", arguments={"service": f"s{n}"})
    while await count(one, Execution, status="queued"):
        await asyncio.gather(loose.work(), strict.work())
    ended = [one.status for one in await rows(one, Execution)]
    assert ended.count(ExecutionStatus.SUCCEEDED) == len(loose.connector.calls)
    assert ended.count(ExecutionStatus.INVALIDATED) == ROUNDS - len(loose.connector.calls)
    assert strict.connector.calls == []


async def test_two_executors_and_recoveries_on_one_queue_start_every_call_once(
    two: tuple[Database, Database], policy: Policy
) -> None:
    one, other = two
    for n in range(60):
        await submit(one, policy, "note.auto", arguments={"service": f"s{n}"})
    workers = [worker(database, policy) for database in (one, other, one, other)]
    while await count(one, Execution, status="queued"):
        await asyncio.gather(*(hands.work() for hands in workers), *(hands.recover() for hands in workers))
    started = [call.execution.id for hands in workers for call in hands.connector.calls]
    assert sorted(started) == sorted({row.id for row in await rows(one, Execution, status="succeeded")})
    assert len(started) == 60
    assert await count(one, AuditEntry, kind="execution.started") == 60


async def test_of_many_answers_for_one_attempt_at_once_one_is_recorded(
    two: tuple[Database, Database], policy: Policy
) -> None:

    for n in range(ROUNDS):
        await submit(two[0], policy, "note.auto", arguments={"service": f"s{n}"})
        started = await two[0].write("", lambda tx: execute.start_next(tx, lambda _: policy, "worker"))
        assert isinstance(started, execute.Started)
        got = await asyncio.gather(
            *(two[k % 2].write(TENANT, lambda tx, a=a, s=started: execute.settle(tx, policy, s, a))  # type: ignore[misc]
              for k, a in enumerate((DONE, NO, SILENT, DONE)))
        )  # fmt: skip
        assert sorted(got) == [False, False, False, True]
        assert await count(two[0], AuditEntry, execution_id=started.execution.id) == 2
        await two[0].write(TENANT, lambda tx: _stop_retries(tx))


async def _stop_retries(tx: Any) -> None:
    """Leave nothing queued for the next round."""
    await tx.session.execute(text("UPDATE executions SET status = 'failed' WHERE status = 'queued'"))


@pytest.mark.parametrize("key", ["k", None], ids=["keyed", "unkeyed"])
async def test_a_hundred_identical_calls_of_two_processes_are_one_row_and_one_card(
    two: tuple[Database, Database], policy: Policy, key: str | None
) -> None:
    calls = (submit(two[n % 2], policy, idempotency_key=key) for n in range(100))
    made = await asyncio.gather(*calls)
    assert sum(not one.duplicate for one in made) == 1
    assert await count(two[0], Proposal) == await count(two[0], ApprovalRequest) == await count(two[0], Surface) == 1
    assert await count(two[0], AuditEntry) == 1


@pytest.mark.parametrize("before", [0, 30])
async def test_a_hundred_different_calls_at_once_open_no_more_than_the_fifty_allowed(
    two: tuple[Database, Database], policy: Policy, before: int
) -> None:
    """However many count at the same moment: those who counted before the others' requests were seen, too."""
    assert policy.limits == Limits(max_open_requests=50)
    for n in range(before):
        await submit(two[0], policy, arguments={"service": f"before {n}"})
    calls = [submit(two[n % 2], policy, arguments={"service": f"s{n}"}) for n in range(100)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    refused = [one for one in outcomes if not isinstance(one, Proposed)]
    assert {one.name for one in refused if isinstance(one, Refusal)} == {"TOO_MANY_PENDING"}
    assert (len(outcomes) - len(refused), len(refused)) == (50 - before, 50 + before)
    assert await count(two[0], ApprovalRequest, status="pending") == await count(two[0], Proposal) == 50


async def test_the_limit_counts_each_agent_alone_and_a_place_that_falls_free_is_taken_once(
    two: tuple[Database, Database], policy: Policy
) -> None:
    strict = replace(policy, limits=Limits(max_open_requests=5))
    first = [await asked(two[0], strict, arguments={"service": f"s{n}"}) for n in range(5)]
    await asyncio.gather(*(say(two[0], found, "U0BOB") for found in first[:2]))
    calls = [submit(two[n % 2], strict, arguments={"service": f"t{n}"}) for n in range(20)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(one, Proposed) for one in outcomes) == 2
    await _is_free(two[0], strict, first[4])


async def _is_free(database: Database, policy: Policy, waiting: Dossier) -> None:
    """Taking one back makes room for one."""
    await database.write(TENANT, lambda tx: withdraw(tx, waiting.proposal.id, "deployer", None))
    assert not (await submit(database, policy, arguments={"service": "last"})).duplicate
    with pytest.raises(Refusal, match="5 requests open"):
        await submit(database, policy, arguments={"service": "one too many"})


async def test_two_messages_about_one_card_put_back_at_once_become_one(
    two: tuple[Database, Database], policy: Policy
) -> None:
    """Both were on their way when the card was in another hand; neither may be left with its lease to run out."""
    for n in range(ROUNDS):
        found = await asked(two[0], policy, arguments={"service": f"s{n}"})
        (first,) = await two[0].write("", lambda tx: outbox.claim(tx, 1))
        await two[0].write(TENANT, lambda tx, id=found.proposal.id: surfaces.touch(tx, id, outbox.Priority.CARD))  # type: ignore[misc]
        (second,) = await two[0].write("", lambda tx: outbox.claim(tx, 1))
        await asyncio.gather(*(_put_back(*pair) for pair in zip(two, (first, second), strict=True)))
        left = await rows(two[0], OutboxMessage, subject=first.subject)
        assert sorted(one.status for one in left) == ["queued", "sent"]


async def _put_back(database: Database, message: OutboxMessage) -> None:
    later = message.created_at + timedelta(days=30)
    await database.write(TENANT, lambda tx: outbox.again(tx, message, later, "busy", certain=True))


async def test_sealing_from_two_processes_while_both_write_numbers_every_entry_once(
    two: tuple[Database, Database], policy: Policy
) -> None:
    async def sealing(database: Database) -> None:
        for _ in range(10):
            await database.write("", seal.seal_next)

    writing = (submit(two[n % 2], policy, "dry.run", arguments={"service": f"s{n}"}) for n in range(40))
    async with AsyncExitStack():
        await asyncio.gather(*writing, sealing(two[0]), sealing(two[1]))
    await sealing(two[0])
    report = await check(two[0])
    assert (report.faults, report.checked, report.unsealed) == ([], 40, 0)
    assert await count(two[0], AuditSeal) == 40
