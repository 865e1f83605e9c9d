"""A bounded number of tasks at once; whoever fills it is told when a place falls free."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Slots:
    """Runs tasks in at most `size` places; `when_free` is called each time one ends."""

    def __init__(self, size: int, when_free: Callable[[], None]) -> None:
        self._size, self._when_free = size, when_free
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def free(self) -> int:
        """How many more tasks fit."""
        return self._size - len(self._tasks)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a task in a free place."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def stop(self, grace: float) -> None:
        """Let the tasks end by themselves within `grace` seconds, then cancel them."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task failed; its lease runs out and it is taken up again", exc_info=error)
        self._when_free()
