"""The chat.* methods: posting, updating, deleting, permalinks."""

from __future__ import annotations

from bot.workspace import limits, spoken
from bot.workspace.arguments import flag, need, text
from bot.workspace.call import Call, Method
from bot.workspace.content import fill, store
from bot.workspace.errors import SlackError
from bot.workspace.model import Channel, Json, Message
from bot.workspace.wire import message_json


def post_message(call: Call) -> Json:
    """chat.postMessage: to a channel, a DM, or a user id (which means that person's DM)."""
    channel = _target(call)
    may_post(call, channel)
    call.workspace.pacing.check(call.method, channel.id)
    message = Message(channel.id, "", call.me, from_app=True)
    fill(call, message)
    message.thread_ts = parent_of(call, channel.id)
    message.broadcast = flag(call.args.get("reply_broadcast"))
    message.ts = call.workspace.tick()
    store(call, message)
    spoken.app_posted(call.workspace, message)
    return {
        "channel": channel.id,
        "ts": message.ts,
        "message": message_json(call.workspace, message, metadata=True),
    }


def post_ephemeral(call: Call) -> Json:
    """chat.postEphemeral: to one member of a channel; never kept in its history."""
    channel = _target(call)
    may_post(call, channel)
    user = call.user(need(call.args, "user"))
    if user.id not in channel.members:
        raise SlackError("user_not_in_channel")
    message = Message(channel.id, "", call.me, from_app=True, only_for=user.id)
    fill(call, message)
    message.thread_ts = parent_of(call, channel.id)
    message.ts = call.workspace.tick()
    store(call, message)
    spoken.app_posted(call.workspace, message)
    return {"message_ts": message.ts}


def update(call: Call) -> Json:
    """chat.update: the bot's own messages only; fields left out keep what they had, except the text."""
    message = _own(call, "cant_update_message")
    if call.workspace.channels[message.channel].is_archived:
        raise SlackError("is_inactive")
    if len(text(call.args, "text")) > limits.UPDATE_TEXT:
        raise SlackError("msg_too_long")
    before, shown = message.blocks, message_json(call.workspace, message)
    fill(call, message)
    message.past.append(before)
    message.edited = call.workspace.tick()
    store(call, message)
    spoken.app_changed(call.workspace, message, shown)
    return {
        "channel": message.channel,
        "ts": message.ts,
        "text": message.text,
        "message": message_json(call.workspace, message, metadata=True),
    }


def delete(call: Call) -> Json:
    """chat.delete: the bot's own messages only; a parent with replies leaves a tombstone."""
    message = _own(call, "cant_delete_message")
    shown = message_json(call.workspace, message)
    message.text, message.blocks, message.metadata = "This message was deleted.", [], None
    call.workspace.drop(message)
    spoken.app_deleted(call.workspace, message, shown)
    return {"channel": message.channel, "ts": message.ts}


def get_permalink(call: Call) -> Json:
    """chat.getPermalink: an address that opens the message on the workspace page."""
    channel, ts = call.channel(), text(call.args, "message_ts")
    message = call.workspace.find(channel.id, ts)
    if message is None:
        raise SlackError("message_not_found")
    link = f"{call.workspace.base_url}/archives/{channel.id}/p{ts.replace('.', '')}"
    if message.thread_ts and message.thread_ts != ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _target(call: Call) -> Channel:
    wanted = need(call.args, "channel").removeprefix("#")
    user = call.workspace.users.get(wanted)
    if user is None:
        by_name = next((c for c in call.workspace.channels.values() if c.name and c.name == wanted), None)
        call.args["channel"] = by_name.id if by_name else wanted
        return call.channel()
    if user.is_bot:
        raise SlackError("cannot_dm_bot")
    if user.deleted:
        raise SlackError("channel_not_found")
    return call.workspace.dm_channel(user.id)


def may_post(call: Call, channel: Channel) -> None:
    """Raises `is_archived` or `not_in_channel` where the bot may not write."""
    if channel.is_archived:
        raise SlackError("is_archived")
    anywhere = "chat:write.public" in call.workspace.app.scopes and not channel.is_private
    if call.me not in channel.members and not anywhere:
        raise SlackError("not_in_channel")


def parent_of(call: Call, channel: str) -> str | None:
    """The thread a reply lands in. Slack puts a reply to nothing into the channel, without a word."""
    wanted = text(call.args, "thread_ts")
    found = call.workspace.messages.get((channel, wanted))
    if found is None or (found.deleted and not call.workspace.thread(channel, wanted)):
        return None
    return found.thread_ts or found.ts


def _own(call: Call, otherwise: str) -> Message:
    channel = call.channel()
    message = call.workspace.find(channel.id, text(call.args, "ts"))
    if message is None or message.only_for:
        raise SlackError("message_not_found")
    if message.user != call.me:
        raise SlackError(otherwise)
    return message


METHODS: dict[str, tuple[str | None, Method]] = {
    "chat.postMessage": ("chat:write", post_message),
    "chat.postEphemeral": ("chat:write", post_ephemeral),
    "chat.update": ("chat:write", update),
    "chat.delete": ("chat:write", delete),
    "chat.getPermalink": (None, get_permalink),
}
"""Method name -> the scope it always needs, and the code."""
