"""Socket Mode: the app connects to us, takes envelopes over a websocket and acknowledges them there."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections import defaultdict

from aiohttp import WSMsgType, web

from bot.workspace.model import Json
from bot.workspace.state import Workspace

MOST_CONNECTIONS = 10
WITH_ANSWER = ("interactive", "slash_commands")
"""Envelope types whose ack may carry a payload; an event's may not."""


class Sockets:
    """The live connections of every workspace; each envelope goes to one of them, in turn."""

    def __init__(self) -> None:
        self._tickets: dict[str, Workspace] = {}
        self._open: defaultdict[str, list[web.WebSocketResponse]] = defaultdict(list)
        self._pending: dict[str, asyncio.Future[Json]] = {}
        self._turn = itertools.count()

    def ticket(self, workspace: Workspace) -> str:
        """The ws:// address that apps.connections.open hands out; good for one connection."""
        ticket = secrets.token_urlsafe(16)
        self._tickets[ticket] = workspace
        return f"{workspace.base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={workspace.app.id}"

    def live(self, workspace: Workspace) -> int:
        """How many connections the app holds open."""
        return len(self._open[workspace.team_id])

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until either side closes it."""
        workspace = self._tickets.pop(request.query.get("ticket", ""), None)
        if workspace is None:
            return web.Response(status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        there = self._open[workspace.team_id]
        if len(there) >= MOST_CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        there.append(socket)
        await socket.send_json(_hello(workspace, len(there)))
        workspace.bump()
        try:
            await self._listen(socket)
        finally:
            there.remove(socket)
            workspace.bump()
        return socket

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                ack = json.loads(message.data)
            except ValueError:
                continue
            waiting = self._pending.pop(str(ack.get("envelope_id")), None)
            if waiting and not waiting.done():
                waiting.set_result(ack.get("payload") or {})

    async def ask(self, workspace: Workspace, kind: str, payload: Json, seconds: float, more: Json) -> Json | None:
        """Send one envelope and wait for its ack; its payload ({} when it has none), None when too late."""
        there = self._open[workspace.team_id]
        socket = there[next(self._turn) % len(there)]
        envelope_id = secrets.token_hex(16)
        waiting = self._pending[envelope_id] = asyncio.get_running_loop().create_future()
        envelope = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind in WITH_ANSWER,
            **more,
        }
        try:
            async with asyncio.timeout(seconds):
                await socket.send_json(envelope)
                answer: Json = await waiting
                return answer
        except (TimeoutError, ConnectionResetError):
            return None
        finally:
            self._pending.pop(envelope_id, None)

    async def refresh(self, workspace: Workspace) -> None:
        """Ask the app to reconnect, as Slack does every few hours: `disconnect`, then close."""
        for socket in list(self._open[workspace.team_id]):
            await socket.send_json({"type": "disconnect", "reason": "refresh_requested", "debug_info": {}})
            await socket.close()

    async def stop(self) -> None:
        """Close every connection."""
        for sockets in self._open.values():
            for socket in list(sockets):
                await socket.close()


def _hello(workspace: Workspace, connections: int) -> Json:
    return {
        "type": "hello",
        "num_connections": connections,
        "connection_info": {"app_id": workspace.app.id},
        "debug_info": {"host": "workspace", "approximate_connection_time": 18060},
    }
