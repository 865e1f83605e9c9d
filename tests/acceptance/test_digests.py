"""The daily digest: at the hour a person chose, once, true when it is sent, and not at all where nothing is to say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from bot.workspace import Message, WorkspaceServer, demo_workspace
from governance.rules import Remember
from operations.prefer import Wishes, prefer
from operations.remember import Wish
from operations.stand import pause
from scheduler.upkeep import owe_digests
from storage.database import Database
from storage.tables import OutboxMessage
from tests.conftest import NOON, Clock
from tests.integration.desk import Desk, words
from tests.integration.running import DONE, NO, another, worker
from tests.integration.verbs import REJECT, TENANT, asked, count, rows, say, submit

ALICE, BOB, CAROL, DANA = "U0ALICE", "U0BOB", "U0CAROL", "U0ADMIN"


@pytest.fixture
async def desk(database: Database, clock: Clock, tmp_path: Path) -> AsyncIterator[Desk]:
    async with WorkspaceServer(demo_workspace()) as slack:
        made = Desk(database, clock, slack, tmp_path / "desk.toml")
        await made.office.identify()
        yield made
        assert slack.workspace.violations == []


async def wishes(desk: Desk, person: str, hour: int | None, tz: str = "UTC", *, quiet: bool = False) -> None:
    """Let somebody want their digest at an hour; `quiet` puts quiet hours around it."""
    wanted = Wishes(tz, hour, 0 if quiet else None, 23 * 60 if quiet else None)
    await desk.database.write(TENANT, lambda tx: prefer(tx, person, wanted))


async def tick(desk: Desk, **later: float) -> None:
    """Let time pass, and do what the clock does."""
    desk.clock.forward(**later)
    await owe_digests(desk.database)
    desk.restart()
    await desk.office.identify()
    await desk.settle()


def digests(desk: Desk, person: str) -> list[Message]:
    return [one for one in desk.workspace.dm(person) if "Your day" in words(one)]


async def test_a_digest_comes_at_its_hour_where_the_person_is_and_once_a_day(desk: Desk) -> None:
    await wishes(desk, BOB, 8, "America/New_York")  # 13:00 UTC
    await asked(desk.database, desk.policy)
    await tick(desk, minutes=59)
    assert digests(desk, BOB) == []
    await tick(desk, minutes=1)
    for _ in range(3):
        await tick(desk, hours=1)
    assert len(digests(desk, BOB)) == 1
    await tick(desk, hours=21)
    assert len(digests(desk, BOB)) == 2


async def test_after_a_week_switched_off_there_is_one_digest(desk: Desk) -> None:
    await wishes(desk, BOB, 13)
    desk.clock.forward(days=7)
    await asked(desk.database, desk.policy)
    await tick(desk)
    await tick(desk)
    assert len(digests(desk, BOB)) == 1


async def test_several_replicas_send_one_digest(desk: Desk, url: str, clock: Clock) -> None:
    people = [BOB, CAROL]
    for person in people:
        await wishes(desk, person, 13)
    await asked(desk.database, desk.policy)
    clock.forward(hours=1)
    async with AsyncExitStack() as processes:
        others = [await processes.enter_async_context(another(url, clock)) for _ in range(3)]
        await asyncio.gather(*(owe_digests(one) for one in (*others, desk.database)))
    await desk.settle()
    assert [len(digests(desk, person)) for person in people] == [1, 1]
    assert await count(desk.database, OutboxMessage, kind="digest") == 2


async def test_an_outage_brings_no_second_digest_at_its_end(desk: Desk) -> None:
    await wishes(desk, BOB, 13)
    await asked(desk.database, desk.policy)
    desk.clock.forward(hours=1)
    await owe_digests(desk.database)
    desk.clock.forward(hours=24)
    await owe_digests(desk.database)
    await desk.settle()
    assert len(digests(desk, BOB)) == 1


async def test_it_lists_what_waits_with_links_what_expires_first_at_the_head(desk: Desk) -> None:
    await wishes(desk, BOB, 13)
    for n in range(7):
        await asked(desk.database, desk.policy, arguments={"service": f"s{n}"})
        desk.clock.forward(seconds=1)
    await asked(desk.database, desk.policy, "deploy.default")  # not Bob's to answer
    await desk.settle()
    first = next(one for one in desk.cards() if '"s0"' in one.text)
    await wishes(desk, BOB, 13)
    desk.clock.now = NOON + timedelta(hours=25)
    await tick(desk)
    (message,) = digests(desk, BOB)
    text = words(message)
    assert "7 requests wait for you, 7 of them expiring within 24 hours" in text
    assert text.count("• *<http") == 5
    assert f"p{first.ts.replace('.', '')}" in text
    assert "… and 2 more" in text


async def test_it_counts_what_ones_agents_and_rules_did_and_says_who_is_paused(desk: Desk) -> None:
    await wishes(desk, ALICE, 13)
    await wishes(desk, BOB, 13)
    for answer in (DONE, DONE, NO):
        await submit(desk.database, desk.policy, "note.auto")
        await worker(desk.database, desk.policy, answer).work()
    await say(desk.database, await asked(desk.database, desk.policy), CAROL, REJECT, "no")
    await say(desk.database, await asked(desk.database, desk.policy, arguments={"service": "b"}), BOB,
              wish=Wish(Remember.FOREVER))  # fmt: skip
    await worker(desk.database, desk.policy, DONE).work()
    for _ in range(3):
        await submit(desk.database, desk.policy, arguments={"service": "b"})
        await worker(desk.database, desk.policy, DONE).work()
    agent = desk.policy.agents["deployer"]
    await desk.database.write(TENANT, lambda tx: pause(tx, agent, DANA, "enough"))
    await tick(desk, hours=1)
    creator, author = (words(digests(desk, person)[0]) for person in (ALICE, BOB))
    assert "*Deployer*: 1 failed, 1 rejected, 6 ran, people asked 2×" in creator
    assert "⏸️ *Deployer* by <@U0ADMIN>" in creator
    assert "Nothing waits for you" in creator
    assert "*allow* `deploy.production` by deployer: 3×" in author
    assert "Paused" not in author
    assert "Your agents" not in author


async def test_what_happened_before_the_last_day_is_not_in_it(desk: Desk) -> None:
    await wishes(desk, ALICE, 11)
    await submit(desk.database, desk.policy, "note.auto")
    await worker(desk.database, desk.policy, DONE).work()
    await tick(desk, hours=47)
    assert digests(desk, ALICE) == []


async def test_an_empty_digest_is_not_sent(desk: Desk) -> None:
    await wishes(desk, BOB, 13)
    await tick(desk, hours=1)
    assert desk.workspace.dm(BOB) == []
    assert await count(desk.database, OutboxMessage, kind="digest", status="sent") == 1


async def test_an_hour_chosen_within_ones_quiet_hours_is_kept(desk: Desk) -> None:
    await wishes(desk, BOB, 13, quiet=True)
    await asked(desk.database, desk.policy)
    desk.clock.forward(hours=1)
    await owe_digests(desk.database)
    for _ in range(2):
        await desk.deliver()
    assert len(digests(desk, BOB)) == 1


async def test_who_wants_none_any_more_gets_none_that_was_owed_before(desk: Desk) -> None:
    await wishes(desk, BOB, 13)
    await asked(desk.database, desk.policy)
    desk.clock.forward(hours=1)
    await owe_digests(desk.database)
    await wishes(desk, BOB, None)
    await desk.settle()
    assert digests(desk, BOB) == []


async def test_a_guest_is_told_nothing_any_more(desk: Desk) -> None:
    await wishes(desk, BOB, 13)
    await asked(desk.database, desk.policy)
    await desk.slack.seat.happenings.person_changed(BOB, is_restricted=True)
    await tick(desk, hours=1)
    assert desk.workspace.dm(BOB) == []
    (owed,) = await rows(desk.database, OutboxMessage, kind="digest")
    assert owed.status == "dead"


@pytest.mark.parametrize("fault", ["lost", "drop", "500", "ratelimited"])
async def test_a_digest_in_trouble_is_sent_once(desk: Desk, fault: str) -> None:
    await wishes(desk, BOB, 13)
    await asked(desk.database, desk.policy)
    await desk.settle()
    desk.clock.forward(hours=1)
    await owe_digests(desk.database)
    desk.workspace.faults.add("chat.postMessage", fault, 2)
    await desk.settle()
    assert len(digests(desk, BOB)) == 1
