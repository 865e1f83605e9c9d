"""Events: what happens in the workspace is delivered to the app, and delivered again when it fails."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any

from bot.workspace import payloads
from bot.workspace.model import Json
from bot.workspace.records import Attempt
from bot.workspace.state import Workspace
from bot.workspace.subscriptions import scope_of
from bot.workspace.transport import Reply, Transport

RETRY_DELAYS = (0.0, 60.0, 300.0)
"""Seconds before each redelivery: at once, after a minute, after five."""
KEPT = 200
"""How many delivered events are kept for delivering them again."""


class Events:
    """Delivers events of one workspace. `retry_delays` can be shortened; its length is the retry count."""

    def __init__(
        self, workspace: Workspace, transport: Transport, retry_delays: tuple[float, ...] = RETRY_DELAYS
    ) -> None:
        self.workspace, self.transport, self.retry_delays = workspace, transport, retry_delays
        self.delivered: deque[Json] = deque(maxlen=KEPT)
        self._later: set[asyncio.Task[Reply | None]] = set()
        self._held: list[Json] = []
        self._hold = 0
        self._announced_before, workspace.announce = workspace.announce, self.soon

    def wanted(self, event: Json, subscription: str | None = None) -> bool:
        """Whether the app subscribes to this event and holds the scope it needs."""
        name = subscription or str(event["type"])
        scope = scope_of(name)
        return name in self.workspace.app.events and (scope is None or scope in self.workspace.app.scopes)

    async def deliver(self, event: Json, subscription: str | None = None) -> Reply | None:
        """Send one event; None when the app does not want it, or when it is held back to come out of order.

        Returns after the first success, or once the remaining retries are due later; those run on their own.
        """
        if not self.wanted(event, subscription):
            return None
        envelope = payloads.event_callback(self.workspace, event, self.workspace.new_id("Ev"))
        if self._hold:
            return await self._hold_back(envelope)
        return await self._first(envelope)

    def soon(self, event: Json, subscription: str | None = None) -> None:
        """Deliver an event without anybody waiting for it: what the app itself did."""
        if self.wanted(event, subscription):
            self._in_background(self.deliver(event, subscription))

    async def redeliver(self, event: Json, event_id: str, retry: int, reason: str = "http_timeout") -> Reply:
        """Send an event again on purpose, as Slack does when our answer got lost on its way back."""
        envelope = payloads.event_callback(self.workspace, event, event_id)
        return await self._send(envelope, retry, reason)

    async def again(self, count: int = 1, new_id: bool = False) -> list[Reply]:
        """Deliver the last `count` events once more, oldest first: as a retry, or under another event id."""
        replies = []
        for envelope in list(self.delivered)[-count:]:
            if new_id:
                twin = {**envelope, "event_id": self.workspace.new_id("Ev")}
                replies.append(await self._send(twin, 0, None))
            else:
                replies.append(await self._send(envelope, 1, "http_timeout"))
        return replies

    def reverse_next(self, count: int) -> None:
        """Hold the next `count` events back and deliver them newest first, once all are there."""
        self._hold = count

    async def release(self) -> list[Reply]:
        """Deliver what is held back now, newest first."""
        held, self._held, self._hold = self._held[::-1], [], 0
        return [await self._first(envelope) for envelope in held]

    @property
    def held(self) -> int:
        """How many events are held back."""
        return len(self._held)

    async def verify_url(self) -> bool:
        """Slack's handshake: post a challenge to the request URL; True when it is echoed."""
        challenge = self.workspace.new_id("challenge")
        token = self.workspace.app.verification_token
        body = {"type": "url_verification", "token": token, "challenge": challenge}
        reply = await self.transport.event(self.workspace, body, 0, None)
        return reply.ok and challenge in reply.body

    async def stop(self) -> None:
        """Forget the retries still to come, and hear no more of what the app does."""
        if self.workspace.announce == self.soon:
            self.workspace.announce = self._announced_before
        for task in list(self._later):
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)

    async def _hold_back(self, envelope: Json) -> Reply | None:
        self._held.append(envelope)
        return (await self.release())[0] if len(self._held) >= self._hold else None

    async def _first(self, envelope: Json) -> Reply:
        self.delivered.append(envelope)
        return await self._attempt(envelope, 0, None)

    async def _attempt(self, envelope: Json, retry: int, reason: str | None) -> Reply:
        reply = await self._send(envelope, retry, reason)
        if reply.ok or "x-slack-no-retry" in reply.headers or retry >= len(self.retry_delays):
            return reply
        delay = self.retry_delays[retry]
        if delay == 0:
            return await self._attempt(envelope, retry + 1, reply.failure)
        self._in_background(self._after(delay, envelope, retry + 1, reply.failure))
        return reply

    def _in_background(self, work: Coroutine[Any, Any, Reply | None]) -> None:
        task = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _after(self, delay: float, envelope: Json, retry: int, reason: str | None) -> Reply:
        await asyncio.sleep(delay)
        return await self._attempt(envelope, retry, reason)

    async def _send(self, envelope: Json, retry: int, reason: str | None) -> Reply:
        reply = await self.transport.event(self.workspace, envelope, retry, reason)
        seen = Attempt(str(envelope.get("event_id")), retry, reply.status, reply.failure)
        self.workspace.attempts.append(seen)
        self.workspace.bump()
        return reply
