"""Two hundred readers and one that takes nothing, while much happens: each event once and in order, little memory."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.api.stream.hub import Pace
from governance.policy import Policy
from scheduler.upkeep import seal_audit
from storage.database import Database
from storage.opening import open_database
from storage.tables import AuditEntry
from tests.conftest import ENCRYPTION_KEY, Clock
from tests.integration.streaming import PATIENCE, Line, happen, site, slow_socket
from tests.integration.verbs import asked, count

READERS = 200
EVENTS = 5000
AT_ONCE = 250  # things that happen in one commit
_ID = re.compile(rb"^id: (\d+)\nevent:", re.MULTILINE)  # what has no event only says where the reader is


@pytest.fixture
async def database(sqlite_url: str, clock: Clock) -> AsyncIterator[Database]:
    opened = await open_database(sqlite_url, ENCRYPTION_KEY, clock=clock)
    yield opened
    await opened.close()


async def seen_by(line: Line, last: int) -> list[int]:
    """Read the ids of events up to this one."""
    found: list[int] = []
    rest = b""
    while not found or found[-1] < last:
        read = await asyncio.wait_for(line.reader.read(65536), PATIENCE)
        assert read, f"the stream ended after {found[-1:]}"
        whole, end, rest = (rest + read).rpartition(b"\n\n")
        found += map(int, _ID.findall(whole + end))
    return found


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_two_hundred_readers_see_each_event_once_and_in_order_beside_one_that_takes_nothing(
    database: Database, policy: Policy
) -> None:
    """closes approval-api 8"""
    async with site(database, policy, Pace(soon=0.01)) as running:
        found, headers = await asked(database, policy), await running.agent()
        await seal_audit(database)
        first = await count(database, AuditEntry) + 1
        lines = [await running.open(headers) for _ in range(READERS)]
        reader, writer = await asyncio.open_connection(sock=slow_socket(running.port), limit=1024)
        await running.begin(reader, writer, headers)
        every, held = list(range(first, first + EVENTS)), resident()
        killed = await running.open(headers)
        heard: list[list[int]] = [[] for _ in lines]
        heard_by_killed: list[int] = []
        for n, last in enumerate(range(first + AT_ONCE - 1, first + EVENTS, AT_ONCE)):
            await happen(database, found.proposal, AT_ONCE)
            for ids, more in zip(heard, await asyncio.gather(*(seen_by(line, last) for line in lines)), strict=True):
                ids += more
            if n % 3 == 0:  # killed for two rounds after each one that it hears
                heard_by_killed += await seen_by(killed, last)
                killed.hang_up()
            elif n % 3 == 2:
                killed = await running.open(headers, last=heard_by_killed[-1])
        assert all(ids == every for ids in heard)
        resumed = await running.open(headers, last=heard_by_killed[-1])
        assert heard_by_killed + await seen_by(resumed, every[-1]) == every
        assert len(running.stream.hub.ring) <= running.stream.hub.pace.kept
        assert resident() - held < 100 * 1024 * 1024
