"""Socket Mode: the app connects to us, takes envelopes over a websocket and acknowledges them there."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections import defaultdict
from dataclasses import dataclass, field

from aiohttp import WSMessage, WSMsgType, web

from bot.workspace.model import Json
from bot.workspace.state import Workspace

MOST_CONNECTIONS = 10
WITH_ANSWER = ("interactive", "slash_commands")
"""Envelope types whose ack may carry a payload; an event's may not."""
PING_SECONDS = 10.0


@dataclass(eq=False)
class Connection:
    """One open websocket, the workspace it was opened for, and the envelopes it has not acknowledged yet."""

    socket: web.WebSocketResponse
    workspace: Workspace
    waiting: dict[str, asyncio.Future[Json | None]] = field(default_factory=dict)

    @property
    def silent(self) -> bool:
        """Whether the workspace lets this connection stay open and say nothing."""
        return self.workspace.faults.silent_sockets

    async def ping(self, seconds: float) -> None:
        """Ping every so often, until the connection ends."""
        while not self.socket.closed:
            await asyncio.sleep(seconds)
            if not self.silent:
                await self.socket.ping()

    def settle(self, ack: Json) -> None:
        """Take an acknowledgement."""
        future = self.waiting.pop(str(ack.get("envelope_id")), None)
        if future and not future.done():
            future.set_result(ack.get("payload") or {})

    def give_up(self) -> None:
        """The connection is gone, and so are the acknowledgements that were still to come."""
        for future in self.waiting.values():
            if not future.done():
                future.set_result(None)


class Sockets:
    """The live connections of every app; each envelope goes to one of them, in turn."""

    def __init__(self, ping_seconds: float = PING_SECONDS) -> None:
        self.ping_seconds = ping_seconds
        self._tickets: dict[str, Workspace] = {}
        self._open: defaultdict[str, list[Connection]] = defaultdict(list)
        self._tried: dict[str, list[Connection]] = {}
        self._turn = itertools.count()

    def ticket(self, workspace: Workspace) -> str:
        """The ws:// address that apps.connections.open hands out; good for one connection."""
        ticket = secrets.token_urlsafe(16)
        self._tickets[ticket] = workspace
        return f"{workspace.base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={workspace.app.id}"

    def live(self, workspace: Workspace) -> int:
        """How many connections the app holds open."""
        return len(self._there(workspace))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until either side closes it."""
        workspace = self._tickets.pop(request.query.get("ticket", ""), None)
        if workspace is None:
            return web.Response(status=401)
        if workspace.faults.refuse_sockets:
            return web.Response(status=503)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        if self.live(workspace) >= MOST_CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        await self._serve(Connection(socket, workspace))
        return socket

    async def _serve(self, connection: Connection) -> None:
        there = self._there(connection.workspace)
        there.append(connection)
        pinging = asyncio.create_task(connection.ping(self.ping_seconds))
        try:
            await connection.socket.send_json(_hello(connection.workspace, len(there)))
            connection.workspace.bump()
            async for message in connection.socket:
                await _heard(connection, message)
        finally:
            there.remove(connection)
            pinging.cancel()
            await asyncio.gather(pinging, return_exceptions=True)
            connection.give_up()
            connection.workspace.bump()

    async def ask(self, workspace: Workspace, kind: str, payload: Json, seconds: float, more: Json) -> Json | None:
        """Send one envelope and wait for its ack; its payload ({} when it has none), None when too late.

        An event that comes again goes to a connection that did not fail it yet, as long as there is one.
        """
        connection = self._pick(workspace, str(payload.get("event_id", "")))
        envelope_id = secrets.token_hex(16)
        waiting = connection.waiting[envelope_id] = asyncio.get_running_loop().create_future()
        envelope = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind in WITH_ANSWER,
            **more,
        }
        try:
            async with asyncio.timeout(seconds):
                if not connection.silent:
                    await connection.socket.send_json(envelope)
                answer: Json | None = await waiting
        except (TimeoutError, ConnectionResetError):
            answer = None
        finally:
            connection.waiting.pop(envelope_id, None)
        if answer is not None:
            self._tried.pop(str(payload.get("event_id", "")), None)
        return answer

    def _pick(self, workspace: Workspace, event_id: str) -> Connection:
        there = self._there(workspace)
        tried = self._tried.setdefault(event_id, []) if event_id else []
        fresh = [connection for connection in there if connection not in tried] or there
        chosen = fresh[next(self._turn) % len(fresh)]
        tried.append(chosen)
        return chosen

    async def refresh(self, workspace: Workspace) -> None:
        """Ask the app to reconnect, as Slack does every few hours: `disconnect`, then close."""
        await self.disconnect(workspace, "refresh_requested")

    async def disconnect(self, workspace: Workspace, reason: str = "refresh_requested") -> None:
        """Send `disconnect`; after `warning` the connections stay for a while, after any other reason they close."""
        for connection in list(self._there(workspace)):
            await connection.socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})
            if reason != "warning":
                await connection.socket.close()

    async def stop(self) -> None:
        """Close every connection."""
        for connections in self._open.values():
            for connection in list(connections):
                await connection.socket.close()

    def _there(self, workspace: Workspace) -> list[Connection]:
        return self._open[workspace.app.app_token or workspace.team_id]


async def _heard(connection: Connection, message: WSMessage) -> None:
    if message.type is WSMsgType.PING and not connection.silent:
        await connection.socket.pong(message.data)
    if message.type is not WSMsgType.TEXT:
        return
    try:
        ack = json.loads(message.data)
    except ValueError:
        return
    if isinstance(ack, dict):
        connection.settle(ack)


def _hello(workspace: Workspace, connections: int) -> Json:
    return {
        "type": "hello",
        "num_connections": connections,
        "connection_info": {"app_id": workspace.app.id},
        "debug_info": {"host": "workspace", "approximate_connection_time": 18060},
    }
