"""What a commit owes the outside world is paid once, in order, and never forgotten."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import text

from operations.hold import hold
from operations.prefer import Wishes, prefer
from scheduler.outbox import Outbox
from scheduler.ports import Postponed, Undeliverable
from storage import outbox
from storage.database import Database, Tx
from storage.outbox import Owed, Priority, owe
from storage.tables import OutboxMessage
from tests.conftest import NOON, Clock
from tests.integration.running import another
from tests.integration.verbs import TENANT, count, rows

SHOW, NOTE = Owed.SHOW, Owed.NOTE


@dataclass
class Post:
    """Delivers what an outbox hands it, or raises the next thing of its script."""

    database: Database
    script: list[Exception | None] = field(default_factory=list)
    delivered: list[OutboxMessage] = field(default_factory=list)
    during: Callable[[OutboxMessage], object] | None = None

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.database, dict.fromkeys(Owed, self.handle))

    async def handle(self, message: OutboxMessage) -> None:
        self.delivered.append(message)
        if self.during is not None:
            await self.during(message)  # type: ignore[misc]
        trouble = self.script.pop(0) if self.script else None
        if trouble is not None:
            raise trouble

    async def deliver(self) -> None:
        """Deliver what is due and let it end."""
        await self.outbox.drain()
        await self.outbox.stop()

    @property
    def subjects(self) -> list[str]:
        return [one.subject for one in self.delivered]


async def must(database: Database, *owed: tuple[Owed, str, Priority]) -> None:
    """Owe some messages, in one transaction."""

    async def run(tx: Tx) -> None:
        for kind, subject, priority in owed:
            await owe(tx, kind, subject, priority)

    await database.write(TENANT, run)


async def only(database: Database) -> OutboxMessage:
    (message,) = await rows(database, OutboxMessage)
    return message


async def test_what_is_owed_twice_for_one_subject_is_delivered_once_at_the_greater_urgency(database: Database) -> None:
    for priority in (Priority.CARD, Priority.ANSWER, Priority.TRAIL):
        await must(database, (SHOW, "sfc_1", priority))
    assert (await only(database)).priority == Priority.ANSWER
    post = Post(database)
    await post.deliver()
    assert post.subjects == ["sfc_1"]


async def test_other_subjects_and_other_kinds_are_other_messages(database: Database) -> None:
    for _ in range(2):
        await must(database, *((kind, subject, Priority.CARD) for kind in (SHOW, NOTE) for subject in ("a", "b")))
    assert await count(database, OutboxMessage) == 4


async def test_a_change_during_a_delivery_is_delivered_after_it(database: Database) -> None:
    await must(database, (SHOW, "sfc_1", Priority.CARD))
    post = Post(database)

    async def changes(_: OutboxMessage) -> None:
        post.during = None
        await must(database, (SHOW, "sfc_1", Priority.ANSWER))

    post.during = changes
    await post.deliver()
    await post.deliver()
    assert post.subjects == ["sfc_1", "sfc_1"]
    assert await count(database, OutboxMessage, status="sent") == 2


async def test_an_operation_that_fails_owes_nothing(database: Database) -> None:
    async def fails(tx: Tx) -> None:
        await owe(tx, SHOW, "sfc_1", Priority.CARD)
        raise RuntimeError("after all not")

    with pytest.raises(RuntimeError):
        await database.write(TENANT, fails)
    assert await count(database, OutboxMessage) == 0


async def test_what_removes_buttons_goes_before_everything_else(database: Database, clock: Clock) -> None:
    for n, priority in enumerate(reversed(Priority)):
        clock.forward(seconds=1)
        await must(database, *((NOTE, f"{priority}.{n}.{m}", priority) for m in range(3)))
    async with database.read("") as tx:
        claimed = await outbox.claim(tx, 100)
    assert [one.priority for one in claimed] == sorted(priority for priority in Priority for _ in range(3))


async def test_a_message_whose_claimant_died_is_delivered_after_its_lease(database: Database, clock: Clock) -> None:
    await must(database, (SHOW, "sfc_1", Priority.CARD))
    assert len(await database.write("", lambda tx: outbox.claim(tx, 10))) == 1
    post = Post(database)
    clock.forward(seconds=30)
    await post.deliver()
    assert post.subjects == []
    clock.forward(seconds=1)
    await post.deliver()
    assert post.subjects == ["sfc_1"]
    message = await only(database)
    assert (message.status, message.attempts) == ("sent", 2)


async def test_a_delivery_known_to_have_begun_stays_uncertain_for_whoever_takes_it_over(
    database: Database, clock: Clock
) -> None:
    await must(database, (NOTE, "note_1", Priority.TRAIL))
    (claimed,) = await database.write("", lambda tx: outbox.claim(tx, 10))
    await database.write(TENANT, lambda tx: outbox.begin_sending(tx, claimed.id))
    clock.forward(seconds=31)
    post = Post(database)
    await post.deliver()
    assert [one.certain for one in post.delivered] == [False]


@pytest.mark.parametrize("certain", [True, False])
async def test_a_postponed_message_comes_back_at_its_time_knowing_whether_it_may_have_arrived(
    database: Database, clock: Clock, certain: bool
) -> None:
    await must(database, (SHOW, "sfc_1", Priority.CARD))
    post = Post(database, [Postponed("ratelimited", after=7, certain=certain)])
    await post.deliver()
    message = await only(database)
    assert (message.status, message.next_attempt_at) == ("queued", NOON + timedelta(seconds=7))
    assert (message.certain, message.last_error) == (certain, "ratelimited")
    clock.forward(seconds=6.9)
    await post.deliver()
    assert len(post.delivered) == 1
    clock.forward(seconds=0.1)
    await post.deliver()
    assert (len(post.delivered), (await only(database)).status) == (2, "sent")


async def test_a_postponed_message_gives_way_to_a_newer_one_for_its_subject(database: Database) -> None:
    await must(database, (SHOW, "sfc_1", Priority.CARD))
    post = Post(database, [Postponed("ratelimited", after=60, certain=True)])
    post.during = lambda _: must(database, (SHOW, "sfc_1", Priority.ANSWER))
    await post.deliver()
    found = await rows(database, OutboxMessage)
    assert sorted(one.status for one in found) == ["queued", "sent"]
    assert [one.next_attempt_at for one in found if one.status == "queued"] == [NOON]


async def test_a_handler_that_breaks_is_tried_again_and_may_have_delivered(database: Database) -> None:
    await must(database, (SHOW, "sfc_1", Priority.CARD))
    await Post(database, [RuntimeError("a bug")]).deliver()
    message = await only(database)
    assert (message.status, message.certain, message.next_attempt_at > NOON) == ("queued", False, True)


async def test_what_can_never_be_delivered_is_given_up_visibly(database: Database, clock: Clock) -> None:
    await must(database, (NOTE, "note_1", Priority.TRAIL))
    post = Post(database, [Undeliverable("its card is gone")])
    await post.deliver()
    clock.forward(days=1)
    await post.deliver()
    message = await only(database)
    assert (len(post.delivered), message.status, message.last_error) == (1, "dead", "its card is gone")


async def test_after_a_day_of_trouble_a_message_is_given_up(database: Database, clock: Clock) -> None:
    await must(database, (NOTE, "note_1", Priority.TRAIL))
    post = Post(database, [Postponed("HTTP 500", after=1, certain=False)] * 3)
    await post.deliver()
    clock.forward(hours=24)
    await post.deliver()
    assert (await only(database)).status == "queued"
    clock.forward(seconds=2)
    await post.deliver()
    assert (await only(database)).status == "dead"


async def test_a_message_that_cannot_be_delivered_keeps_no_other_waiting(database: Database) -> None:
    await must(database, *((NOTE, f"note_{n}", Priority.TRAIL) for n in range(25)))
    stuck = asyncio.Event()
    post = Post(database)

    async def first_one_hangs(message: OutboxMessage) -> None:
        if message.subject == "note_0":
            await stuck.wait()

    post.during = first_one_hangs
    with database.signals.listen("outbox") as place_free:
        while True:
            place_free.clear()  # before looking, so that nothing announced meanwhile is missed
            if await count(database, OutboxMessage, status="sent") == 24:
                break
            await post.outbox.drain()
            await place_free.wait()
    assert await count(database, OutboxMessage, status="sending") == 1
    stuck.set()
    await post.outbox.stop()


async def test_outboxes_of_several_processes_deliver_each_message_once(
    url: str, database: Database, clock: Clock
) -> None:
    await must(database, *((NOTE, f"note_{n}", Priority.TRAIL) for n in range(90)))
    async with AsyncExitStack() as processes:
        posts = [Post(await processes.enter_async_context(another(url, clock))) for _ in range(3)]
        while await count(database, OutboxMessage, status="queued"):
            await asyncio.gather(*(post.deliver() for post in posts))
    delivered = [subject for post in posts for subject in post.subjects]
    assert sorted(delivered) == sorted(f"note_{n}" for n in range(90))


async def until(database: Database, waiting: int) -> None:
    """Return once so many of PostgreSQL's transactions wait for another one's lock."""
    async with database.read("") as tx:
        while await tx.session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")) != waiting:
            await tx.session.execute(text("SELECT pg_sleep(0.01)"))


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_a_postponed_message_gives_way_to_a_newer_one_that_is_just_being_committed(database: Database) -> None:
    await must(database, (SHOW, "sfc_1", Priority.CARD))
    (claimed,) = await database.write("", lambda tx: outbox.claim(tx, 10))
    owed, commit = asyncio.Event(), asyncio.Event()

    async def newer(tx: Tx) -> None:
        await owe(tx, SHOW, "sfc_1", Priority.ANSWER)
        owed.set()
        await commit.wait()

    owing = asyncio.create_task(database.write(TENANT, newer))
    await owed.wait()
    postponing = asyncio.create_task(
        database.write(TENANT, lambda tx: outbox.again(tx, claimed, NOON, "ratelimited", certain=True))
    )
    await until(database, waiting=1)
    commit.set()
    await asyncio.gather(owing, postponing)
    found = await rows(database, OutboxMessage)
    assert {one.status: one.priority for one in found} == {"sent": Priority.CARD, "queued": Priority.ANSWER}


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_settings_that_change_while_a_message_is_being_held_let_it_go(database: Database, clock: Clock) -> None:
    await database.write(TENANT, lambda tx: prefer(tx, "U0BOB", Wishes("UTC", None, 11 * 60, 13 * 60)))
    await must(database, (NOTE, "note_1", Priority.TRAIL))
    (claimed,) = await database.write("", lambda tx: outbox.claim(tx, 10))
    held, commit = asyncio.Event(), asyncio.Event()

    async def holding(tx: Tx) -> None:
        assert await hold(tx, claimed.id, "U0BOB")
        held.set()
        await commit.wait()

    waiting = asyncio.create_task(database.write(TENANT, holding))
    await held.wait()
    changing = asyncio.create_task(database.write(TENANT, lambda tx: prefer(tx, "U0BOB", Wishes())))
    await until(database, waiting=1)
    commit.set()
    await asyncio.gather(waiting, changing)
    assert (await only(database)).next_attempt_at == NOON


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_of_two_operations_in_a_deadlock_both_are_done_in_the_end(database: Database) -> None:
    await must(database, (NOTE, "a", Priority.TRAIL), (NOTE, "b", Priority.TRAIL))
    both, runs = asyncio.Barrier(2), []

    async def bump(tx: Tx, first: str, second: str) -> None:
        runs.append(first)
        for subject in (first, second):
            statement = text("UPDATE outbox_messages SET attempts = attempts + 1 WHERE subject = :subject")
            await tx.session.execute(statement, {"subject": subject})
            if subject == first and len(runs) <= 2:
                await both.wait()

    await asyncio.gather(
        database.write(TENANT, lambda tx: bump(tx, "a", "b")), database.write(TENANT, lambda tx: bump(tx, "b", "a"))
    )
    assert [one.attempts for one in await rows(database, OutboxMessage)] == [2, 2]
    assert len(runs) == 3
