"""Engines, sessions and transactions: one `write` is one transaction, on SQLite or PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, event, make_url, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlmodel import SQLModel

from storage.keyring import Keyring
from storage.notices import Notices
from storage.signals import Signals

T = TypeVar("T")
Row = TypeVar("Row", bound=SQLModel)
Clock = Callable[[], datetime]

_BUSY_TIMEOUT_MS = 5000
#: Serialization failure, deadlock, and a row that somebody else inserted at the same moment: nothing happened, so it
#: may be repeated, and then sees what the other has done.
_MADE_WAY = frozenset({"40001", "40P01", "23505"})


def utc_now() -> datetime:
    """Return the present moment; the only clock, handed in where the process is put together."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Tx:
    """One transaction of one tenant: its session, its moment, the keys, what to do last and announce after commit."""

    session: AsyncSession
    tenant: str
    now: datetime
    keys: Keyring
    announced: set[str] = field(default_factory=set)
    closing: "dict[str, Callable[[Tx], Awaitable[None]]]" = field(default_factory=dict)

    def before_commit(self, name: str, act: "Callable[[Tx], Awaitable[None]]") -> None:
        """Have something done last in this transaction, once however often it is asked for under this name."""
        self.closing.setdefault(name, act)

    def announce(self, *topics: str) -> None:
        """Wake the waiters of these topics once this transaction has committed."""
        self.announced.update(topics)

    async def add(self, row: Row) -> Row:
        """Insert a row now, so that its constraints speak here."""
        self.session.add(row)
        await self.session.flush()
        return row

    async def get(self, kind: type[Row], id: str) -> Row | None:
        """Return the row of this tenant under `id`, or None; another tenant's id is as good as unknown."""
        if not id.isascii() or "\x00" in id:  # none of ours, and PostgreSQL would choke on it
            return None
        row = await self.session.get(kind, id)
        return row if row is not None and getattr(row, "tenant", self.tenant) == self.tenant else None


async def ping(tx: Tx) -> None:
    """Ask the database for nothing. Raises what its driver raises where it does not answer."""
    await tx.session.execute(select(1))


def database_url(text: str) -> URL:
    """Return the async URL for `sqlite:///…` or `postgresql://…`, with or without a driver named.

    Raises ValueError with one sentence for any other database.
    """
    url = make_url(text)
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    kind = url.drivername.split("+")[0]
    if kind not in drivers:
        raise ValueError(f"COUNTERSIGN_DATABASE_URL names {kind!r}; use sqlite:///file.db or postgresql://host/name")
    return url.set(drivername=drivers[kind])


def sqlite_path(url: URL) -> Path | None:
    """Return the file behind an SQLite URL, or None for PostgreSQL."""
    return Path(url.database) if url.drivername.startswith("sqlite") and url.database else None


class Database:
    """The database of this process. `keys` is set once the schema is there (see storage.opening)."""

    keys: Keyring

    def __init__(self, url: URL, clock: Clock = utc_now) -> None:
        self.url, self.clock, self.signals = url, clock, Signals()
        self.is_sqlite = url.drivername.startswith("sqlite")
        #: An SQLite file is one process's alone; there is nobody to tell.
        self.notices = None if self.is_sqlite else Notices(url, self.signals)
        self.writer = _sqlite_engine(url, immediate=True) if self.is_sqlite else _postgres_engine(url)
        self.reader = _sqlite_engine(url, immediate=False) if self.is_sqlite else self.writer
        self._write_session = async_sessionmaker(self.writer, expire_on_commit=False)
        self._read_session = async_sessionmaker(self.reader, expire_on_commit=False)
        #: SQLite has one writer at a time; queueing here is fair and keeps busy waits out of its driver.
        self._turn = asyncio.Lock() if self.is_sqlite else None

    async def write(self, tenant: str, operation: Callable[[Tx], Awaitable[T]]) -> T:
        """Run one operation in one transaction: returning commits, raising rolls back.

        Where PostgreSQL rolled it back for another transaction's sake it runs once more, as a whole.
        """
        if self._turn is None:
            try:
                return await self._commit(tenant, operation)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in _MADE_WAY:
                    raise
            return await self._commit(tenant, operation)
        async with self._turn:
            return await self._commit(tenant, operation)

    async def _commit(self, tenant: str, operation: Callable[[Tx], Awaitable[T]]) -> T:
        async with self._write_session() as session, session.begin():
            tx = Tx(session, tenant, self.clock(), self.keys)
            result = await operation(tx)
            for act in tx.closing.values():
                await act(tx)
        self.signals.announce(tx.announced)
        if self.notices is not None:
            self.notices.tell(tx.announced)
        return result

    @property
    def is_woken(self) -> bool:
        """Whether every commit wakes who waits here, whichever process made it."""
        return self.notices is None or self.notices.is_hearing

    @asynccontextmanager
    async def read(self, tenant: str) -> AsyncIterator[Tx]:
        """Open a transaction that only reads."""
        async with self._read_session() as session:
            yield Tx(session, tenant, self.clock(), self.keys)

    async def close(self) -> None:
        """Close every connection."""
        if self.notices is not None:
            await self.notices.stop()
        await self.writer.dispose()
        await self.reader.dispose()


def _postgres_engine(url: URL) -> AsyncEngine:
    return create_async_engine(url, pool_size=10, max_overflow=10, pool_pre_ping=True)


def _sqlite_engine(url: URL, *, immediate: bool) -> AsyncEngine:
    """Readers and writers are apart: only writers begin IMMEDIATE, so a reader never waits for one."""
    engine = create_async_engine(url, pool_size=1 if immediate else 5, max_overflow=0)
    begin = "BEGIN IMMEDIATE" if immediate else "BEGIN"

    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_TIMEOUT_MS}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine.sync_engine, "connect", on_connect)
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine
