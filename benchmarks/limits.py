"""The machine's own limits: an HTTP echo, and one committed INSERT on a database set up like the product's."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from sqlalchemy import text

from benchmarks.figures import Limits, Samples
from benchmarks.load import closed_loop
from benchmarks.processes import BenchmarkProblem
from storage.database import Database, database_url

_BODY = json.dumps({"tool": "bench.note", "arguments": {"service": "checkout", "version": "1.2.3"}}).encode()
_MAKE = "CREATE TABLE bench_limit (id VARCHAR(48) PRIMARY KEY, body TEXT NOT NULL)"
_INSERT = text("INSERT INTO bench_limit (id, body) VALUES (:id, :body)")


class Machine:
    """Measures the limits. The INSERT goes through the same engine and settings as the product's writes."""

    def __init__(self, session: aiohttp.ClientSession, echo_url: str, database: Database) -> None:
        self._session, self._url, self._database = session, echo_url, database
        self._rows = 0

    async def limits(self, count: int, concurrency: int) -> Limits:
        """Measure both with `count` calls each."""
        echo = await closed_loop(self._echo, count, concurrency)
        return Limits(echo, await closed_loop(self._insert, count, concurrency))

    async def _echo(self, _number: int) -> None:
        async with self._session.post(self._url, data=_BODY) as answer:
            if await answer.read() != _BODY:
                raise BenchmarkProblem("The echo answered something else.")

    async def _insert(self, _number: int) -> None:
        self._rows += 1
        row = {"id": f"row_{self._rows:040d}", "body": _BODY.decode()}
        async with self._database.writer.begin() as connection:
            await connection.execute(_INSERT, row)


@asynccontextmanager
async def machine_on(session: aiohttp.ClientSession, world_url: str, url: str) -> AsyncIterator[Machine]:
    """Yield the machine's measure with an open scratch database at `url`."""
    database = Database(database_url(url))
    try:
        async with database.writer.begin() as connection:
            await connection.execute(text(_MAKE))
        yield Machine(session, f"{world_url}/echo", database)
    finally:
        await database.close()


def merged(rounds: list[Limits]) -> Limits:
    """Return the limits of several rounds as one."""
    echo, insert = Samples(), Samples()
    for one in rounds:
        echo += one.echo
        insert += one.insert
    return Limits(echo, insert)
