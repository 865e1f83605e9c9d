"""People, user groups, the team, reactions, and the token's own test."""

from __future__ import annotations

from bot.workspace.arguments import flag, need, page, text
from bot.workspace.call import Call, Method
from bot.workspace.errors import SlackError
from bot.workspace.model import Json
from bot.workspace.wire import group_json, user_json


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


def user_info(call: Call) -> Json:
    """users.info."""
    return {"user": user_json(call.user(need(call.args, "user")))}


def list_users(call: Call) -> Json:
    """users.list."""
    rows, cursor = page(list(call.workspace.users.values()), call.args)
    return {"members": [user_json(user) for user in rows], "response_metadata": {"next_cursor": cursor}}


def bot_info(call: Call) -> Json:
    """bots.info."""
    app = call.workspace.app
    if text(call.args, "bot") not in ("", app.bot_id):
        raise SlackError("bot_not_found")
    bot = {"id": app.bot_id, "app_id": app.id, "user_id": app.bot_user_id, "name": app.name, "deleted": False}
    return {"bot": bot}


def list_groups(call: Call) -> Json:
    """usergroups.list."""
    with_users = flag(call.args.get("include_users"))
    groups = call.workspace.groups.values()
    return {"usergroups": [group_json(group, call.workspace.team_id, with_users) for group in groups]}


def group_users(call: Call) -> Json:
    """usergroups.users.list."""
    group = call.workspace.groups.get(need(call.args, "usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


def team_info(call: Call) -> Json:
    """team.info."""
    workspace = call.workspace
    return {"team": {"id": workspace.team_id, "name": workspace.name, "domain": workspace.domain}}


def add_reaction(call: Call) -> Json:
    """reactions.add."""
    channel, name = call.channel(), need(call.args, "name").strip(":")
    message = call.workspace.find(channel.id, text(call.args, "timestamp"))
    if message is None:
        raise SlackError("message_not_found")
    people = message.reactions.setdefault(name, [])
    if call.me in people:
        raise SlackError("already_reacted")
    people.append(call.me)
    call.workspace.bump()
    return {}


METHODS: dict[str, tuple[str | None, Method]] = {
    "auth.test": (None, auth_test),
    "bots.info": ("users:read", bot_info),
    "reactions.add": ("reactions:write", add_reaction),
    "team.info": ("team:read", team_info),
    "usergroups.list": ("usergroups:read", list_groups),
    "usergroups.users.list": ("usergroups:read", group_users),
    "users.info": ("users:read", user_info),
    "users.list": ("users:read", list_users),
}
"""Method name -> the scope it always needs, and the code."""
