"""What was said without a button is answered by whichever process lives, once, or given up visibly."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from governance.replies import Meaning, Meant, Way
from scheduler import upkeep
from scheduler.inbox import Inbox
from scheduler.ports import Postponed, Undeliverable
from storage import inbox
from storage.database import Database
from storage.inbox import Heard
from storage.tables import InboxEvent, InboxStatus
from tests.conftest import NOON, Clock
from tests.integration.verbs import TENANT, count, rows


@dataclass
class Desk:
    """Answers what an inbox hands it, or raises the next thing of its script."""

    database: Database
    script: list[Exception] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.inbox = Inbox(self.database, self.answer)

    async def answer(self, event: InboxEvent) -> None:
        self.answered.append(event.id)
        if self.script:
            raise self.script.pop(0)

    async def attend(self) -> None:
        """Answer what is due and let it end."""
        await self.inbox.drain()
        await self.inbox.stop()


async def hear(database: Database, event_id: str = "Ev1", said: str = "reply:C1:1.000001") -> None:
    heard = Heard(event_id, said, Way.REPLY, Meant(Meaning.REJECT, "nul \x00 in it"), "U0BOB", "C1", "1.000000", NOON)
    await database.write(TENANT, lambda tx: inbox.receive(tx, heard))


async def only(database: Database) -> InboxEvent:
    (found,) = await rows(database, InboxEvent)
    assert isinstance(found, InboxEvent)
    return found


async def test_one_event_under_one_id_or_two_is_answered_once(database: Database) -> None:
    await asyncio.gather(hear(database), hear(database), hear(database, "Ev2"))
    desk = Desk(database)
    await desk.attend()
    await hear(database, "Ev3")
    await desk.attend()
    assert len(desk.answered) == 1
    assert (await only(database)).status is InboxStatus.DONE


async def test_what_a_dead_process_held_is_taken_up_after_its_lease(database: Database, clock: Clock) -> None:
    await hear(database)
    await database.write("", lambda tx: inbox.claim(tx, 10))  # and then the process is gone
    desk = Desk(database)
    await desk.attend()
    assert desk.answered == []
    clock.now += inbox.LEASE + timedelta(seconds=1)
    await desk.attend()
    assert desk.answered == ["Ev1"]
    assert (await only(database)).attempts == 2


async def test_two_processes_do_not_answer_the_same(database: Database) -> None:
    for n in range(20):
        await hear(database, f"Ev{n}", f"reply:C1:{n}.000001")
    desks = [Desk(database), Desk(database)]
    while await count(database, InboxEvent, status=InboxStatus.DONE) < 20:
        await asyncio.gather(*(desk.attend() for desk in desks))
    assert sorted(desks[0].answered + desks[1].answered) == sorted(f"Ev{n}" for n in range(20))


async def test_what_cannot_be_answered_yet_is_tried_again_and_given_up_in_the_end(
    database: Database, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await hear(database)
    desk = Desk(database, [Postponed("Slack is away", after=9, certain=True) for _ in range(3)])
    await desk.attend()
    clock.forward(seconds=8)
    await desk.attend()
    assert len(desk.answered) == 1
    clock.forward(seconds=2)
    await desk.attend()
    assert ((await only(database)).status, len(desk.answered)) == (InboxStatus.QUEUED, 2)
    clock.forward(hours=2)
    await desk.attend()
    found = await only(database)
    assert (found.status, found.last_error) == (InboxStatus.DEAD, "Slack is away")
    assert "gave up on the reply of U0BOB" in caplog.text


@pytest.mark.parametrize(
    ("trouble", "status"),
    [(RuntimeError("a bug"), InboxStatus.QUEUED), (Undeliverable("never"), InboxStatus.DEAD)],
)
async def test_a_fault_stops_nothing(
    database: Database, trouble: Exception, status: InboxStatus, caplog: pytest.LogCaptureFixture
) -> None:
    await hear(database)
    await hear(database, "Ev2", "reply:C1:2.000001")
    caplog.set_level(logging.CRITICAL)
    desk = Desk(database, [trouble])
    await desk.attend()
    assert sorted(one.status for one in await rows(database, InboxEvent)) == sorted([status, InboxStatus.DONE])


async def test_what_was_answered_is_forgotten_and_what_waits_is_not(database: Database, clock: Clock) -> None:
    await hear(database)
    await Desk(database).attend()
    await hear(database, "Ev2", "reply:C1:2.000001")
    clock.now += inbox.LIFETIME + timedelta(seconds=1)
    await upkeep.forget_events(database)
    assert (await only(database)).id == "Ev2"
