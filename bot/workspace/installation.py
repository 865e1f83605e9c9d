"""The app's own standing: auth.*, bots.info, team.info."""

from __future__ import annotations

import secrets

from bot.workspace.arguments import flag, text
from bot.workspace.call import Call, Method
from bot.workspace.errors import SlackError
from bot.workspace.model import App, Json
from bot.workspace.state import Workspace


def auth_test(call: Call) -> Json:
    """auth.test: who the token is."""
    workspace = call.workspace
    return {
        "url": f"{workspace.base_url}/",
        "team": workspace.name,
        "user": workspace.app.name.lower(),
        "team_id": workspace.team_id,
        "user_id": workspace.app.bot_user_id,
        "bot_id": workspace.app.bot_id,
        "is_enterprise_install": False,
    }


def auth_revoke(call: Call) -> Json:
    """auth.revoke: the token dies with this call, and the app is told; `test` only pretends."""
    if flag(call.args.get("test")):
        return {"revoked": False}
    call.workspace.app.revoked = "token_revoked"
    call.workspace.announce(tokens_revoked(call.workspace), None)
    return {"revoked": True}


def tokens_revoked(workspace: Workspace) -> Json:
    """The tokens_revoked event for the bot's token."""
    tokens = {"oauth": [], "bot": [workspace.app.bot_user_id]}
    return {"type": "tokens_revoked", "tokens": tokens, "event_ts": workspace.tick()}


def reinstall(app: App, new_token: bool) -> str:
    """Make the app's installation good again, with another token where `new_token`; returns the valid token."""
    app.revoked = None
    if new_token:
        app.old_tokens.add(app.bot_token)
        app.bot_token = f"xoxb-{secrets.token_hex(12)}"
    return app.bot_token


def bot_info(call: Call) -> Json:
    """bots.info."""
    app = call.workspace.app
    if text(call.args, "bot") not in ("", app.bot_id):
        raise SlackError("bot_not_found")
    bot = {"id": app.bot_id, "app_id": app.id, "user_id": app.bot_user_id, "name": app.name, "deleted": False}
    return {"bot": bot}


def team_info(call: Call) -> Json:
    """team.info: the bot's own team only."""
    workspace = call.workspace
    if text(call.args, "team") not in ("", workspace.team_id):
        raise SlackError("team_not_found")
    team = {"id": workspace.team_id, "name": workspace.name, "domain": workspace.domain, "email_domain": ""}
    return {"team": {**team, "url": f"{workspace.base_url}/", "icon": {"image_default": True}}}


METHODS: dict[str, tuple[str | None, Method]] = {
    "auth.revoke": (None, auth_revoke),
    "auth.test": (None, auth_test),
    "bots.info": ("users:read", bot_info),
    "team.info": ("team:read", team_info),
}
"""Method name -> the scope it always needs, and the code."""
