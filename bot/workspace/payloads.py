"""The bodies Slack sends an app: block_actions, view_submission, view_closed, commands, event callbacks."""

from __future__ import annotations

import re

from bot.workspace.model import Channel, Json, Message, View
from bot.workspace.state import Workspace
from bot.workspace.values import FIELD, Values
from bot.workspace.wire import message_json, view_json


def button_pressed(workspace: Workspace, user: str, message: Message, action: Json, values: Values) -> Json:
    """block_actions for an element of a message, as the person saw it."""
    channel = workspace.channels[message.channel]
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.only_for is not None,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    token = workspace.response_urls.mint(
        user, message.channel, message.ts, message.only_for is not None, message.thread_ts
    )
    return {
        **_common(workspace, user, "block_actions"),
        "container": container,
        "trigger_id": workspace.triggers.mint(user),
        "channel": {"id": channel.id, "name": channel_name(channel)},
        "message": message_json(workspace, message),
        "state": {"values": values},
        "response_url": response_url(workspace, token),
        "actions": [action],
    }


def view_pressed(workspace: Workspace, user: str, view: View, action: Json) -> Json:
    """block_actions for an element of a modal or the Home tab."""
    in_modal = view.id if view.type == "modal" else None
    return {
        **_common(workspace, user, "block_actions"),
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": workspace.triggers.mint(user, in_modal),
        "view": view_json(workspace, view),
        "actions": [action],
    }


def action(workspace: Workspace, block: Json, element: Json, state: Json | None) -> Json:
    """One entry of `actions`: what was pressed, and what was chosen where something can be chosen."""
    found: Json = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": f"{workspace.now():.6f}",
    }
    for name in ("text", "value", "style", "placeholder"):
        if name in element:
            found[name] = element[name]
    return {**found, **state} if state and element["type"] in FIELD else found


def view_submitted(workspace: Workspace, view: View) -> Json:
    """view_submission."""
    return {
        **_common(workspace, view.user, "view_submission"),
        "trigger_id": workspace.triggers.mint(view.user, view.id),
        "view": view_json(workspace, view),
        "response_urls": [],
    }


def view_closed(workspace: Workspace, view: View, is_cleared: bool) -> Json:
    """view_closed; `is_cleared` when the whole stack went."""
    shown = view_json(workspace, view)
    return {**_common(workspace, view.user, "view_closed"), "view": shown, "is_cleared": is_cleared}


def command(workspace: Workspace, user: str, name: str, text: str, channel: Channel) -> dict[str, str]:
    """The form fields of a slash command."""
    token = workspace.response_urls.mint(user, channel.id)
    return {
        "token": workspace.app.verification_token,
        "team_id": workspace.team_id,
        "team_domain": workspace.domain,
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": user,
        "user_name": workspace.users[user].name.lower(),
        "command": name,
        "text": escaped(workspace, text),
        "api_app_id": workspace.app.id,
        "is_enterprise_install": "false",
        "response_url": response_url(workspace, token),
        "trigger_id": workspace.triggers.mint(user),
    }


def escaped(workspace: Workspace, text: str) -> str:
    """A command's text as Slack hands it over with `should_escape`: names become ids, `&<>` entities.

    What is escaped already (`<@U0BOB>`) stays as it is.
    """
    parts = re.split(r"(<[@#!][^<>]*>)", text)
    return "".join(part if place % 2 else _escape(workspace, part) for place, part in enumerate(parts))


def _escape(workspace: Workspace, text: str) -> str:
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    people = {user.name.lower(): f"<@{user.id}|{user.name.lower()}>" for user in workspace.users.values()}
    places = {c.name: f"<#{c.id}|{c.name}>" for c in workspace.channels.values() if c.name}
    safe = re.sub(r"(?<!\w)@([\w.-]+)", lambda hit: people.get(hit[1].lower(), hit[0]), safe)
    return re.sub(r"(?<!\w)#([\w-]+)", lambda hit: places.get(hit[1], hit[0]), safe)


def event_callback(workspace: Workspace, event: Json, event_id: str) -> Json:
    """The envelope of one Events API delivery."""
    app = workspace.app
    place = workspace.channels.get(str(event.get("channel")))
    return {
        "token": app.verification_token,
        "team_id": workspace.team_id,
        "context_team_id": workspace.team_id,
        "api_app_id": app.id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(workspace.now()),
        "event_context": f"4-{event_id}",
        "is_ext_shared_channel": place is not None and place.is_ext_shared,
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": workspace.team_id,
                "user_id": app.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
    }


def channel_name(channel: Channel) -> str:
    """What payloads call a conversation."""
    if channel.is_im:
        return "directmessage"
    return "privategroup" if channel.is_private else channel.name


def response_url(workspace: Workspace, token: str) -> str:
    """The address that answers this interaction."""
    return f"{workspace.base_url}/response/{token}"


def _common(workspace: Workspace, user: str, kind: str) -> Json:
    person = workspace.users[user]
    name = person.name.lower()
    return {
        "type": kind,
        "user": {"id": user, "username": name, "name": name, "team_id": person.team_id},
        "api_app_id": workspace.app.id,
        "token": workspace.app.verification_token,
        "team": {"id": workspace.team_id, "domain": workspace.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }
