"""What a message that came, changed or went looks like as an event, and who gets to see it."""

from __future__ import annotations

from bot.workspace.clicks import Shown
from bot.workspace.model import Channel, Json, Message
from bot.workspace.state import Workspace
from bot.workspace.wire import message_json

SUBSCRIPTIONS = {"im": "message.im", "group": "message.groups", "channel": "message.channels"}


def channel_type(channel: Channel) -> str:
    """What message events call the kind of a conversation."""
    return "im" if channel.is_im else "group" if channel.is_private else "channel"


def posted(workspace: Workspace, message: Message) -> tuple[Json, str]:
    """The event of a new message, and the subscription it belongs to."""
    event = {**message_json(workspace, message), "event_ts": message.ts}
    if message.thread_ts not in (None, message.ts):
        parent = workspace.messages.get((message.channel, str(message.thread_ts)))
        event["parent_user_id"] = parent.user if parent else ""
    if message.files:
        event["subtype"] = "file_share"
    return _in_channel(workspace, message, event)


def changed(workspace: Workspace, message: Message, before: Json) -> tuple[Json, str]:
    """The message_changed event; `before` is the message as it was."""
    now = message_json(workspace, message)
    return _hidden(workspace, message, "message_changed", {"message": now, "previous_message": before})


def deleted(workspace: Workspace, message: Message, before: Json) -> tuple[Json, str]:
    """The message_deleted event; `before` is the message as it was."""
    return _hidden(workspace, message, "message_deleted", {"deleted_ts": message.ts, "previous_message": before})


def _hidden(workspace: Workspace, message: Message, subtype: str, more: Json) -> tuple[Json, str]:
    ts = workspace.tick()
    event = {"type": "message", "subtype": subtype, "hidden": True, "ts": ts, "event_ts": ts, **more}
    return _in_channel(workspace, message, event)


def _in_channel(workspace: Workspace, message: Message, event: Json) -> tuple[Json, str]:
    kind = channel_type(workspace.channels[message.channel])
    return {**event, "channel": message.channel, "channel_type": kind}, SUBSCRIPTIONS[kind]


# -- what the app itself says


def app_posted(workspace: Workspace, message: Message) -> None:
    """The app said something: it answers clicks, and comes back to the app as an event."""
    channel = workspace.channels[message.channel]
    if message.only_for:
        workspace.clicks.showed(Shown("ephemeral", user=message.only_for))
        return
    if channel.is_im:
        workspace.clicks.showed(Shown("dm", user=channel.user))
    else:
        kind = "reply" if message.thread_ts not in (None, message.ts) else "posted"
        workspace.clicks.showed(Shown(kind, channel=message.channel, ts=message.ts, thread_ts=message.thread_ts))
    workspace.announce(*posted(workspace, message))


def app_changed(workspace: Workspace, message: Message, before: Json) -> None:
    """The app updated one of its messages."""
    workspace.clicks.showed(Shown("updated", channel=message.channel, ts=message.ts))
    if not message.only_for:
        workspace.announce(*changed(workspace, message, before))


def app_deleted(workspace: Workspace, message: Message, before: Json) -> None:
    """The app deleted one of its messages."""
    workspace.clicks.showed(Shown("deleted", channel=message.channel, ts=message.ts))
    if not message.only_for:
        workspace.announce(*deleted(workspace, message, before))
