"""Installing by OAuth: the consent page (which always consents) and the exchange of its code for tokens."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable
from urllib.parse import urlencode

from aiohttp import web

from bot.workspace.arguments import text
from bot.workspace.errors import SlackError
from bot.workspace.installation import reinstall
from bot.workspace.model import Json
from bot.workspace.state import Workspace

CODE_SECONDS = 600.0


class OAuth:
    """Hands out codes for the workspaces of a server and exchanges each once, within ten minutes."""

    def __init__(self, workspaces: Callable[[], list[Workspace]]) -> None:
        self._workspaces = workspaces
        self._codes: dict[str, tuple[Workspace, str, float]] = {}
        self._used: set[str] = set()

    async def authorize(self, request: web.Request) -> web.Response:
        """GET /oauth/v2/authorize: sends the browser back with a code, as if the person had agreed.

        `team` picks the workspace, `user` the installing person; the first of each otherwise.
        """
        asked = request.query
        workspace = next((one for one in self._workspaces() if asked.get("team") in (None, one.team_id)), None)
        if workspace is None or asked.get("client_id") != workspace.app.client_id:
            return web.Response(status=400, text="There is no such app or workspace here.")
        user = asked.get("user") or workspace.people()[0].id
        code = self.code(workspace, user)
        back = asked.get("redirect_uri") or workspace.app.redirect_uri
        raise web.HTTPFound(f"{back}?{urlencode({'code': code, 'state': asked.get('state', '')})}")

    def code(self, workspace: Workspace, user: str) -> str:
        """A code as the consent page would hand it out."""
        code = secrets.token_urlsafe(16)
        self._codes[code] = (workspace, user, workspace.now())
        return code

    def access(self, args: Json, authorization: str = "") -> Json:
        """oauth.v2.access: tokens for a code. The client's id and secret come as arguments or Basic."""
        client_id, client_secret = _client(args, authorization)
        code = text(args, "code")
        if code in self._used:
            raise SlackError("code_already_used")
        if code not in self._codes:
            raise SlackError("invalid_code")
        workspace, user, minted = self._codes[code]
        if client_id != workspace.app.client_id:
            raise SlackError("invalid_client_id")
        if client_secret != workspace.app.client_secret:
            raise SlackError("bad_client_secret")
        if workspace.now() - minted > CODE_SECONDS:
            raise SlackError("invalid_code")
        self._used.add(code)
        reinstall(workspace.app, new_token=workspace.app.revoked is not None)
        return _granted(workspace, user)


def _client(args: Json, authorization: str) -> tuple[str, str]:
    if authorization.startswith("Basic "):
        try:
            both = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise SlackError("invalid_client_id") from None
        client_id, _, client_secret = both.partition(":")
        return client_id, client_secret
    return text(args, "client_id"), text(args, "client_secret")


def _granted(workspace: Workspace, user: str) -> Json:
    app = workspace.app
    return {
        "app_id": app.id,
        "authed_user": {"id": user},
        "scope": ",".join(sorted(app.scopes)),
        "token_type": "bot",
        "access_token": app.bot_token,
        "bot_user_id": app.bot_user_id,
        "team": {"id": workspace.team_id, "name": workspace.name},
        "enterprise": None,
        "is_enterprise_install": False,
    }
