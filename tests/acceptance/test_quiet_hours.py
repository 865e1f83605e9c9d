"""Nobody is disturbed in their quiet hours, except by the last call; what waited for their end comes then, once."""

from datetime import datetime, timedelta

import pytest

from operations.delegate import Handing, delegate
from operations.prefer import Wishes, prefer
from operations.stand import pause
from scheduler.expiry import attend_due
from storage.dossier import Dossier
from storage.tables import Door, OutboxMessage
from tests.conftest import NOON
from tests.integration.desk import APPROVALS, Desk, words
from tests.integration.running import DONE, worker
from tests.integration.verbs import REJECT, TENANT, asked, count, rows, say, sql, submit

ALICE, BOB, CAROL, DANA = "U0ALICE", "U0BOB", "U0CAROL", "U0ADMIN"
POST = "chat.postMessage"


async def quiet(desk: Desk, person: str, start: int, end: int, tz: str = "UTC") -> None:
    """Set somebody's quiet hours, by the hour where they are."""
    wishes = Wishes(tz, None, start * 60, end * 60)
    await desk.database.write(TENANT, lambda tx: prefer(tx, person, wishes))


async def deliver(desk: Desk, at: datetime) -> None:
    """Let it be this moment, and another process deliver what is due."""
    desk.clock.now = max(desk.clock.now, at)
    desk.restart()
    for _ in range(3):
        await desk.deliver()


async def rejected(desk: Desk) -> Dossier:
    """A call that Bob has rejected, which its creator is told."""
    found = await asked(desk.database, desk.policy)
    await say(desk.database, found, BOB, REJECT, "not today")
    return found


@pytest.mark.parametrize(
    ("tz", "start", "end", "over"),
    [
        ("UTC", 12, 13, NOON + timedelta(hours=1)),
        ("Europe/Berlin", 22, 14, NOON + timedelta(hours=1)),  # over midnight; it is 13:00 there
        ("America/New_York", 22, 8, NOON + timedelta(hours=1)),  # it is 7:00 there
        ("Asia/Kolkata", 17, 18, NOON + timedelta(minutes=30)),  # it is 17:30 there
    ],
)
async def test_a_direct_message_waits_for_the_end_of_quiet_hours_where_the_person_is(
    desk: Desk, tz: str, start: int, end: int, over: datetime
) -> None:
    await quiet(desk, ALICE, start, end, tz)
    await rejected(desk)
    await deliver(desk, NOON)
    await deliver(desk, over - timedelta(seconds=1))
    assert desk.workspace.dm(ALICE) == []
    (held,) = await rows(desk.database, OutboxMessage, kind="tell")
    assert (held.status, held.next_attempt_at, held.attempts, held.certain) == ("queued", over, 0, True)
    await deliver(desk, over)
    await deliver(desk, over)
    assert len(desk.workspace.dm(ALICE)) == 1


async def test_cards_and_lines_in_channels_do_not_wait(desk: Desk) -> None:
    for person in (ALICE, BOB, CAROL):
        await quiet(desk, person, 0, 23)
    await rejected(desk)
    await deliver(desk, NOON)
    await deliver(desk, NOON + timedelta(minutes=1))
    assert "Rejected" in words(desk.card())
    assert len(desk.workspace.thread(APPROVALS, desk.card().ts)) == 1


async def test_outside_quiet_hours_nothing_waits(desk: Desk) -> None:
    await quiet(desk, ALICE, 13, 12)
    await quiet(desk, BOB, 12, 13)
    await rejected(desk)
    await desk.settle()
    assert desk.clock.now < NOON + timedelta(hours=1)
    assert len(desk.workspace.dm(ALICE)) == 1


@pytest.mark.parametrize("kind", ["told of a pause", "handed a place", "told of a call"])
async def test_every_kind_of_direct_message_waits(desk: Desk, kind: str) -> None:
    person = DANA if kind == "handed a place" else ALICE
    await quiet(desk, person, 12, 13)
    if kind == "told of a pause":
        agent = desk.policy.agents["deployer"]
        await desk.database.write(TENANT, lambda tx: pause(tx, agent, DANA, "too loud"))
    elif kind == "handed a place":
        found = await asked(desk.database, desk.policy)
        assert found.request is not None
        request_id, handing = found.request.id, Handing(BOB, DANA, Door.SLACK, "on holiday")
        await desk.database.write(TENANT, lambda tx: delegate(tx, desk.policy, request_id, handing, {}))
    else:
        await submit(desk.database, desk.policy, "note.l2")
        await worker(desk.database, desk.policy, DONE).work()
    await deliver(desk, NOON)
    assert desk.workspace.dm(person) == []
    await deliver(desk, NOON + timedelta(hours=1))
    assert len(desk.workspace.dm(person)) == 1


async def test_the_last_call_comes_in_quiet_hours_too_by_name_and_to_live_members_of_groups(desk: Desk) -> None:
    for person in (BOB, CAROL, DANA):
        await quiet(desk, person, 0, 23)
    await asked(desk.database, desk.policy)
    await asked(desk.database, desk.policy, "deploy.group")
    await desk.slack.seat.happenings.group_changed("S0ONCALL", [DANA, CAROL])
    await deliver(desk, NOON)
    desk.clock.now = NOON + timedelta(hours=44)
    await attend_due(desk.database)
    await deliver(desk, desk.clock.now)
    await deliver(desk, desk.clock.now)
    last = {person: [words(one) for one in desk.workspace.dm(person)] for person in (ALICE, BOB, CAROL, DANA)}
    assert {person: len(said) for person, said in last.items()} == {ALICE: 0, BOB: 1, CAROL: 2, DANA: 1}
    assert all("Last call" in one and "Details" in one and "<!date^" in one for said in last.values() for one in said)


async def test_the_last_call_goes_to_whoever_has_the_place_and_not_to_those_who_have_answered(desk: Desk) -> None:
    found = await asked(desk.database, desk.policy, "deploy.two")
    assert found.request is not None
    request_id = found.request.id
    await say(desk.database, found, CAROL)
    handing = Handing(BOB, DANA, Door.SLACK, None)
    await desk.database.write(TENANT, lambda tx: delegate(tx, desk.policy, request_id, handing, {}))
    await desk.settle()
    before = {person: len(desk.workspace.dm(person)) for person in (ALICE, BOB, CAROL, DANA)}
    desk.clock.now = NOON + timedelta(hours=44)
    await attend_due(desk.database)
    await desk.settle()
    after = {person: len(desk.workspace.dm(person)) for person in before}
    assert {person: after[person] - before[person] for person in before} == {ALICE: 1, BOB: 0, CAROL: 0, DANA: 1}


async def test_the_last_call_is_dropped_where_the_answer_came_before_it(desk: Desk) -> None:
    found = await asked(desk.database, desk.policy)
    await desk.settle()
    desk.clock.now = NOON + timedelta(hours=44)
    await attend_due(desk.database)
    await deliver(desk, desk.clock.now)
    await say(desk.database, found, CAROL)
    await sql(desk.database, "UPDATE outbox_messages SET status = 'queued' WHERE kind = 'tell'")
    before = len(desk.workspace.dm(BOB))
    await desk.settle()
    assert len(desk.workspace.dm(BOB)) == before


async def test_the_last_call_is_given_once_however_often_it_is_found_due(desk: Desk) -> None:
    await asked(desk.database, desk.policy)
    await desk.settle()
    desk.clock.now = NOON + timedelta(hours=44)
    await attend_due(desk.database)
    (owed,) = await rows(desk.database, OutboxMessage, kind="warn")
    await sql(desk.database, "UPDATE outbox_messages SET status = 'sending' WHERE kind = 'warn'")
    for _ in range(3):
        await desk.delivery.handlers()["warn"](owed)
        await desk.settle()
    assert [len(desk.workspace.dm(person)) for person in (BOB, CAROL)] == [1, 1]


async def test_whoever_changes_their_quiet_hours_gets_what_waited_at_once(desk: Desk) -> None:
    await quiet(desk, ALICE, 10, 20)
    await rejected(desk)
    await deliver(desk, NOON)
    await quiet(desk, ALICE, 10, 11)
    await deliver(desk, NOON)
    assert len(desk.workspace.dm(ALICE)) == 1


async def test_longer_quiet_hours_hold_what_already_waited_for_their_end(desk: Desk) -> None:
    await quiet(desk, ALICE, 12, 13)
    await rejected(desk)
    await deliver(desk, NOON)
    await quiet(desk, ALICE, 12, 14)
    await deliver(desk, NOON + timedelta(hours=1))
    assert desk.workspace.dm(ALICE) == []
    await deliver(desk, NOON + timedelta(hours=2))
    assert len(desk.workspace.dm(ALICE)) == 1


async def test_quiet_hours_use_up_none_of_the_day_for_which_a_message_is_tried(desk: Desk) -> None:
    await quiet(desk, ALICE, 12, 11)
    await rejected(desk)
    await deliver(desk, NOON)
    await deliver(desk, NOON + timedelta(minutes=2))
    for hours in (23, 47):  # between these two it is quiet again
        desk.workspace.faults.add(POST, "drop")
        desk.clock.now = NOON + timedelta(hours=hours)
        desk.restart()
        await desk.deliver()
        await deliver(desk, desk.clock.now + timedelta(hours=2) if hours == 23 else desk.clock.now)
    assert desk.workspace.dm(ALICE) == []
    assert await count(desk.database, OutboxMessage, status="dead") == 0
    await deliver(desk, desk.clock.now + timedelta(minutes=1))
    assert len(desk.workspace.dm(ALICE)) == 1


async def test_a_message_that_may_have_arrived_is_not_said_again_after_quiet_hours(desk: Desk) -> None:
    await rejected(desk)
    desk.workspace.faults.clear()
    await sql(desk.database, "UPDATE outbox_messages SET priority = 1 WHERE kind = 'tell'")
    desk.workspace.faults.add(POST, "lost")
    await sql(desk.database, "UPDATE outbox_messages SET next_attempt_at = :at WHERE kind <> 'tell'",
              at=NOON + timedelta(hours=3))  # fmt: skip
    await deliver(desk, NOON)
    assert len(desk.workspace.dm(ALICE)) == 1
    await quiet(desk, ALICE, 12, 13)
    await desk.settle()
    assert len(desk.workspace.dm(ALICE)) == 1
