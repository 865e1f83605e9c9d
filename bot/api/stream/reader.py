"""One reader of the event stream: where it is, what it is sent next, and when it is let go."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from bot.api.stream.frames import HEARTBEAT, RETRY, lagged_frame, place_frame
from bot.api.stream.hub import Hub
from bot.api.stream.ring import Frame


class Reader:
    """Sends what the hub holds to one connection. `agent` is whose events it may see, None for all.

    It begins after a place: behind what the hub holds it reads the database at its own speed, and from then on it
    shares the hub's frames.
    """

    def __init__(
        self, hub: Hub, request: web.Request, response: web.StreamResponse, agent: str | None, after: int
    ) -> None:
        self._hub, self._ring, self._agent = hub, hub.ring, agent
        self._request, self._response = request, response
        self._read = self._sent = after  # places: read up to, and of the last event that was sent
        self._number: int | None = None  # of the next frame of the hub, None while it is behind them
        self._now = asyncio.get_running_loop().time
        self._wrote_at = self._checked_at = self._now()

    async def serve(self, is_welcome: Callable[[], Awaitable[bool]], clock: Callable[[], datetime]) -> None:
        """Send until the reader hangs up, takes nothing or is welcome no more, or the process stops."""
        try:
            await self._write(RETRY + place_frame(self._sent))
            while not self._hub.closed and self._is_there() and await self._may_stay(is_welcome):
                if not await self._send_some(clock):
                    await self._rest()
        except (ConnectionError, TimeoutError):
            self._cut()
        except BaseException:  # an answer has begun, so no other one can follow
            self._cut()
            raise

    def _is_there(self) -> bool:
        transport = self._request.transport
        return transport is not None and not transport.is_closing()

    def _cut(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _may_stay(self, is_welcome: Callable[[], Awaitable[bool]]) -> bool:
        """Look again now and then whether the key still works; while the database is away there is nothing to see."""
        if self._now() < self._checked_at + self._hub.pace.heartbeat:
            return True
        self._checked_at = self._now()
        try:
            return await is_welcome()
        except (SQLAlchemyError, OSError):
            return True

    async def _send_some(self, clock: Callable[[], datetime]) -> bool:
        """Send what comes next; False where there is nothing yet."""
        if not self._hub.is_ready:
            return False
        if self._number is None:
            self._number = self._ring.number_after(self._read)
        if self._number is None:
            await self._catch_up()
            return True
        frames = self._ring.frames(self._number)
        if frames is None:
            await self._leave_out(self._number, clock())
            return True
        self._number += len(frames)
        await self._send(frames)
        return bool(frames)

    async def _catch_up(self) -> None:
        frames, place = await self._hub.page(self._read)
        await self._send(frames)
        self._read = place

    async def _leave_out(self, number: int, at: datetime) -> None:
        """Go on from the newest, and say so. How much others do is not an agent's to know."""
        missed = self._ring.end - number if self._agent is None else None
        self._number, self._read = self._ring.end, self._ring.place
        await self._write(lagged_frame(at, self._ring.place, missed, self._sent))

    async def _send(self, frames: Sequence[Frame]) -> None:
        seen = [one for one in frames if one.place > self._read and self._agent in (None, one.agent)]
        if frames:
            self._read = max(self._read, frames[-1].place)
        if seen:
            await self._write(b"".join(one.text for one in seen))
            self._sent = seen[-1].place

    async def _rest(self) -> None:
        """Wait for more; after a silence let the reader know that we are still there."""
        left = self._wrote_at + self._hub.pace.heartbeat - self._now()
        if left > 0:
            await self._hub.moved(left)
        else:
            await self._write(HEARTBEAT)

    async def _write(self, text: bytes) -> None:
        async with self._hub.sending():
            await self._response.write(text)
        self._wrote_at = self._now()
