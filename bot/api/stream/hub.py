"""What happens in a workspace, read once for all readers of its stream: the newest events, as bytes.

Readers hold a place, never a queue: who is slow costs its own connection, and what is kept here is bounded. While
nobody reads, nothing is read.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from bot.api.stream.frames import frame_of
from bot.api.stream.ring import Frame, Ring
from governance.events import Happening
from scheduler.upkeep import SEAL_SOON
from storage import feed
from storage.database import Database

log = logging.getLogger(__name__)

_PAGE = 500  # audit entries
_READERS_BEHIND = 4  # pages read at the same time for those who resume from further back
_AFTER_TROUBLE = 1.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The stream's measures. Times are seconds."""

    heartbeat: float = 15.0  #: of silence until a comment is sent, and between two looks at a reader's key
    patience: float = 30.0  #: that a reader may take nothing
    soon: float = 0.05  #: from a commit until its entries are asked to be given their places
    kept: int = 1000  #: events that are held for all


class Hub:
    """Keeps the newest events of one workspace in this process, while anybody reads them."""

    def __init__(self, database: Database, tenant: str, pace: Pace) -> None:
        self._database, self._tenant, self.pace = database, tenant, pace
        self.ring = Ring(pace.kept)
        self.is_ready = False  #: whether the ring can be read
        self._moved, self._wake = asyncio.Event(), asyncio.Event()
        self._sending: set[asyncio.Timeout] = set()
        self._behind = asyncio.Semaphore(_READERS_BEHIND)
        self._readers = 0
        self._work: asyncio.Task[None] | None = None

    @property
    def closed(self) -> bool:
        """Whether the process stops, so that streams should end."""
        return self._database.signals.closed

    @property
    def blocked(self) -> int:
        """How many readers are being written to at this moment, so do not take what they are sent."""
        return len(self._sending)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Follow the feed as long as at least one such block is open."""
        self._readers += 1
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._run(), name=f"stream {self._tenant}")
        try:
            yield
        finally:
            self._readers -= 1
            self._wake.set()
            if self.closed:
                await asyncio.wait([self._work])

    async def head(self) -> int:
        """Return the place of the newest event there is now."""
        async with self._database.read(self._tenant) as tx:
            return await feed.head(tx)

    async def page(self, place: int) -> tuple[list[Frame], int]:
        """Read some frames after a place from the database, and the place that was read up to."""
        async with self._behind:
            return await self._page(place)

    async def moved(self, seconds: float) -> None:
        """Return once there is more, or after so many seconds."""
        await _set_within(self._moved, seconds)

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Raise TimeoutError in a block that takes longer than our patience, or outlives the stream."""
        async with asyncio.timeout(self.pace.patience) as limit:
            self._sending.add(limit)
            try:
                yield
            finally:
                self._sending.discard(limit)

    async def _run(self) -> None:
        while self._readers and not self.closed:
            await self._follow()

    async def _follow(self) -> None:
        signals = self._database.signals
        with signals.listen("sealed") as self._wake:
            hurrying = asyncio.create_task(self._hurry(), name=f"hurry {self._tenant}")
            try:
                while self._readers and not self.closed:
                    self._wake.clear()
                    await _set_within(self._wake, await self._take_in())
            finally:
                hurrying.cancel()
                with suppress(asyncio.CancelledError):
                    await hurrying
                self._forget()

    async def _take_in(self) -> float:
        """Read what is new; return how long to wait for more where nobody announces any."""
        try:
            if not self.is_ready:
                self.ring.begin(max(0, await self.head() - self.pace.kept))
            while True:
                frames, place = await self._page(self.ring.place)
                if place == self.ring.place:
                    break
                self.ring.add(frames, place)
                self._tell()
        except Exception:  # the outer loop: the database may be away for a while
            log.exception("the stream of %s could not be read on; trying again", self._tenant)
            return _AFTER_TROUBLE
        self.is_ready = True
        self._tell()
        return self.pace.heartbeat

    async def _page(self, place: int) -> tuple[list[Frame], int]:
        async with self._database.read(self._tenant) as tx:
            found, place = await feed.after(tx, place, _PAGE)
        return [_frame(one) for one in found], place

    def _tell(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    def _forget(self) -> None:
        """Hold nothing any more; whoever still writes to somebody who takes nothing stops."""
        self.is_ready = False
        self.ring.begin(0)
        if self.closed:
            for limit in self._sending:
                limit.reschedule(0)
        self._tell()

    async def _hurry(self) -> None:
        """Have entries sealed soon after they were committed, those of the same moment together."""
        signals = self._database.signals
        with signals.listen("audit") as recorded:
            while True:
                await recorded.wait()
                await asyncio.sleep(self.pace.soon)
                recorded.clear()
                signals.announce([SEAL_SOON])


def _frame(one: Happening) -> Frame:
    return Frame(one.id, one.agent, frame_of(one))


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
