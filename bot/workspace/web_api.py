"""The Web API over HTTP: token, faults, limits, then the method; every answer is recorded."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from bot.workspace import arguments, chat, conversations, files, installation, profiles, reactions, views
from bot.workspace.call import Call, Method
from bot.workspace.errors import SlackError, rate_limited
from bot.workspace.faults import Fault
from bot.workspace.model import Json
from bot.workspace.oauth import OAuth
from bot.workspace.records import ApiCall
from bot.workspace.state import Workspace

METHODS: dict[str, tuple[str | None, Method]] = {
    **chat.METHODS,
    **conversations.METHODS,
    **files.METHODS,
    **installation.METHODS,
    **profiles.METHODS,
    **reactions.METHODS,
    **views.METHODS,
}
"""Every method that answers with something of this workspace: name -> (scope, code)."""

WITHOUT_BOT = ("api.test", "apps.connections.open", "oauth.v2.access")
"""Methods that work without the bot's token."""


class WebApi:
    """Serves `/api/{method}`. `find` gives the workspace a token belongs to, or None for a strange token.

    `open_socket` answers `apps.connections.open`: it returns the ws:// address to connect to.
    """

    def __init__(
        self,
        find: Callable[[str], Workspace | None],
        open_socket: Callable[[Workspace], str],
        oauth: OAuth,
    ) -> None:
        self._find, self._open_socket, self._oauth = find, open_socket, oauth

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call, whatever becomes of it."""
        method = request.match_info["method"]
        try:
            args = await arguments.read(request)
        except SlackError as error:
            return _respond(error.status, error.answer())
        workspace = self._find(str(args.get("token", "")))
        fault = workspace.faults.take(method) if workspace else None
        if workspace:
            await workspace.faults.linger(fault)
        args["authorization"] = request.headers.get("Authorization", "")
        status, answer, retry_after = self._outcome(method, args, workspace, fault)
        if workspace:
            _record(workspace, method, args, status, answer, fault)
        if fault and fault.kind in ("lost", "drop"):
            return cut(request)
        return _respond(status, answer, retry_after, workspace)

    def _outcome(
        self, method: str, args: Json, workspace: Workspace | None, fault: Fault | None
    ) -> tuple[int, Json, int | None]:
        try:
            misbehave(fault)
            return 200, {"ok": True, **self._work(method, args, workspace)}, None
        except SlackError as error:
            return error.status, error.answer(), error.retry_after

    def _work(self, method: str, args: Json, workspace: Workspace | None) -> Json:
        authorization = str(args.pop("authorization"))
        if method not in METHODS and method not in WITHOUT_BOT:
            raise SlackError("unknown_method", more={"req_method": method})
        if method == "api.test":
            return {"args": {name: value for name, value in args.items() if name != "token"}}
        if method == "oauth.v2.access":
            return self._oauth.access(args, authorization)
        if not args.get("token"):
            raise SlackError("not_authed")
        if workspace is None:
            raise SlackError("invalid_auth")
        if method == "apps.connections.open":
            return self._connect(workspace, str(args["token"]))
        return _run(workspace, method, args)

    def _connect(self, workspace: Workspace, token: str) -> Json:
        if token != workspace.app.app_token:
            raise SlackError("not_allowed_token_type")
        workspace.pacing.check("apps.connections.open", "")
        return {"url": self._open_socket(workspace)}


def _run(workspace: Workspace, method: str, args: Json) -> Json:
    if args["token"] in workspace.app.old_tokens:
        raise SlackError("token_revoked")
    if args["token"] != workspace.app.bot_token:
        raise SlackError("not_allowed_token_type")
    if workspace.app.revoked:
        raise SlackError(workspace.app.revoked)
    if method != "chat.postMessage":  # counted per channel, once the channel is known
        workspace.pacing.check(method, "", workspace.app.restricted_history)
    scope, code = METHODS[method]
    call = Call(workspace, method, dict(args))
    if scope:
        call.scope(scope)
    return code(call)


def misbehave(fault: Fault | None) -> None:
    """Raise what a fault answers instead of working; some let the work be done."""
    if fault is None or fault.works:
        return
    if fault.kind == "ratelimited":
        raise rate_limited(fault.retry_after)
    if fault.kind in ("500", "503"):
        word = "internal_error" if fault.kind == "500" else "service_unavailable"
        raise SlackError(word, status=int(fault.kind))
    raise SlackError("connection_cut" if fault.kind == "drop" else fault.kind)


def _record(workspace: Workspace, method: str, args: Json, status: int, answer: Json, fault: Fault | None) -> None:
    shown = {name: value for name, value in args.items() if name not in ("token", "authorization")}
    kind = fault.kind if fault else None
    workspace.calls.append(ApiCall(workspace.now(), method, shown, status, answer, kind))
    workspace.bump()


def _respond(
    status: int, answer: Json, retry_after: int | None = None, workspace: Workspace | None = None
) -> web.Response:
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    if workspace:
        headers["X-OAuth-Scopes"] = ",".join(sorted(workspace.app.scopes))
    return web.json_response(answer, status=status, headers=headers)


def refused(error: SlackError) -> web.Response:
    """An error as an HTTP answer, outside the Web API proper."""
    return _respond(error.status, error.answer(), error.retry_after)


def cut(request: web.Request) -> web.Response:
    """Break the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
