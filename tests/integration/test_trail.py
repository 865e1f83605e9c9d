"""Trail lines of one thread that wait together are said together; none is lost, none is said twice."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from scheduler.outbox import Outbox
from scheduler.ports import Postponed
from storage import outbox, trail
from storage.database import Database
from storage.outbox import Owed, Priority, owe
from storage.tables import OutboxMessage
from storage.trail import MOST, lines_of
from tests.conftest import Clock
from tests.integration.verbs import TENANT, count, rows


@dataclass
class Thread:
    """Says lines as it is told, or raises the next thing of its script."""

    database: Database
    script: list[Exception | None] = field(default_factory=list)
    said: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.database, dict.fromkeys(Owed, self.say))

    async def say(self, message: OutboxMessage) -> None:
        if self.script and (trouble := self.script.pop(0)) is not None:
            raise trouble
        self.said.append([line["event"] for line in lines_of(message)])

    async def deliver(self) -> None:
        await self.outbox.drain()
        await self.outbox.stop()

    @property
    def lines(self) -> list[str]:
        return [line for message in self.said for line in message]


async def add(database: Database, *events: str, surface: str = "sfc_1") -> None:
    for event in events:
        line = {"surface_id": surface, "proposal_id": "prp_1", "event": event}
        await database.write(TENANT, lambda tx, line=line: trail.add(tx, surface, line))


def busy(after: float = 1.0, *, certain: bool = True) -> Postponed:
    return Postponed("busy", after=after, certain=certain)


async def test_lines_that_wait_for_one_thread_are_one_message(database: Database) -> None:
    await add(database, "vote", "delegated", "approved")
    await add(database, "expired", surface="sfc_2")
    thread = Thread(database)
    await thread.deliver()
    assert sorted(thread.said) == [["expired"], ["vote", "delegated", "approved"]]
    assert await count(database, OutboxMessage, status="sent") == 2


async def test_a_message_that_was_claimed_takes_no_more_lines(database: Database) -> None:
    await add(database, "vote")
    (claimed,) = await database.write("", lambda tx: outbox.claim(tx, 1))
    await add(database, "approved")
    assert [line["event"] for line in lines_of(claimed)] == ["vote"]
    thread = Thread(database)
    await thread.deliver()
    assert thread.said == [["approved"]]


async def test_what_certainly_was_not_said_goes_with_what_came_meanwhile(database: Database, clock: Clock) -> None:
    thread = Thread(database, [busy()])
    await add(database, "vote")
    await thread.deliver()
    await add(database, "approved")
    clock.forward(seconds=2)
    await thread.deliver()
    assert thread.said == [["vote", "approved"]]


async def test_a_newer_message_is_taken_in_when_an_older_one_comes_back(database: Database, clock: Clock) -> None:
    await add(database, "vote")
    (older,) = await database.write("", lambda tx: outbox.claim(tx, 1))
    await add(database, "approved")
    at = clock() + timedelta(seconds=1)
    await database.write(TENANT, lambda tx: trail.again(tx, older, at, "busy"))
    clock.forward(seconds=2)
    thread = Thread(database)
    await thread.deliver()
    assert thread.said == [["vote", "approved"]]
    assert [one.status for one in await rows(database, OutboxMessage)] == ["sent", "sent"]


async def test_what_may_have_been_said_stays_by_itself(database: Database, clock: Clock) -> None:
    thread = Thread(database, [busy(certain=False)])
    await add(database, "vote")
    await thread.deliver()
    await add(database, "approved")
    clock.forward(seconds=2)
    await thread.deliver()
    assert sorted(thread.said) == [["approved"], ["vote"]]


async def test_a_claimant_that_died_leaves_its_lines_to_the_next(database: Database, clock: Clock) -> None:
    await add(database, "vote", "delegated")
    await database.write("", lambda tx: outbox.claim(tx, 1))
    await add(database, "approved")
    clock.now += outbox.LEASE + timedelta(seconds=1)
    thread = Thread(database)
    await thread.deliver()
    assert sorted(thread.said) == [["approved"], ["vote", "delegated"]]


@pytest.mark.parametrize("waits", [1, MOST - 1, MOST, 3 * MOST])
async def test_a_long_story_is_told_in_several_messages(database: Database, clock: Clock, waits: int) -> None:
    await add(database, "first")
    (older,) = await database.write("", lambda tx: outbox.claim(tx, 1))
    await add(database, *(f"n{n:02}" for n in range(waits)))
    at = clock() + timedelta(seconds=1)
    await database.write(TENANT, lambda tx: trail.again(tx, older, at, "busy"))
    clock.forward(seconds=2)
    thread = Thread(database)
    await thread.deliver()
    assert sorted(thread.lines) == ["first", *(f"n{n:02}" for n in range(waits))]
    assert max(map(len, thread.said)) <= MOST


async def test_warnings_and_outcomes_stay_by_themselves(database: Database) -> None:
    await add(database, "vote", "approved")
    for n, priority in enumerate((Priority.WARNING, Priority.OUTCOME)):
        payload = {"surface_id": "sfc_1", "event": priority.name}
        await database.write(TENANT, lambda tx, n=n, p=priority, d=payload: owe(tx, Owed.NOTE, f"note_{n}", p, d))
    thread = Thread(database)
    await thread.deliver()
    assert sorted(thread.said) == [["OUTCOME"], ["WARNING"], ["vote", "approved"]]


async def test_many_hands_lose_no_line(database: Database) -> None:
    await asyncio.gather(*(add(database, f"n{n:02}") for n in range(12)))
    thread = Thread(database)
    await thread.deliver()
    assert sorted(thread.lines) == [f"n{n:02}" for n in range(12)]
