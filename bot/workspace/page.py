"""The browser page and the JSON endpoints its script uses; acceptance tests may use them too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import jinja2
from aiohttp import web

from bot.workspace.admin_deeds import ADMIN_DEEDS
from bot.workspace.deeds import DEEDS, Deed
from bot.workspace.files import file_response
from bot.workspace.model import Json
from bot.workspace.page_faults import misbehave
from bot.workspace.page_state import answer_json, state_for
from bot.workspace.seat import Seat

TEMPLATES = Path(__file__).parent.parent.parent / "templates" / "pages"
ASSETS = (".css", ".js", ".svg")
KEEP_ALIVE_SECONDS = 15.0
ONLY_FROM_HERE = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; frame-src http: https:; base-uri 'none'; form-action 'self'"
)
"""The page fetches nothing from anywhere else; only the side panel may be another address."""


class Page:
    """Serves `/` and `/workspace/…`. Every POST names who acts in `as`; `team` picks one of several workspaces."""

    def __init__(self, seats: Callable[[], list[Seat]], panel: tuple[str, str] | None) -> None:
        self._seats, self.panel = seats, panel
        self._stopped = False

    def add_routes(self, app: web.Application) -> None:
        """Put the page under the server's application."""
        app.router.add_get("/", self.show)
        app.router.add_get(r"/workspace{name:(\.[a-z]+)+}", self.asset)
        app.router.add_get("/archives/{channel}/{place}", self.permalink)
        app.router.add_get("/files/{team}/{file}/{name}", self.file)
        app.router.add_get("/workspace/state", self.state)
        app.router.add_get("/workspace/events", self.changes)
        app.router.add_post("/workspace/faults", self.faults)
        for name, deed in {**DEEDS, **ADMIN_DEEDS}.items():
            app.router.add_post(f"/workspace/{name}", self._doing(deed))

    def stop(self) -> None:
        """Let the event streams end."""
        self._stopped = True
        for seat in self._seats():
            seat.workspace.bump()

    def _seat(self, team: object) -> Seat:
        seats = self._seats()
        return next((seat for seat in seats if seat.workspace.team_id == team), seats[0])

    # -- the page

    async def show(self, request: web.Request) -> web.Response:
        """GET /: the page."""
        environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
        template = environment.get_template("workspace.html.j2")
        workspace = self._seats()[0].workspace
        html = template.render(team=workspace.name, app=workspace.app.name, panel=self.panel)
        headers = {"Content-Security-Policy": ONLY_FROM_HERE}
        return web.Response(text=html, content_type="text/html", headers=headers)

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """GET /workspace.css, /workspace.js and their kin."""
        path = TEMPLATES / f"workspace{request.match_info['name']}"
        if path.suffix not in ASSETS or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={"Cache-Control": "no-cache"})

    async def permalink(self, request: web.Request) -> web.Response:
        """GET /archives/{channel}/p{ts}: the page, at this message."""
        place, channel = request.match_info["place"].removeprefix("p"), request.match_info["channel"]
        ts = f"{place[:-6]}.{place[-6:]}"
        thread = request.query.get("thread_ts", "")
        holds = [seat.workspace for seat in self._seats() if (channel, ts) in seat.workspace.messages]
        team = holds[0].team_id if holds and holds[0] is not self._seats()[0].workspace else ""
        where = f"/#in={channel}&at={ts}" + (f"&thread={thread}" if thread else "") + (f"&team={team}" if team else "")
        raise web.HTTPFound(where)

    async def file(self, request: web.Request) -> web.Response:
        """GET /files/…: an uploaded file. Pictures are shown, everything else is plain text or a download."""
        seat = self._seat(request.match_info["team"])
        return file_response(seat.workspace, request.match_info["file"], "download" in request.query)

    async def state(self, request: web.Request) -> web.Response:
        """GET /workspace/state?as=U…&team=T…: everything this person may see."""
        seat, user = self._seat(request.query.get("team")), request.query.get("as", "")
        if user not in seat.workspace.users:
            somebody = next((person.id for person in seat.workspace.people()), "")
            return _refused(f"there is nobody called {user!r} here", 404, somebody=somebody)
        teams = [{"id": one.workspace.team_id, "name": one.workspace.name} for one in self._seats()]
        return web.json_response({**state_for(seat, user), "teams": teams})

    async def changes(self, request: web.Request) -> web.StreamResponse:
        """GET /workspace/events?team=T…: a server-sent event with the version after every change."""
        workspace = self._seat(request.query.get("team")).workspace
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await stream.prepare(request)
        try:
            while not self._stopped:
                await stream.write(f"data: {workspace.version}\n\n".encode())
                await _next(workspace.changed())
        except ConnectionResetError:
            pass  # the reader went away
        return stream

    # -- what people do

    def _doing(self, deed: Deed) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                body = await request.json()
                seat = self._seat(body.get("team")) if isinstance(body, dict) else None
                if seat is None or not _is_person(seat, body):
                    return _refused("`as` must name a person of this workspace", 400)
                return web.json_response(answer_json(seat.workspace, await deed(seat, body)))
            except KeyError as error:
                return _refused(f"{error} is missing", 400)
            except (LookupError, ValueError, PermissionError) as error:
                return _refused(str(error), 400)

        return handle

    async def faults(self, request: web.Request) -> web.Response:
        """POST /workspace/faults: `{method, fault, times?, retry_after?}`, `{clear: true}`, or what the panel sends."""
        try:
            body = await request.json()
            seat = self._seat(body.get("team"))
            await misbehave(seat, body)
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            return _refused(f"a fault needs method and fault: {error}", 400)
        return web.json_response({"ok": True, "planned": seat.workspace.faults.planned()})


async def _next(change: Awaitable[int]) -> None:
    try:
        async with asyncio.timeout(KEEP_ALIVE_SECONDS):
            await change
    except TimeoutError:
        pass  # sending the same version again keeps the connection alive


def _is_person(seat: Seat, body: Json) -> bool:
    return any(user.id == body.get("as") for user in seat.workspace.people())


def _refused(why: str, status: int, **more: str) -> web.Response:
    return web.json_response({"ok": False, "error": why, **more}, status=status)
