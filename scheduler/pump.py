"""A pump drains one kind of work whenever it is nudged: by a tick, or by the commit that made the work."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from storage.signals import Signals

log = logging.getLogger(__name__)


class Pump:
    """Calls `drain` after every nudge; a failure is logged, and the next nudge tries again."""

    def __init__(self, name: str, drain: Callable[[], Awaitable[None]]) -> None:
        self.name, self._drain = name, drain
        self._nudged = asyncio.Event()
        self._is_stopping = False
        self._pumping: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None

    def nudge(self) -> None:
        """Say that there may be work."""
        self._nudged.set()

    def start(self, signals: Signals, topic: str | None = None) -> None:
        """Start pumping; commits that announce `topic` nudge as well."""
        self._pumping = asyncio.create_task(self._run(), name=f"pump {self.name}")
        if topic is not None:
            self._listening = asyncio.create_task(self._listen(signals, topic), name=f"listen {topic}")

    async def stop(self, grace: float = 5.0) -> None:
        """Take up nothing new. A drain under way may end within `grace` seconds: cut off in the middle of a
        transaction, it would leave a connection behind that nobody waits for."""
        self._is_stopping = True
        self.nudge()
        if self._pumping is not None:
            await asyncio.wait([self._pumping], timeout=grace)
        tasks = [task for task in (self._pumping, self._listening) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, signals: Signals, topic: str) -> None:
        with signals.listen(topic) as event:
            while True:
                await event.wait()
                event.clear()
                self.nudge()

    async def _run(self) -> None:
        while True:
            await self._nudged.wait()
            self._nudged.clear()
            if self._is_stopping:
                return
            try:
                await self._drain()
            except Exception:  # the outer loop: whatever broke, the next tick starts afresh
                log.exception("the %s pump failed; the next tick tries again", self.name)
