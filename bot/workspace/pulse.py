"""Time and change: the workspace's clock, message timestamps, and waiting for something to happen."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable


class Pulse:
    """`now` gives the time in seconds since 1970; `version` counts the changes so far."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.version = 0
        self._change = asyncio.Event()
        self._last_ts = 0

    def tick(self) -> str:
        """A message timestamp, unique and increasing even when the clock stands still."""
        self._last_ts = max(int(self.now() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        """A random id in Slack's style, such as `V3F7A…`."""
        return prefix + secrets.token_hex(5).upper()

    def bump(self) -> None:
        """Tell everyone who waits that something changed."""
        self.version += 1
        self._change.set()
        self._change = asyncio.Event()

    async def changed(self) -> int:
        """Wait for the next change; returns the version after it."""
        await self._change.wait()
        return self.version
