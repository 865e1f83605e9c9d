"""The reactions.* methods: emoji under messages."""

from __future__ import annotations

import re

from bot.workspace.arguments import need, text
from bot.workspace.call import Call, Method
from bot.workspace.errors import SlackError
from bot.workspace.model import Json, Message
from bot.workspace.state import Workspace
from bot.workspace.wire import message_json

MOST_EMOJI = 50
"""Different emoji under one message; Slack stops there."""
_NAME = re.compile(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?")


def add(call: Call) -> Json:
    """reactions.add."""
    message, name = _message(call), _name(call)
    if call.me in message.reactions.get(name, []):
        raise SlackError("already_reacted")
    if name not in message.reactions and len(message.reactions) >= MOST_EMOJI:
        raise SlackError("too_many_emoji")
    put(call.workspace, message, call.me, name)
    call.workspace.announce(event(call.workspace, "reaction_added", message, call.me, name), None)
    return {}


def remove(call: Call) -> Json:
    """reactions.remove."""
    message, name = _message(call), _name(call)
    if call.me not in message.reactions.get(name, []):
        raise SlackError("no_reaction")
    take(call.workspace, message, call.me, name)
    call.workspace.announce(event(call.workspace, "reaction_removed", message, call.me, name), None)
    return {}


def get(call: Call) -> Json:
    """reactions.get."""
    message = _message(call, archived=True)
    return {"type": "message", "channel": message.channel, "message": message_json(call.workspace, message)}


def put(workspace: Workspace, message: Message, user: str, name: str) -> None:
    """Let `user` react; once is enough."""
    people = message.reactions.setdefault(name, [])
    people += [] if user in people else [user]
    workspace.bump()


def take(workspace: Workspace, message: Message, user: str, name: str) -> None:
    """Take a reaction back; nothing happens where there is none."""
    left = [one for one in message.reactions.pop(name, []) if one != user]
    if left:
        message.reactions[name] = left
    workspace.bump()


def event(workspace: Workspace, kind: str, message: Message, user: str, name: str) -> Json:
    """reaction_added or reaction_removed."""
    item = {"type": "message", "channel": message.channel, "ts": message.ts}
    return {
        "type": kind,
        "user": user,
        "reaction": name,
        "item": item,
        "item_user": message.user,
        "event_ts": workspace.tick(),
    }


def _name(call: Call) -> str:
    name = need(call.args, "name").strip(":")
    if not _NAME.fullmatch(name):
        raise SlackError("invalid_name")
    return name


def _message(call: Call, archived: bool = False) -> Message:
    channel, ts = call.channel(), text(call.args, "timestamp")
    if not ts:
        raise SlackError("no_item_specified")
    if channel.is_archived and not archived:
        raise SlackError("is_archived")
    if call.me not in channel.members:
        raise SlackError("not_in_channel")
    message = call.workspace.find(channel.id, ts)
    if message is None or message.only_for:
        raise SlackError("message_not_found")
    return message


METHODS: dict[str, tuple[str | None, Method]] = {
    "reactions.add": ("reactions:write", add),
    "reactions.get": ("reactions:read", get),
    "reactions.remove": ("reactions:write", remove),
}
"""Method name -> the scope it always needs, and the code."""
