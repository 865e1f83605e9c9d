"""The ready-made demo workspace: a team, two channels, and everyone an approval needs."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.workspace.model import App, Channel, User, UserGroup
from bot.workspace.state import Workspace

ALICE, BOB, CAROL = "U0ALICE", "U0BOB", "U0CAROL"
DANA, MALLORY, GUS = "U0ADMIN", "U0MALLORY", "U0GUEST"
BOT = "U0BOT"
APPROVALS, DEPLOYS = "C0APPROVALS", "C0DEPLOYS"
ONCALL = "S0ONCALL"
APP_TOKEN = "xapp-demo"  # noqa: S105  (a demo's token, worth nothing outside it)


def demo_workspace(
    bot_token: str = "xoxb-demo",  # noqa: S107
    signing_secret: str = "demo-signing-secret",  # noqa: S107
    request_url: str | None = None,
    now: Callable[[], float] = time.time,
    app_token: str = APP_TOKEN,
) -> Workspace:
    """Team "Acme": Alice owns the agent, Bob and Carol review (and are on call), Dana administers.

    Mallory is in no channel the bot posts to, Gus is a guest. `request_url` is where the bot listens; it
    may be set later on `workspace.app.request_url`.
    """
    app = App(bot_token, signing_secret, request_url, app_token=app_token, bot_user_id=BOT)
    workspace = Workspace(app, "T0DEMO", "Acme", now)
    for user in _people():
        workspace.add_user(user)
    members = [ALICE, BOB, CAROL, DANA, BOT]
    workspace.add_channel(
        Channel(APPROVALS, "approvals", [*members, GUS], topic="What agents want to do, and who said yes")
    )
    workspace.add_channel(Channel(DEPLOYS, "deploys", [*members, MALLORY], topic="Releases, as they happen"))
    workspace.add_group(UserGroup(ONCALL, "oncall", "On call", [BOB, CAROL]))
    return workspace


def _people() -> list[User]:
    return [
        User(ALICE, "Alice", "Created the agent"),
        User(BOB, "Bob", "Reviewer, on call"),
        User(CAROL, "Carol", "Reviewer, on call"),
        User(DANA, "Dana", "Administrator", is_admin=True),
        User(MALLORY, "Mallory", "Outsider"),
        User(GUS, "Gus", "Guest", is_restricted=True),
        User(BOT, "Countersign", is_bot=True),
    ]
