"""How many statements and commits a call costs: counted in a server inside this process, so the numbers are exact.

Calls are counted against the API alone, without the loop, so that nothing but the call itself is counted; an idle
second is counted against a whole server with nothing to do.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from typing import Any

from aiohttp import web
from sqlalchemy import event

from benchmarks.client import Client
from benchmarks.site import Site
from bot.api.routes import api_routes, new_web_app
from bot.app import build
from bot.office import Office
from bot.policy import PolicySource
from bot.settings import read_settings
from bot.slack import new_client
from storage.database import Database
from storage.opening import open_database

_CALLS = 5
_IDLE = 10.0  # seconds
_SETTLES = 1.5  # seconds, until the ticks of the start are over
_CHANGES = ("INSERT", "UPDATE", "DELETE")
_CONTROL = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "PRAGMA")
_WROTE = "benchmarks wrote"


@dataclass
class Counts:
    """What reached the database. `empty_commits` ended a write transaction that changed nothing."""

    reads: float = 0
    changes: float = 0
    commits: float = 0
    empty_commits: float = 0

    def each(self, count: float) -> "Counts":
        """Return the counts divided by `count`."""
        return Counts(*(getattr(self, one.name) / count for one in fields(self)))


class Counter:
    """Counts on every engine of a database, from when it is made."""

    def __init__(self, database: Database) -> None:
        self.counts = Counts()
        for engine in {database.writer.sync_engine, database.reader.sync_engine}:
            event.listen(engine, "before_cursor_execute", self._statement)
            event.listen(engine, "commit", self._commit)
            event.listen(engine, "rollback", self._rollback)

    def reset(self) -> None:
        """Start again from nothing."""
        self.counts = Counts()

    def _statement(self, connection: Any, _cursor: Any, sql: str, _values: Any, _context: Any, many: bool) -> None:
        word = sql.lstrip().split(None, 1)[0].upper()
        if word in _CHANGES:
            self.counts.changes += 1
            connection.info[_WROTE] = True
        elif word not in _CONTROL:
            self.counts.reads += 1

    def _commit(self, connection: Any) -> None:
        wrote = connection.info.pop(_WROTE, False)
        self.counts.commits += wrote
        self.counts.empty_commits += not wrote

    def _rollback(self, connection: Any) -> None:
        connection.info.pop(_WROTE, None)


async def count_statements(site: Site) -> dict[str, Counts]:
    """Return the counts of one gate check, one proposal, one decision, and one idle second."""
    async with (
        site.place.scratch() as database,
        site.prepared(database) as (client, settings),
        _api_alone(settings) as counter,
    ):
        found = await _count_calls(counter, client)
    return {**found, "idle second": await _idle_second(site)}


async def _count_calls(counter: Counter, client: Client) -> dict[str, Counts]:
    await client.approve(await client.ask("counted-warm-up"))  # learns who the reviewer is
    approvals: list[str] = []

    async def ask(number: int) -> None:
        approvals.append(await client.ask(f"counted-ask-{number}"))

    return {
        "gate check": await _each(counter, lambda n: client.gate_check(f"counted-{n}")),
        "proposal": await _each(counter, ask),
        "decision": await _each(counter, lambda n: client.approve(approvals[n])),
    }


async def _each(counter: Counter, call: Callable[[int], Awaitable[object]]) -> Counts:
    counter.reset()
    for number in range(_CALLS):
        await call(number)
    return counter.counts.each(_CALLS)


async def _idle_second(site: Site) -> Counts:
    async with site.place.scratch() as database, site.prepared(database) as (_, environment):
        server = await build(read_settings(environment), environment)
        await server.start()
        try:
            counter = Counter(server.office.database)
            await asyncio.sleep(_SETTLES)
            counter.reset()
            await asyncio.sleep(_IDLE)
            return counter.counts.each(_IDLE)
        finally:
            await server.stop()


@asynccontextmanager
async def _api_alone(environment: Mapping[str, str]) -> AsyncIterator[Counter]:
    """Serve the API without a loop and without deliveries, so that nothing but the calls is counted."""
    settings = read_settings(environment)
    database = await open_database(settings.database_url, settings.encryption_key)
    client = new_client(settings.bot_token, settings.slack_api_url)
    office = Office(database, PolicySource(settings.config, environment), client)
    runner = web.AppRunner(new_web_app(api_routes(office), lambda: [office]), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
        yield Counter(database)
    finally:
        await runner.cleanup()
        await database.close()
