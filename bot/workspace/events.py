"""Events: what happens in the workspace is delivered to the app, and delivered again when it fails."""

from __future__ import annotations

import asyncio

from bot.workspace import payloads
from bot.workspace.model import Json
from bot.workspace.records import Attempt
from bot.workspace.state import Workspace
from bot.workspace.transport import Reply, Transport

RETRY_DELAYS = (0.0, 60.0, 300.0)
"""Seconds before each redelivery: at once, after a minute, after five."""


class Events:
    """Delivers events of one workspace. `retry_delays` can be shortened; its length is the retry count."""

    def __init__(
        self, workspace: Workspace, transport: Transport, retry_delays: tuple[float, ...] = RETRY_DELAYS
    ) -> None:
        self.workspace, self.transport, self.retry_delays = workspace, transport, retry_delays
        self._later: set[asyncio.Task[Reply]] = set()

    async def deliver(self, event: Json, subscription: str | None = None) -> Reply | None:
        """Send one event; None when the app does not subscribe to it.

        Returns after the first success, or once the remaining retries are due later; those run on their own.
        """
        if (subscription or event["type"]) not in self.workspace.app.events:
            return None
        envelope = payloads.event_callback(self.workspace, event, self.workspace.new_id("Ev"))
        return await self._attempt(envelope, 0, None)

    async def redeliver(self, event: Json, event_id: str, retry: int, reason: str = "http_timeout") -> Reply:
        """Send an event again on purpose, as Slack does when our answer got lost on its way back."""
        envelope = payloads.event_callback(self.workspace, event, event_id)
        return await self._send(envelope, retry, reason)

    async def verify_url(self) -> bool:
        """Slack's handshake: post a challenge to the request URL; True when it is echoed."""
        challenge = self.workspace.new_id("challenge")
        token = self.workspace.app.verification_token
        body = {"type": "url_verification", "token": token, "challenge": challenge}
        reply = await self.transport.event(self.workspace, body, 0, None)
        return reply.ok and challenge in reply.body

    async def stop(self) -> None:
        """Forget the retries still to come."""
        for task in list(self._later):
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)

    async def _attempt(self, envelope: Json, retry: int, reason: str | None) -> Reply:
        reply = await self._send(envelope, retry, reason)
        if reply.ok or "x-slack-no-retry" in reply.headers or retry >= len(self.retry_delays):
            return reply
        delay = self.retry_delays[retry]
        if delay == 0:
            return await self._attempt(envelope, retry + 1, reply.failure)
        task = asyncio.create_task(self._after(delay, envelope, retry + 1, reply.failure))
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        return reply

    async def _after(self, delay: float, envelope: Json, retry: int, reason: str | None) -> Reply:
        await asyncio.sleep(delay)
        return await self._attempt(envelope, retry, reason)

    async def _send(self, envelope: Json, retry: int, reason: str | None) -> Reply:
        reply = await self.transport.event(self.workspace, envelope, retry, reason)
        seen = Attempt(str(envelope.get("event_id")), retry, reply.status, reply.failure)
        self.workspace.attempts.append(seen)
        self.workspace.bump()
        return reply
