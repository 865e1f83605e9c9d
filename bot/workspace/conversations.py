"""The conversations.* methods: finding, opening and reading them."""

from __future__ import annotations

from bot.workspace.arguments import flag, need, page, text
from bot.workspace.call import Call, Method
from bot.workspace.errors import SlackError
from bot.workspace.model import Channel, Json, Message
from bot.workspace.wire import channel_json, message_json

RESTRICTED_ROWS = 15


def open_conversation(call: Call) -> Json:
    """conversations.open: the direct message with one person (`users` names exactly one)."""
    users = [user for user in need(call.args, "users").split(",") if user]
    if len(users) != 1:
        raise SlackError("not_enough_users" if not users else "not_supported")
    user = call.user(users[0])
    if user.is_bot:
        raise SlackError("cannot_dm_bot")
    if user.deleted:
        raise SlackError("user_disabled")
    known = "D" + user.id[1:] in call.workspace.channels
    channel = call.workspace.dm_channel(user.id)
    return {"channel": {"id": channel.id}, "no_op": known, "already_open": known}


def info(call: Call) -> Json:
    """conversations.info."""
    channel = call.channel()
    call.scope_by_kind(channel, "read")
    return {"channel": channel_json(call.workspace, channel)}


def list_conversations(call: Call) -> Json:
    """conversations.list: by `types`, public channels when not said otherwise."""
    types = set((text(call.args, "types") or "public_channel").split(","))
    there = [c for c in call.workspace.channels.values() if _kind(c) in types and _shown(call, c)]
    if flag(call.args.get("exclude_archived")):
        there = [channel for channel in there if not channel.is_archived]
    rows, cursor = page(there, call.args)
    return {
        "channels": [channel_json(call.workspace, channel) for channel in rows],
        "response_metadata": {"next_cursor": cursor},
    }


def _kind(channel: Channel) -> str:
    return "im" if channel.is_im else "private_channel" if channel.is_private else "public_channel"


def _shown(call: Call, channel: Channel) -> bool:
    return not channel.is_private or call.me in channel.members


def members(call: Call) -> Json:
    """conversations.members."""
    channel = call.channel()
    call.scope_by_kind(channel, "read")
    rows, cursor = page(channel.members, call.args)
    return {"members": rows, "response_metadata": {"next_cursor": cursor}}


def history(call: Call) -> Json:
    """conversations.history: newest first, replies left out, between `oldest` and `latest`."""
    channel = _readable(call)
    there = [
        message
        for message in _standing(call, channel.id)
        if message.thread_ts in (None, message.ts) or message.broadcast
    ]
    return _rows(call, there[::-1])


def replies(call: Call) -> Json:
    """conversations.replies: the parent, then its replies, oldest first."""
    channel, ts = _readable(call), need(call.args, "ts")
    asked = call.workspace.messages.get((channel.id, ts))
    root = asked.thread_ts or asked.ts if asked else ts
    there = [m for m in _standing(call, channel.id) if root in (m.ts, m.thread_ts)]
    if not there:
        raise SlackError("thread_not_found")
    return _rows(call, there)


def _readable(call: Call) -> Channel:
    channel = call.channel()
    call.scope_by_kind(channel, "history")
    if call.me not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _standing(call: Call, channel: str) -> list[Message]:
    """What the channel still shows: deleted messages are gone, except as tombstones over replies."""
    there = [m for m in call.workspace.everything_in(channel) if not m.only_for]
    return [m for m in there if not m.deleted or call.workspace.thread(channel, m.ts)]


def _rows(call: Call, there: list[Message]) -> Json:
    oldest, latest = text(call.args, "oldest") or "0", text(call.args, "latest") or "9" * 12
    inclusive = flag(call.args.get("inclusive"))
    low, high = _exact(oldest), _exact(latest)
    within = [m for m in there if low < _exact(m.ts) < high or (inclusive and _exact(m.ts) in (low, high))]
    most = RESTRICTED_ROWS if call.workspace.app.restricted_history else 999
    rows, cursor = page(within, call.args, min(100, most), most)
    with_metadata = flag(call.args.get("include_all_metadata"))
    answer: Json = {
        "messages": [message_json(call.workspace, message, with_metadata) for message in rows],
        "has_more": bool(cursor),
    }
    return {**answer, "response_metadata": {"next_cursor": cursor}} if cursor else answer


def _exact(ts: str) -> int:
    """A timestamp in whole microseconds: floats would lose the last digits."""
    whole, _, part = ts.partition(".")
    try:
        return int(whole) * 1_000_000 + int((part + "000000")[:6])
    except ValueError:
        raise SlackError("invalid_ts_latest") from None


METHODS: dict[str, tuple[str | None, Method]] = {
    "conversations.open": ("im:write", open_conversation),
    "conversations.info": (None, info),
    "conversations.list": ("channels:read", list_conversations),
    "conversations.members": (None, members),
    "conversations.history": (None, history),
    "conversations.replies": (None, replies),
}
"""Method name -> the scope it always needs, and the code."""
