"""Whoever waits is woken by the commit, in whichever process it was made, and asks the database nothing meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import event, text

from bot.api.waiting import Waiters
from bot.office import Office
from governance.policy import Policy
from storage import proposals
from storage.database import Database, Tx
from storage.dossier import Dossier
from storage.notices import MAX_PAYLOAD, payloads
from storage.opening import open_database
from tests.conftest import ENCRYPTION_KEY, Clock
from tests.integration.verbs import REJECT, TENANT, Held, asked, say

_CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = 'countersign wake-ups' AND datname = current_database()
"""


@pytest.fixture
async def pair(postgresql_url: str, clock: Clock) -> AsyncIterator[tuple[Database, Database]]:
    """Two processes at one PostgreSQL."""
    both = [await open_database(postgresql_url, ENCRYPTION_KEY, clock=clock) for _ in range(2)]
    for one in both:
        assert one.notices
        await one.notices.start()
    yield both[0], both[1]
    for one in both:
        await one.close()


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What is asked of a database."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(database.reader.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.reader.sync_engine, "before_cursor_execute", note)


def long_poll(database: Database, policy: Policy, found: Dossier, seconds: float = 60) -> "asyncio.Task[None]":
    """Wait as a call to the API waits whose client stays."""
    waiters = Waiters(Office(database, Held(policy), AsyncWebClient(token="")), glance=0.01, untold=0.05)
    stays: Any = SimpleNamespace(transport=SimpleNamespace(is_closing=lambda: False))
    return asyncio.create_task(waiters.wait(stays, "deployer", found.proposal.id, seconds))


async def deaf_and_back(database: Database) -> None:
    """Wait until nobody is heard any more, and until everybody is heard again: both are said to all who wait."""
    with database.signals.listen("anything") as woken:
        for is_woken in (False, True):
            while database.is_woken is not is_woken:
                await woken.wait()
                woken.clear()


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - what another process sent is on its way
        await asyncio.sleep(0.005)


async def test_who_waits_asks_once_and_then_nothing_until_it_is_woken(database: Database, policy: Policy) -> None:
    if database.notices:
        await database.notices.start()
    found, other = await asked(database, policy), await asked(database, policy, arguments={"service": "other"})
    with statements(database) as seen:
        poll = long_poll(database, policy, found)
        await until(lambda: bool(seen))
        await say(database, other, "U0BOB", REJECT, "no")
        seen.clear()
        await asyncio.sleep(0.3)  # thirty glances at the caller
        assert seen == [], "it asked unasked"
        assert not poll.done()
    await say(database, found, "U0BOB", REJECT, "no")
    await poll


async def test_a_decision_in_one_process_wakes_who_waits_in_another(
    pair: tuple[Database, Database], policy: Policy
) -> None:
    one, other = pair
    found = await asked(one, policy)
    with statements(other) as seen:
        poll = long_poll(other, policy, found)
        await until(lambda: bool(seen))
        await say(one, found, "U0BOB", REJECT, "no")
        await poll
    assert sum("SELECT proposals.state" in one for one in seen) <= 3  # at first, and when woken


async def test_a_process_is_told_what_others_commit_and_not_what_it_knows(pair: tuple[Database, Database]) -> None:
    one, other = pair
    with one.signals.listen("audit") as mine, other.signals.listen("audit") as theirs:
        await commit(one, "audit")
        assert mine.is_set()
        mine.clear()
        await theirs.wait()
        with one.signals.listen("end") as end:
            await commit(other, "end")
            await end.wait()  # whatever was said before has arrived as well
        assert not mine.is_set()


async def test_what_was_committed_while_the_connection_was_cut_wakes_once_it_is_back(
    pair: tuple[Database, Database], policy: Policy
) -> None:
    one, other = pair
    found = await asked(one, policy)
    poll = long_poll(other, policy, found)
    assert other.notices
    assert other.is_woken
    back = [asyncio.create_task(deaf_and_back(each)) for each in pair]
    await asyncio.sleep(0)  # they listen now
    assert await one.write(TENANT, lambda tx: tx.session.scalar(text(_CUT))) == 2
    await asyncio.gather(*back)
    assert other.is_woken
    await say(one, found, "U0BOB", REJECT, "no")
    await poll


async def test_who_is_not_woken_looks_now_and_then(postgresql_url: str, policy: Policy, clock: Clock) -> None:
    one, other = [await open_database(postgresql_url, ENCRYPTION_KEY, clock=clock) for _ in range(2)]
    assert not other.is_woken
    found = await asked(one, policy)
    poll = long_poll(other, policy, found)
    await say(one, found, "U0BOB", REJECT, "no")
    await poll
    await one.close()
    await other.close()


async def commit(database: Database, *topics: str) -> None:
    async def announce(tx: Tx) -> None:
        tx.announce(*topics)

    await database.write(TENANT, announce)


async def test_many_topics_of_one_moment_go_out_in_few_messages(pair: tuple[Database, Database]) -> None:
    one, other = pair
    topics = [proposals.topic(f"prp_{n:032d}") for n in range(1000)]
    sent = payloads(topics)
    assert sorted("\n".join(sent).split("\n")) == topics
    assert (len(sent), max(len(one) for one in sent) <= MAX_PAYLOAD) == (6, True)
    for many in (topics, [f"{topic}{n}" for topic in topics for n in range(5)]):  # so many that everybody is woken
        with other.signals.listen(many[0]) as first, other.signals.listen(many[-1]) as last:
            await commit(one, *many)
            await first.wait()
            await last.wait()
