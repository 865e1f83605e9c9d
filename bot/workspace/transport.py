"""Carrying a payload to the app, by HTTP to its request URL or over a Socket Mode connection."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

import aiohttp

from bot.workspace.model import Json
from bot.workspace.signing import headers as signature
from bot.workspace.socket_mode import Sockets
from bot.workspace.state import Workspace

ACK_SECONDS = 3.0
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Reply:
    """What the app answered: HTTP status (0 = none), body, seconds it took, and the failure if any.

    `failure` is one of Slack's retry reasons: `http_timeout`, `connection_failed`, `http_error`,
    `too_many_redirects`, or None after a 2xx.
    """

    status: int
    body: str
    seconds: float
    failure: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """True when the app acknowledged in time."""
        return self.failure is None

    def json(self) -> Json:
        """The body as a JSON object, empty when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Transport:
    """Sends signed requests. `ack_seconds` is how long the app may take.

    `signing_clock` is apart from the workspace's clock: the app checks timestamps against real time even
    when a test moves the workspace's.
    """

    def __init__(
        self,
        sockets: Sockets,
        ack_seconds: float = ACK_SECONDS,
        signing_clock: Callable[[], float] = time.time,
    ) -> None:
        self.sockets, self.ack_seconds, self.signing_clock = sockets, ack_seconds, signing_clock
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the HTTP client."""
        self._session = aiohttp.ClientSession(auto_decompress=True)

    async def stop(self) -> None:
        """Close the HTTP client."""
        if self._session:
            await self._session.close()

    async def interactive(self, workspace: Workspace, payload: Json) -> Reply:
        """Send a block_actions, view_submission or view_closed payload."""
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return await self._carry(workspace, "interactive", payload, body, FORM)

    async def slash_command(self, workspace: Workspace, fields: dict[str, str]) -> Reply:
        """Send a slash command."""
        return await self._carry(workspace, "slash_commands", fields, urlencode(fields).encode(), FORM)

    async def event(self, workspace: Workspace, envelope: Json, retry: int, reason: str | None) -> Reply:
        """Send one Events API delivery; `retry` 0 is the first attempt."""
        extra = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": str(reason)} if retry else {}
        body = json.dumps(envelope).encode()
        more = {"retry_attempt": retry, "retry_reason": reason or ""}
        return await self._carry(workspace, "events_api", envelope, body, "application/json", extra=extra, more=more)

    async def _carry(
        self,
        workspace: Workspace,
        kind: str,
        payload: Json,
        body: bytes,
        content_type: str,
        extra: dict[str, str] | None = None,
        more: Json | None = None,
    ) -> Reply:
        if workspace.faults.slow_network:
            await asyncio.sleep(workspace.faults.slow_network)
        started = time.perf_counter()
        if self.sockets.live(workspace):
            answer = await self.sockets.ask(workspace, kind, payload, self.ack_seconds, more or {})
            seconds = time.perf_counter() - started
            if answer is None:
                return Reply(0, "", seconds, "http_timeout")
            return Reply(200, json.dumps(answer) if answer else "", seconds)
        if workspace.app.request_url is None:
            return Reply(0, "", 0.0, "connection_failed")
        timestamp = int(self.signing_clock())
        headers = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            **signature(workspace.app.signing_secret, timestamp, body),
            **(extra or {}),
        }
        return await self._post(workspace.app.request_url, body, headers, started)

    async def _post(self, url: str, body: bytes, headers: dict[str, str], started: float) -> Reply:
        assert self._session is not None, "start() comes first"
        try:
            async with (
                asyncio.timeout(self.ack_seconds),
                self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                text = await answer.text()
        except TimeoutError:
            return Reply(0, "", time.perf_counter() - started, "http_timeout")
        except aiohttp.ClientError:
            return Reply(0, "", time.perf_counter() - started, "connection_failed")
        failure = None if 200 <= answer.status < 300 else "http_error"
        return Reply(
            answer.status,
            text,
            time.perf_counter() - started,
            failure,
            {k.lower(): v for k, v in answer.headers.items()},
        )
