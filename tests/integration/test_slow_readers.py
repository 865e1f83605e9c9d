"""Readers of the stream that take little or nothing: they are told, or cut off, and cost nobody else anything."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.api.stream.hub import Pace
from governance.policy import Policy
from scheduler.upkeep import seal_audit
from storage.database import Database
from storage.dossier import Dossier
from storage.opening import open_database
from tests.conftest import ENCRYPTION_KEY, Clock
from tests.integration.streaming import Line, Site, happen, ids, site, slow_socket
from tests.integration.verbs import asked

LONG = "x" * 2000
MANY = 200  # of these are more than a narrow connection holds
SHORT_RING = Pace(soon=0.0, kept=20)


@pytest.fixture
async def database(sqlite_url: str, clock: Clock) -> AsyncIterator[Database]:
    opened = await open_database(sqlite_url, ENCRYPTION_KEY, clock=clock)
    yield opened
    await opened.close()


async def known(database: Database, policy: Policy) -> Dossier:
    """A call whose opening no stream is sent any more."""
    found = await asked(database, policy)
    await seal_audit(database)
    return found


async def slow(running: Site, headers: dict[str, str]) -> Line:
    """Open the stream on a connection that takes little, and do not read on."""
    reader, writer = await asyncio.open_connection(sock=slow_socket(running.port), limit=1024)
    return await running.begin(reader, writer, headers)


async def let_much_happen(running: Site, found: Dossier, quick: Line) -> list[int]:
    """Let more happen than the slow one takes; returns the ids as a quick one sees them."""
    seen: list[int] = []
    for _ in range(MANY // 10):
        await happen(running.database, found.proposal, 10, LONG)
        seen += ids(await quick.events(10))
    return seen


@pytest.mark.parametrize("is_agent", [False, True], ids=["operator", "agent"])
async def test_who_falls_behind_is_told_what_it_missed_and_goes_on_from_the_newest(
    database: Database, policy: Policy, is_agent: bool
) -> None:
    """closes approval-api 8"""
    async with site(database, policy, SHORT_RING, narrow=True) as running:
        found = await known(database, policy)
        headers = await running.agent() if is_agent else running.signed(await running.operator())
        agent = await running.agent()
        late, quick = await slow(running, headers), await running.open(agent)
        every = await let_much_happen(running, found, quick)
        before: list[int] = []
        while (event := (await late.events(1))[0])["event"] != "lagged":
            before.append(event["id"])
        await happen(database, found.proposal, 1)
        every += ids(await quick.events(1))
        after = ids(await late.events(1))
        assert before == every[: len(before)]
        assert event == {
            "event": "lagged", "id": event["id"], "at": "2026-11-23T12:00:00Z", "resume_after": before[-1],
            "missed": None if is_agent else len(every) - len(before) - len(after),
            "resync": "/api/v1/approvals?status=pending",
        }  # fmt: skip
        assert after == [one for one in every if one > event["id"]]
        resumed = await running.open(agent, last=event["resume_after"])
        assert ids(await resumed.events(len(every) - len(before))) == every[len(before) :]


async def test_who_takes_nothing_is_cut_off_and_nobody_waits_for_it(database: Database, policy: Policy) -> None:
    pace = Pace(soon=0.0, kept=20, patience=0.5)
    async with site(database, policy, pace, narrow=True) as running:
        found, headers = await known(database, policy), await running.agent()
        stalled, quick = await slow(running, headers), await running.open(headers)
        every = await let_much_happen(running, found, quick)
        assert every == sorted(set(every))
        while running.stream.hub.blocked:
            await happen(database, found.proposal, 1)
            await quick.events(1)
        assert await stalled.ended()


async def test_a_reader_that_takes_nothing_does_not_hold_up_a_stop(database: Database, policy: Policy) -> None:
    async with site(database, policy, SHORT_RING, narrow=True) as running:
        found, headers = await known(database, policy), await running.agent()
        stalled, quick = await slow(running, headers), await running.open(headers)
        await let_much_happen(running, found, quick)
        assert running.stream.hub.blocked == 1
        async with asyncio.timeout(5):  # our patience is 30 s, and a server waits 10 s for what is under way
            database.signals.close()
            assert await quick.ended()
            assert await stalled.ended()
