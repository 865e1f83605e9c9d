"""`/mcp`: agents by bearer key, as at the HTTP API. Whoever is let in is handed to the mcp package."""

import asyncio
import json
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from aiohttp import web

from bot.api.calls import Calls
from bot.api.errors import answer, status_of
from bot.api.mcp.bridge import AsgiApp, Passage
from bot.api.mcp.local import Visit, desk_maker
from bot.api.principals import Callers
from bot.api.waiting import Waiters
from bot.office import Office
from governance.errors import Forbidden, Refusal, TooMany, Unauthenticated

PATH = "/mcp"
_SESSION = "Mcp-Session-Id"
_REFUSED = -32000  # JSON-RPC's own code for what the server decides
_DRAIN = 5.0  # seconds that calls under way have to end


class McpDoor:
    """The address of one workspace's MCP server."""

    def __init__(self, office: Office, callers: Callers, calls: Calls, waiters: Waiters) -> None:
        self._office, self._callers, self._desk_for = office, callers, desk_maker(office, calls, waiters)
        self._starting = asyncio.Lock()
        self._app: AsgiApp | None = None
        self._serving: asyncio.Task[None] | None = None
        self._at_work: set[asyncio.Task[Any]] = set()
        self._visits: dict[tuple[str, str, str], Passage] = {}  #: by agent, session and the id of the request

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Every method of `/mcp`."""
        try:
            _check_origin(request)
            agent = await self._callers.agent(request)
        except Refusal as refusal:
            return _refused(refusal)
        if request.method != "POST":  # no session is kept, so there is nothing to listen to or to end
            return web.Response(status=405, headers={"Allow": "POST"})
        message = _message(body := await request.read())
        begins = message.get("method") == "initialize"
        passage = Passage(request, body, {_SESSION: uuid4().hex} if begins else {})
        visit = Visit(agent, passage, lambda: self._callers.check_still(request))
        return await self._served(visit, message)

    async def _served(self, visit: Visit, message: dict[str, Any]) -> web.StreamResponse:
        """Let the mcp package answer, and know the call by its id meanwhile, so that it can be cancelled."""
        passage, session = visit.passage, visit.passage.request.headers.get(_SESSION, "")
        self._cancel(visit, session, message)
        key = (visit.agent.id, session, json.dumps(message.get("id")))
        if session and "id" in message:
            self._visits[key] = passage
        task = asyncio.current_task()
        assert task is not None  # aiohttp runs us in one
        self._at_work.add(task)
        try:
            return await passage.through(await self._running(), **{"countersign.visit": visit})
        finally:
            self._at_work.discard(task)
            if self._visits.get(key) is passage:
                del self._visits[key]

    def _cancel(self, visit: Visit, session: str, message: dict[str, Any]) -> None:
        """End the call that a client of the older protocol takes back: it says so in another request."""
        if message.get("method") != "notifications/cancelled" or not isinstance(message.get("params"), dict):
            return
        taken_back = self._visits.get((visit.agent.id, session, json.dumps(message["params"].get("requestId"))))
        if taken_back is not None:
            taken_back.ended.set()

    async def _running(self) -> AsgiApp:
        """Return the application, which the first request starts."""
        async with self._starting:
            if self._app is None:
                serving: Any = await asyncio.to_thread(import_module, "bot.api.mcp.serving")
                self._app, self._serving = await serving.start(self._desk_for, self._until_closing)
        return self._app

    async def _until_closing(self) -> None:
        """Return when the process stops and the calls under way have ended, or have had their time."""
        signals = self._office.database.signals
        with signals.listen("mcp") as woken:
            while not signals.closed:
                await woken.wait()
                woken.clear()
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=_DRAIN)


def _check_origin(request: web.Request) -> None:
    """Raise Forbidden for a page of another site: nothing that runs in a browser has business here."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise Forbidden("Pages of other sites may not call this address.", code="FOREIGN_ORIGIN")


def _message(body: bytes) -> dict[str, Any]:
    """Return the JSON-RPC message as far as it is one; what it is not, the mcp package says."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _refused(refusal: Refusal) -> web.Response:
    """Answer a refusal as JSON-RPC with the HTTP status that says the same."""
    error = {
        "code": _REFUSED, "message": f"{refusal.name}: {refusal.sentence}",
        "data": {"code": refusal.name, "details": refusal.details},
    }  # fmt: skip
    headers = {}
    if isinstance(refusal, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="countersign", error="invalid_token"'
    if isinstance(refusal, TooMany):
        headers["Retry-After"] = str(refusal.details.get("retry_after", 1))
    return answer({"jsonrpc": "2.0", "id": None, "error": error}, status_of(refusal), headers)
