"""The workspace on a port: Web API, response URLs, Socket Mode and the page, and people to act in tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from bot.workspace import files
from bot.workspace.answers import url_answered
from bot.workspace.cast import APPROVALS
from bot.workspace.errors import SlackError
from bot.workspace.events import RETRY_DELAYS, Events
from bot.workspace.faults import RESPONSE_URL, UPLOAD
from bot.workspace.happenings import Happenings
from bot.workspace.interactions import Interactions
from bot.workspace.model import Message, View
from bot.workspace.oauth import OAuth
from bot.workspace.page import Page
from bot.workspace.records import Answer
from bot.workspace.seat import Seat
from bot.workspace.socket_mode import Sockets
from bot.workspace.state import Workspace
from bot.workspace.transport import ACK_SECONDS, Reply, Transport
from bot.workspace.web_api import WebApi, cut, misbehave, refused


class WorkspaceServer:
    """Serves one workspace. Port 0 picks a free one; `.url` and `.api_url` are known after `start()`.

    `panel` is (title, address) of a page to show beside the channels. `ack_seconds` is how long the app may
    take to acknowledge; `retry_delays` are the seconds before each redelivery of an event.
    """

    def __init__(
        self,
        workspace: Workspace,
        host: str = "127.0.0.1",
        port: int = 0,
        panel: tuple[str, str] | None = None,
        *,
        ack_seconds: float = ACK_SECONDS,
        retry_delays: tuple[float, ...] = RETRY_DELAYS,
        signing_clock: Callable[[], float] = time.time,
    ) -> None:
        self.workspace, self.host, self.port, self.panel = workspace, host, port, panel
        self.sockets = Sockets()
        self.transport = Transport(self.sockets, ack_seconds, signing_clock)
        self.retry_delays = retry_delays
        self.seats: list[Seat] = []
        self.seat = self.add(workspace)
        self.oauth = OAuth(lambda: [seat.workspace for seat in self.seats])
        self.web_api = WebApi(self._find, self.sockets.ticket, self.oauth)
        self.page = Page(lambda: self.seats, panel)
        self._runner: web.AppRunner | None = None

    def add(self, workspace: Workspace) -> Seat:
        """Host one more workspace, told apart by its bot token; the page lets people switch between them."""
        events = Events(workspace, self.transport, self.retry_delays)
        seat = Seat(workspace, Interactions(workspace, self.transport), events, Happenings(events), self.sockets)
        workspace.base_url = self.url
        self.seats.append(seat)
        return seat

    def seat_of(self, team_id: str | None) -> Seat:
        """The hosted workspace with this team id; the first one when none is named or known."""
        return next((seat for seat in self.seats if seat.workspace.team_id == team_id), self.seat)

    @property
    def url(self) -> str:
        """The address of the page, without a slash at its end."""
        return f"http://{self.host}:{self.port}"

    @property
    def api_url(self) -> str:
        """What the bot takes as its Slack API base address; ends with `/api/`."""
        return f"{self.url}/api/"

    async def start(self) -> None:
        """Listen. OSError when the port is taken."""
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        for seat in self.seats:
            seat.workspace.base_url = self.url
        await self.transport.start()

    async def stop(self) -> None:
        """Stop listening, drop Socket Mode connections and the retries still to come."""
        for seat in self.seats:
            await seat.events.stop()
        self.page.stop()
        await self.sockets.stop()
        await self.transport.stop()
        if self._runner:
            await self._runner.cleanup()

    async def __aenter__(self) -> WorkspaceServer:
        """`async with` starts and stops the server."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # -- people acting in the first workspace; `seat.happenings` has the rest

    async def click(
        self, user: str, where: Message | View, what: str, value: Any = None, block_id: str | None = None
    ) -> Answer:
        """Press the button (or choose `value` in the select, overflow …) that `what` names."""
        return await self.seat.interactions.click(user, where, what, value, block_id)

    async def submit(self, user: str, view: View, values: dict[str, Any] | None = None) -> Answer:
        """Fill in and submit a modal; keys are block_ids, action_ids or labels."""
        return await self.seat.interactions.submit(user, view, values)

    async def close(self, user: str, view: View, clear: bool = False) -> Answer:
        """Dismiss a modal, or with `clear` the whole stack."""
        return await self.seat.interactions.close(user, view, clear)

    async def command(self, user: str, name: str, text: str = "", channel: str = APPROVALS) -> Answer:
        """Type a slash command, such as `command(BOB, "/approvals", "pending")`."""
        return await self.seat.interactions.command(user, name, text, channel)

    async def open_home(self, user: str) -> Answer:
        """Open the app's Home tab; `view` is what is published by the time the event is acknowledged."""
        reply = await self.seat.happenings.home_opened(user) or Reply(0, "", 0.0)
        late = reply.failure == "http_timeout"
        return Answer(reply.status, reply.body, reply.seconds, [], self.workspace.home(user), late)

    async def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Message:
        """Write a message as a person."""
        return await self.seat.happenings.said(user, channel, text, thread_ts)

    # -- http

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=files.MOST_BYTES + 64 * 1024)
        app.router.add_route("GET", "/api/{method}", self.web_api.handle)
        app.router.add_route("POST", "/api/{method}", self.web_api.handle)
        app.router.add_post("/response/{token}", self._respond)
        app.router.add_post("/upload/v1/{team}/{file}/{token}", self._upload)
        app.router.add_get("/link/", self.sockets.handle)
        app.router.add_get("/oauth/v2/authorize", self.oauth.authorize)
        self.page.add_routes(app)
        return app

    def _find(self, token: str) -> Workspace | None:
        for seat in self.seats:
            app = seat.workspace.app
            if token and (token in (app.bot_token, app.app_token) or token in app.old_tokens):
                return seat.workspace
        return None

    async def _respond(self, request: web.Request) -> web.Response:
        token = request.match_info["token"]
        owners = [seat.workspace for seat in self.seats if seat.workspace.response_urls.knows(token)]
        workspace = owners[0] if owners else self.workspace
        fault = workspace.faults.take(RESPONSE_URL)
        await workspace.faults.linger(fault)
        try:
            misbehave(fault)
            url = workspace.response_urls.use(token)
            body = await request.json()
            if not isinstance(body, dict):
                raise SlackError("invalid_payload", status=400)
            url_answered(workspace, url, body, token)
        except ValueError:
            return web.json_response({"ok": False, "error": "invalid_payload"}, status=400)
        except SlackError as error:
            return cut(request) if fault and fault.kind == "drop" else refused(error)
        return cut(request) if fault and fault.kind == "lost" else web.json_response({"ok": True})

    async def _upload(self, request: web.Request) -> web.Response:
        seat = self.seat_of(request.match_info["team"])
        fault = seat.workspace.faults.take(UPLOAD)
        await seat.workspace.faults.linger(fault)
        try:
            misbehave(fault)
        except SlackError as error:
            return cut(request) if fault and fault.kind == "drop" else refused(error)
        answer = await files.take_bytes(seat.workspace, request)
        return cut(request) if fault and fault.kind == "lost" else answer
