"""The clock of requests: each warning once, reopening at its time, and an end that is nobody's rejection."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from governance.lifecycle import ProposalState, RequestStatus
from governance.policy import Limits, Policy
from scheduler.expiry import attend_due
from storage.database import Database
from storage.dossier import Dossier
from storage.tables import AuditEntry, Execution, OutboxMessage
from tests.conftest import NOON, Clock
from tests.integration import verbs
from tests.integration.verbs import APPROVE, DEFER, REJECT, asked, count, look, rows, say, sql, submit

LATER = NOON + timedelta(hours=2)


async def lines(database: Database) -> list[str]:
    """The lines that the threads are owed, oldest first."""
    return [line["event"] for line in await verbs.lines(database)]


async def told(database: Database) -> list[tuple[str, str]]:
    """Who is owed a direct message about what."""
    found = await rows(database, OutboxMessage, kind="tell")
    return [(one.payload["person"], one.payload["event"]) for one in found]


async def at(database: Database, clock: Clock, hours: float) -> None:
    """Let it be so many hours after noon, and tick."""
    clock.now = NOON + timedelta(hours=hours)
    await attend_due(database)


async def state_of(database: Database, found: Dossier) -> ProposalState:
    return (await look(database, found)).proposal.state


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (23.9, []),
        (24, ["warned_half"]),
        (43.1, ["warned_half"]),
        (43.2, ["warned_half", "warned_last"]),
        (47.9, ["warned_half", "warned_last"]),
    ],
)
async def test_a_request_warns_at_one_half_and_at_nine_tenths_of_its_life(
    database: Database, policy: Policy, clock: Clock, hours: float, said: list[str]
) -> None:
    await asked(database, policy)
    for passed in (12, 24, 30, 43.2):
        if passed <= hours:
            await at(database, clock, passed)
    await at(database, clock, hours)
    assert await lines(database) == said


async def test_each_warning_is_given_once_however_often_the_clock_ticks(
    database: Database, policy: Policy, clock: Clock
) -> None:
    await asked(database, policy)
    for hours in (24, 24, 25, 44, 44, 45):
        await at(database, clock, hours)
    assert await lines(database) == ["warned_half", "warned_last"]
    assert await count(database, AuditEntry, kind="approval.warned") == 2


async def test_replicas_ticking_at_once_warn_once(database: Database, policy: Policy, clock: Clock) -> None:
    for n in range(10):
        await asked(database, policy, arguments={"service": f"s{n}"})
    clock.forward(hours=24)
    await asyncio.gather(*(attend_due(database) for _ in range(4)))
    assert await lines(database) == ["warned_half"] * 10


async def test_after_a_silence_past_both_warnings_only_the_last_call_is_given(
    database: Database, policy: Policy, clock: Clock
) -> None:
    await asked(database, policy)
    await at(database, clock, 44)
    await at(database, clock, 44)
    assert await lines(database) == ["warned_last"]


async def test_a_week_off_expires_everything_by_one_tick_without_a_single_warning(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = [await asked(database, policy, arguments={"service": f"s{n}"}) for n in range(5)]
    await at(database, clock, 7 * 24)
    assert {await state_of(database, one) for one in found} == {ProposalState.EXPIRED}
    assert await lines(database) == ["expired"] * 5
    assert await count(database, AuditEntry, kind="approval.warned") == 0


async def test_one_tick_attends_to_more_requests_than_fit_into_a_batch(
    database: Database, policy: Policy, clock: Clock
) -> None:
    patient = replace(policy, limits=Limits(max_open_requests=1000))
    for n in range(205):
        await submit(database, patient, arguments={"service": f"s{n}"})
    await at(database, clock, 49)
    assert await count(database, AuditEntry, kind="approval.expired") == 205


async def test_one_request_that_cannot_be_attended_to_does_not_keep_the_others_waiting(
    database: Database, policy: Policy, clock: Clock
) -> None:
    broken = await asked(database, policy, arguments={"service": "a"})
    clock.forward(hours=1)
    sound = await asked(database, policy, arguments={"service": "b"})
    await sql(database, "UPDATE proposals SET tenant = 'other' WHERE id = :id", id=broken.proposal.id)
    await at(database, clock, 60)
    assert await state_of(database, sound) is ProposalState.EXPIRED


async def test_an_expired_request_is_told_as_expired_and_never_as_rejected(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await asked(database, policy, on_behalf_of="U0CAROL")
    await at(database, clock, 48)
    after = await look(database, found)
    assert after.request is not None
    assert (after.proposal.state, after.request.status) == (ProposalState.EXPIRED, RequestStatus.EXPIRED)
    assert after.request.decided_by is None
    assert sorted(await told(database)) == [("U0ALICE", "expired"), ("U0CAROL", "expired")]


@pytest.mark.parametrize("hours", [1.9, 2.0])
async def test_a_request_that_was_put_off_reopens_at_its_time(
    database: Database, policy: Policy, clock: Clock, hours: float
) -> None:
    found = await asked(database, policy)
    await say(database, found, "U0BOB", DEFER, "after lunch", until=LATER)
    await at(database, clock, hours)
    request = (await look(database, found)).request
    assert request is not None
    is_open = hours >= 2
    assert (request.status, request.reopen_at) == (
        (RequestStatus.PENDING, None) if is_open else (RequestStatus.DEFERRED, LATER)
    )
    assert ("reopened" in await lines(database)) == is_open


async def test_a_request_that_reopened_can_be_put_off_again_by_the_same_person(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await asked(database, policy)
    await say(database, found, "U0BOB", DEFER, "after lunch", until=LATER)
    await at(database, clock, 2)
    again = await say(database, found, "U0BOB", DEFER, "after tea", until=LATER + timedelta(hours=2))
    assert (again.status, again.reopen_at) == (RequestStatus.DEFERRED, LATER + timedelta(hours=2))


async def test_a_request_that_was_put_off_still_warns_and_expires(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await asked(database, policy)
    await say(database, found, "U0BOB", DEFER, "much later", until=NOON + timedelta(hours=47))
    await at(database, clock, 24)
    assert "warned_half" in await lines(database)
    await at(database, clock, 48)
    assert await state_of(database, found) is ProposalState.EXPIRED


@pytest.mark.parametrize(("verdict", "state"), [(APPROVE, "allowed"), (REJECT, "rejected")])
async def test_a_decided_request_neither_warns_nor_expires(
    database: Database, policy: Policy, clock: Clock, verdict: object, state: str
) -> None:
    found = await asked(database, policy)
    await say(database, found, "U0BOB", verdict, "because")
    await at(database, clock, 7 * 24)
    assert await state_of(database, found) == state
    assert not {"expired", "warned_half", "warned_last"} & set(await lines(database))


async def test_approving_and_expiring_at_the_same_instant_have_one_outcome(
    database: Database, policy: Policy, clock: Clock
) -> None:
    """closes governed-proposals 9; autonomy-and-trust 16"""
    for n in range(20):
        clock.now = NOON
        found = await asked(database, policy, arguments={"service": f"s{n}"})
        clock.forward(hours=48, microseconds=-1)
        approving = asyncio.create_task(say(database, found, "U0BOB"))
        await asyncio.sleep(0)
        clock.forward(microseconds=1)
        await asyncio.gather(approving, attend_due(database), return_exceptions=True)
        state = await state_of(database, found)
        assert state in (ProposalState.ALLOWED, ProposalState.EXPIRED)
        executions = await count(database, Execution, proposal_id=found.proposal.id)
        assert executions == (state is ProposalState.ALLOWED)
