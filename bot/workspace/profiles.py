"""People and user groups: users.*, usergroups.*, dnd.info."""

from __future__ import annotations

from bot.workspace.arguments import flag, need, page, text
from bot.workspace.call import Call, Method
from bot.workspace.errors import SlackError
from bot.workspace.model import Json
from bot.workspace.wire import group_json, profile_json, user_json


def user_info(call: Call) -> Json:
    """users.info."""
    return {"user": user_json(call.user(need(call.args, "user")), call.workspace.now())}


def list_users(call: Call) -> Json:
    """users.list."""
    rows, cursor = page(list(call.workspace.users.values()), call.args)
    now = call.workspace.now()
    return {"members": [user_json(user, now) for user in rows], "response_metadata": {"next_cursor": cursor}}


def profile(call: Call) -> Json:
    """users.profile.get; the bot's own where `user` is left out."""
    user = call.user(text(call.args, "user") or call.me)
    return {"profile": profile_json(user, call.workspace.now())}


def presence(call: Call) -> Json:
    """users.getPresence."""
    user = call.user(text(call.args, "user") or call.me)
    return {"presence": "away" if user.deleted else user.presence}


def dnd_info(call: Call) -> Json:
    """dnd.info: whether somebody's notifications are paused, and until when."""
    user = call.user(text(call.args, "user") or call.me)
    paused = user.dnd_until > call.workspace.now()
    start = int(call.workspace.now()) if paused else 1
    return {"dnd_enabled": paused, "next_dnd_start_ts": start, "next_dnd_end_ts": user.dnd_until if paused else 1}


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


METHODS: dict[str, tuple[str | None, Method]] = {
    "dnd.info": ("dnd:read", dnd_info),
    "usergroups.list": ("usergroups:read", list_groups),
    "usergroups.users.list": ("usergroups:read", group_users),
    "users.getPresence": ("users:read", presence),
    "users.info": ("users:read", user_info),
    "users.list": ("users:read", list_users),
    "users.profile.get": ("users.profile:read", profile),
}
"""Method name -> the scope it always needs, and the code."""
