"""Wake-ups between processes at one PostgreSQL: LISTEN and NOTIFY on one connection of their own.

A wake-up sent inside the transaction it is about would make all commits queue behind each other, so it goes out after
the commit, together with whatever else was committed meanwhile. One that is lost costs a tick, never the truth.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from storage.signals import Signals

log = logging.getLogger(__name__)

CHANNEL = "countersign"
MAX_PAYLOAD = 7900  # bytes; PostgreSQL takes fewer than 8000
#: A wake-up need not outlive a crash; the name is for whoever looks at pg_stat_activity.
_SETTINGS = "SET synchronous_commit = off; SET application_name = 'countersign wake-ups'"
_EVERYBODY = "*"
_MOST = 2000  # topics that wait to be sent; beyond them everybody is woken
_PROBE = 20.0  # seconds of silence until it is tried whether the connection still lives
_PATIENCE = 5.0
_SOONEST, _LATEST = 0.2, 10.0  # seconds until it connects anew


class Notices:
    """Tells other processes which topics were announced here, and announces here what they tell."""

    def __init__(self, url: URL, signals: Signals) -> None:
        self._url, self._signals = url, signals
        self._untold: set[str] = set()
        self._wake, self._tried = asyncio.Event(), asyncio.Event()
        self._is_stopping = False
        self._own_pid = 0
        self._work: asyncio.Task[None] | None = None
        self.is_hearing = False  #: whether what others commit wakes anybody here at this moment

    async def start(self) -> None:
        """Connect, or at least try once; from then on that goes on by itself."""
        self._work = asyncio.create_task(self._run(), name="notices")
        await self._tried.wait()

    async def stop(self) -> None:
        """Tell what is left to tell, and let go of the connection."""
        if self._work is None:
            return
        self._is_stopping = True
        self._wake.set()
        await asyncio.wait([self._work], timeout=_PATIENCE)
        self._work.cancel()
        await asyncio.gather(self._work, return_exceptions=True)
        self._work = None

    def tell(self, topics: Iterable[str]) -> None:
        """Wake whoever waits for one of these topics in another process, soon."""
        if self._work is None:
            return
        self._untold.update(topics)
        if len(self._untold) > _MOST:
            self._untold = {_EVERYBODY}
        if self._untold:
            self._wake.set()

    async def _run(self) -> None:
        pause, is_known = _SOONEST, False
        while not self._is_stopping:
            try:
                async with self._listening() as connection:
                    pause, is_known = _SOONEST, False
                    await self._serve(connection)
            except _lost() as error:
                if not is_known:
                    log.warning("the connection for wake-ups is cut (%s); connecting anew", type(error).__name__)
                is_known = True
            self._is_deaf()
            if not self._is_stopping:
                await asyncio.sleep(pause)
            pause = min(pause * 2, _LATEST)

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[Any]:
        """Yield a connection that hears. Everybody is woken once: nobody knows what was said before."""
        engine = create_async_engine(self._url, poolclass=NullPool)
        try:
            async with engine.connect() as pooled:
                connection: Any = (await pooled.get_raw_connection()).driver_connection
                connection.add_termination_listener(lambda *_: self._wake.set())
                await connection.execute(_SETTINGS)
                self._own_pid = connection.get_server_pid()
                await connection.add_listener(CHANNEL, self._hear)
                self.is_hearing = True
                self._tried.set()
                self._wake.set()  # what could not be told before
                self._signals.announce_all()
                yield connection
        finally:
            self._tried.set()
            await engine.dispose()

    async def _serve(self, connection: Any) -> None:
        """Send what there is to tell until the connection is cut, or nothing more will come."""
        while True:
            await _set_within(self._wake, _PROBE)
            self._wake.clear()
            if connection.is_closed():
                raise ConnectionError("closed by the server")
            untold, self._untold = self._untold, set()
            try:
                for payload in payloads(untold):
                    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, payload, timeout=_PATIENCE)
                if not untold:
                    await connection.execute("SELECT 1", timeout=_PATIENCE)
            except BaseException:
                self._untold |= untold
                raise
            if self._is_stopping and not self._untold:
                return

    def _hear(self, _connection: Any, pid: int, _channel: str, payload: object) -> None:
        if pid == self._own_pid:
            return
        topics = str(payload).split("\n")
        if _EVERYBODY in topics:
            self._signals.announce_all()
        else:
            self._signals.announce(topics)

    def _is_deaf(self) -> None:
        """From now on whoever waits has to look by themselves; they are woken so that they know."""
        if self.is_hearing:
            self.is_hearing = False
            self._signals.announce_all()


def payloads(topics: Iterable[str]) -> list[str]:
    """Return some topics in as few texts as hold them, each of at most MAX_PAYLOAD bytes."""
    found: list[list[str]] = [[]]
    size = 0
    for topic in sorted(topics):
        size += len(topic.encode()) + 1
        if size > MAX_PAYLOAD and found[-1]:
            found.append([])
            size = len(topic.encode()) + 1
        found[-1].append(topic)
    return ["\n".join(one) for one in found if one]


def _lost() -> tuple[type[Exception], ...]:
    """Return what is raised where a connection cannot be had or is cut."""
    import asyncpg  # type: ignore[import-untyped]  # only where PostgreSQL is

    return OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
