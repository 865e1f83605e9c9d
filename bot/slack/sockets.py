"""Socket Mode: several connections at once, each replaced when Slack asks for it, when it breaks, or when it is silent.

The SDK's own client closes the old connection before it opens the next and tries again every few seconds for ever; here
the next is open first, and tries are spaced out, because Slack hands out few addresses a minute.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic, time
from typing import Any

import aiohttp
from aiohttp import ClientWebSocketResponse, ClientWSTimeout, WSMsgType
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.adapter.socket_mode.internals import build_headers
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.trouble import SlackTrouble, TryLater, calling

log = logging.getLogger(__name__)

#: Answers one interaction, command or event.
Answering = Callable[[AsyncBoltRequest], Awaitable[BoltResponse]]

_ENDED = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR})
_CLOSING = ClientWSTimeout(ws_close=2.0)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: after how much silence a connection is given up, how long one that was asked to go may still speak,
    how long one must live to count as good, and how long to wait before trying again."""

    silence: float = 30.0
    farewell: float = 10.0
    settled: float = 30.0
    first_wait: float = 1.0
    longest_wait: float = 60.0


class Connection(AsyncBaseSocketModeClient):
    """One websocket. `leaving` is set when another one should take its place, whether or not it still speaks."""

    def __init__(self, socket: ClientWebSocketResponse, answering: Answering, pace: Pace) -> None:
        self.logger, self.leaving, self.reason = log, asyncio.Event(), ""
        self._socket, self._answering, self._pace = socket, answering, pace
        self._leave_by: float | None = None
        self._at_work: set[asyncio.Task[None]] = set()

    async def send_message(self, message: str) -> None:
        """Send text; the SDK's base class acknowledges through this."""
        await self._socket.send_str(message)

    async def serve(self) -> None:
        """Take envelopes until either side ends it, or the other side says nothing any more."""
        try:
            await self._listen()
        except (aiohttp.ClientError, OSError) as error:
            self.reason = self.reason or type(error).__name__
        finally:
            self.leaving.set()
            await self._socket.close()

    async def finish(self, seconds: float) -> None:
        """Let what is being answered be answered."""
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=seconds)

    async def _listen(self) -> None:
        heard = monotonic()
        while self._leave_by is None or monotonic() < self._leave_by:
            try:
                message = await self._socket.receive(self._pace.silence / 3)
            except TimeoutError:
                if monotonic() - heard >= self._pace.silence:
                    self.reason = "silent"
                    return
                await self._socket.ping()
                continue
            heard = monotonic()
            if message.type in _ENDED:
                self.reason = self.reason or "closed"
                return
            await self._take(message)

    async def _take(self, message: aiohttp.WSMessage) -> None:
        if message.type is WSMsgType.PING:
            await self._socket.pong(message.data)
        if message.type is not WSMsgType.TEXT:
            return
        with contextlib.suppress(ValueError):
            said = json.loads(message.data)
            if said.get("type") == "disconnect":
                self.reason = str(said.get("reason") or "disconnect")
                self._leave_by = monotonic() + self._pace.farewell
                self.leaving.set()
            elif (request := SocketModeRequest.from_dict(said)) is not None:
                task = asyncio.create_task(self._answer(request))
                self._at_work.add(task)
                task.add_done_callback(self._at_work.discard)

    async def _answer(self, request: SocketModeRequest) -> None:
        started = time()
        asked = AsyncBoltRequest(mode="socket_mode", body=request.payload, headers=build_headers(request))
        try:
            answer = await self._answering(asked)
            await send_async_response(self, request, answer, started)
        except (aiohttp.ClientError, OSError) as gone:
            log.warning("an envelope could not be acknowledged: its connection is gone (%s)", type(gone).__name__)
        except Exception:  # the outer loop: one envelope that broke something must not end the connection
            log.exception("an envelope could not be answered")


class Sockets:
    """Keeps a number of connections open, as long as it runs."""

    def __init__(
        self, client: AsyncWebClient, app_token: str, answering: Answering, count: int, pace: Pace | None = None
    ) -> None:
        self._client, self._app_token, self._answering, self._count = client, app_token, answering, count
        self._pace = pace or Pace()
        self._session: aiohttp.ClientSession | None = None
        self._keeping: list[asyncio.Task[None]] = []
        self._open: dict[asyncio.Task[None], Connection] = {}

    def start(self) -> None:
        """Begin to connect; what cannot be connected is tried again while the others carry on."""
        self._session = aiohttp.ClientSession()
        self._keeping = [asyncio.create_task(self._keep(n), name=f"socket {n}") for n in range(self._count)]

    async def stop(self, grace: float = 3.0) -> None:
        """Open no more, let what is being answered be answered, close everything."""
        await _end(self._keeping)
        await asyncio.gather(*(connection.finish(grace) for connection in self._open.values()))
        await _end(list(self._open))
        if self._session is not None:
            await self._session.close()

    async def _keep(self, number: int) -> None:
        """Keep one place taken: the next connection is opened while the one before may still speak."""
        failures = 0
        while True:
            opened = monotonic()
            reason, graceful = await self._hold_one()
            failures = 0 if graceful or monotonic() - opened >= self._pace.settled else failures + 1
            say = log.info if graceful else log.warning
            say("Socket Mode connection %d is replaced (%s)", number, reason)
            if failures:
                await asyncio.sleep(min(self._pace.first_wait * 2.0 ** (failures - 1), self._pace.longest_wait))

    async def _hold_one(self) -> tuple[str, bool]:
        """Hold a connection until another should take its place; return why, and whether Slack asked for it in time."""
        try:
            connection = await self._connect()
        except SlackTrouble as trouble:
            if isinstance(trouble, TryLater) and trouble.error == "ratelimited":
                await asyncio.sleep(trouble.after)
            return f"cannot be opened: {trouble.error}", False
        task = asyncio.create_task(connection.serve())
        self._open[task] = connection
        task.add_done_callback(lambda done: self._open.pop(done, None))
        await connection.leaving.wait()
        return connection.reason, connection.reason in ("warning", "refresh_requested")

    async def _connect(self) -> Connection:
        assert self._session is not None  # start() comes first
        answer = await calling(self._client.apps_connections_open(app_token=self._app_token))
        options: dict[str, Any] = {"proxy": self._client.proxy, "timeout": _CLOSING, "autoping": False}
        opening = self._session.ws_connect(str(answer["url"]), ssl=self._client.ssl or True, **options)
        return Connection(await calling(opening), self._answering, self._pace)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
