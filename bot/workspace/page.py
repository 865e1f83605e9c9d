"""The browser page and the JSON endpoints its script uses; acceptance tests may use them too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import jinja2
from aiohttp import web

from bot.workspace.files import file_response
from bot.workspace.happenings import Happenings
from bot.workspace.interactions import Interactions
from bot.workspace.model import Json, Message, View
from bot.workspace.page_state import answer_json, state_for
from bot.workspace.records import Answer
from bot.workspace.transport import Reply

TEMPLATES = Path(__file__).parent.parent.parent / "templates" / "pages"
ASSETS = (".css", ".js", ".svg")
KEEP_ALIVE_SECONDS = 15.0
ONLY_FROM_HERE = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; frame-src http: https:; base-uri 'none'; form-action 'self'"
)
"""The page fetches nothing from anywhere else; only the side panel may be another address."""

Deed = Callable[[Json], Awaitable[Answer]]


class Page:
    """Serves `/` and `/workspace/…`. Every POST names who acts in `as`."""

    def __init__(self, interactions: Interactions, happenings: Happenings, panel: tuple[str, str] | None) -> None:
        self.workspace = interactions.workspace
        self.interactions, self.happenings, self.panel = interactions, happenings, panel
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
        for name, deed in self._deeds().items():
            app.router.add_post(f"/workspace/{name}", self._doing(deed))

    def stop(self) -> None:
        """Let the event streams end."""
        self._stopped = True
        self.workspace.bump()

    def _deeds(self) -> dict[str, Deed]:
        return {
            "click": self._click,
            "select-option": self._click,
            "submit": self._submit,
            "close": self._close,
            "message": self._message,
            "command": self._command,
            "open-home": self._open_home,
            "react": self._react,
            "delete": self._delete,
        }

    # -- the page

    async def show(self, request: web.Request) -> web.Response:
        """GET /: the page."""
        environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
        template = environment.get_template("workspace.html.j2")
        html = template.render(team=self.workspace.name, app=self.workspace.app.name, panel=self.panel)
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
        place = request.match_info["place"].removeprefix("p")
        ts = f"{place[:-6]}.{place[-6:]}"
        thread = request.query.get("thread_ts", "")
        where = f"/#in={request.match_info['channel']}&at={ts}" + (f"&thread={thread}" if thread else "")
        raise web.HTTPFound(where)

    async def file(self, request: web.Request) -> web.Response:
        """GET /files/…: an uploaded file. Pictures are shown, everything else is plain text or a download."""
        return file_response(self.workspace, request.match_info["file"], "download" in request.query)

    async def state(self, request: web.Request) -> web.Response:
        """GET /workspace/state?as=U…: everything this person may see."""
        user = request.query.get("as", "")
        if user not in self.workspace.users:
            return _refused(f"there is nobody called {user!r} here", 404)
        return web.json_response(state_for(self.workspace, user))

    async def changes(self, request: web.Request) -> web.StreamResponse:
        """GET /workspace/events: a server-sent event with the version after every change."""
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await stream.prepare(request)
        try:
            while not self._stopped:
                await stream.write(f"data: {self.workspace.version}\n\n".encode())
                await self._next_change()
        except ConnectionResetError:
            pass  # the reader went away
        return stream

    async def _next_change(self) -> None:
        try:
            async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                await self.workspace.changed()
        except TimeoutError:
            pass  # sending the same version again keeps the connection alive

    # -- what people do

    def _doing(self, deed: Deed) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                body = await request.json()
                if not isinstance(body, dict) or not self._is_person(body.get("as")):
                    return _refused("`as` must name a person of this workspace", 400)
                return web.json_response(answer_json(self.workspace, await deed(body)))
            except (LookupError, ValueError, PermissionError) as error:
                return _refused(str(error), 400)

        return handle

    def _is_person(self, user_id: object) -> bool:
        return any(user.id == user_id for user in self.workspace.people())

    async def _click(self, body: Json) -> Answer:
        where = self._where(body)
        return await self.interactions.click(
            body["as"], where, body["action_id"], body.get("value"), body.get("block_id")
        )

    async def _submit(self, body: Json) -> Answer:
        return await self.interactions.submit(body["as"], self._view(body), body.get("values"))

    async def _close(self, body: Json) -> Answer:
        return await self.interactions.close(body["as"], self._view(body), bool(body.get("clear")))

    async def _message(self, body: Json) -> Answer:
        text = str(body.get("text", ""))
        await self.happenings.said(body["as"], body["channel"], text, body.get("thread_ts"))
        return _answer(None)

    async def _command(self, body: Json) -> Answer:
        text = str(body.get("text", ""))
        return await self.interactions.command(body["as"], str(body["command"]), text, body["channel"])

    async def _open_home(self, body: Json) -> Answer:
        reply = await self.happenings.home_opened(body["as"])
        return _answer(reply, self.workspace.home(body["as"]))

    async def _react(self, body: Json) -> Answer:
        return _answer(await self.happenings.reacted(body["as"], self._message_at(body), str(body["name"])))

    async def _delete(self, body: Json) -> Answer:
        return _answer(await self.happenings.deleted(body["as"], self._message_at(body)))

    async def faults(self, request: web.Request) -> web.Response:
        """POST /workspace/faults `{method, fault, times?, retry_after?}`, or `{clear: true}`."""
        try:
            body = await request.json()
            if body.get("clear"):
                self.workspace.faults.clear()
            else:
                times, wait = int(body.get("times", 1)), int(body.get("retry_after", 1))
                self.workspace.faults.add(str(body["method"]), str(body["fault"]), times, wait)
        except (KeyError, ValueError, AttributeError) as error:
            return _refused(f"a fault needs method and fault: {error}", 400)
        return web.json_response({"ok": True, "planned": self.workspace.faults.planned()})

    def _where(self, body: Json) -> Message | View:
        if body.get("view_id"):
            return self._view(body)
        return self._message_at(body).snapshot(body.get("revision"))

    def _message_at(self, body: Json) -> Message:
        message = self.workspace.find(str(body.get("channel")), str(body.get("ts")))
        if message is None:
            raise LookupError("this message is gone")
        return message

    def _view(self, body: Json) -> View:
        view = self.workspace.view(str(body.get("view_id")))
        if view is None or view.user != body["as"]:
            raise LookupError("this view is gone")
        return view


def _answer(reply: Reply | None, view: View | None = None) -> Answer:
    if reply is None:
        return Answer(0, "", 0.0, view=view)
    return Answer(reply.status, reply.body, reply.seconds, [], view, reply.failure == "http_timeout")


def _refused(why: str, status: int) -> web.Response:
    return web.json_response({"ok": False, "error": why}, status=status)
