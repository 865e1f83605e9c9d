"""What one person may see, as JSON for the page."""

from __future__ import annotations

from bot.workspace import page_faults
from bot.workspace.admin_deeds import ZONES
from bot.workspace.model import Channel, Json, Message, User, UserGroup, View
from bot.workspace.people import STATUSES
from bot.workspace.records import Answer
from bot.workspace.seat import Seat
from bot.workspace.state import Workspace
from bot.workspace.wire import file_json, profile_json, view_json

NEWEST = 300
"""How many messages of a channel the page shows."""


def state_for(seat: Seat, user_id: str) -> Json:
    """The whole page for one person: channels with their messages, modals, Home tab, toasts, faults."""
    workspace = seat.workspace
    user = workspace.users[user_id]
    dm = workspace.dm_channel(user_id)
    places = [channel for channel in workspace.channels.values() if may_see(user, channel)]
    home = workspace.home(user_id)
    return {
        "version": workspace.version,
        "team": {"id": workspace.team_id, "name": workspace.name},
        "app": {
            "id": workspace.app.id,
            "name": workspace.app.name,
            "user": workspace.app.bot_user_id,
            "commands": list(workspace.app.commands),
            "revoked": workspace.app.revoked,
        },
        "me": user_id,
        "dm": dm.id,
        "people": [_person(person, workspace.now()) for person in workspace.users.values()],
        "groups": [_group(group) for group in workspace.groups.values()],
        "channels": [
            {**_channel(workspace, channel, user), "messages": _messages(workspace, channel, user_id)}
            for channel in places
        ],
        "views": [_view(workspace, view) for view in workspace.open_views(user_id)],
        "home": _view(workspace, home) if home else None,
        "notices": [{"id": n.id, "text": n.text} for n in workspace.notices if n.user == user_id],
        "statuses": {name: list(status) for name, status in STATUSES.items()},
        "zones": list(ZONES),
        "faults": page_faults.shown(seat),
    }


def may_see(user: User, channel: Channel) -> bool:
    """Members see their channels; everyone but guests sees public ones too."""
    if user.id in channel.members:
        return True
    return not channel.is_private and not channel.is_im and not user.is_guest


def answer_json(workspace: Workspace, answer: Answer) -> Json:
    """An Answer for the page's script."""
    return {
        "ok": True,
        "status": answer.status,
        "seconds": round(answer.seconds, 4),
        "timed_out": answer.timed_out,
        "view": _view(workspace, answer.view) if answer.view else None,
        "version": workspace.version,
    }


def _person(user: User, now: float) -> Json:
    profile = profile_json(user, now)
    return {
        "id": user.id,
        "name": user.name,
        "role": user.role,
        "guest": user.is_guest,
        "admin": user.is_admin,
        "bot": user.is_bot,
        "deleted": user.deleted,
        "status": {"text": profile["status_text"], "emoji": profile["status_emoji"].strip(":")},
        "presence": user.presence,
        "paused": user.dnd_until > now,
        "tz": user.tz,
    }


def _group(group: UserGroup) -> Json:
    return {"id": group.id, "handle": group.handle, "name": group.name, "users": group.users}


def _channel(workspace: Workspace, channel: Channel, user: User) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "topic": channel.topic,
        "private": channel.is_private,
        "archived": channel.is_archived,
        "im": channel.is_im,
        "shared": channel.is_ext_shared,
        "member": user.id in channel.members,
        "members": len(channel.members),
        "bot": workspace.app.bot_user_id in channel.members,
    }


def _messages(workspace: Workspace, channel: Channel, user_id: str) -> list[Json]:
    there = [message for message in workspace.everything_in(channel.id) if message.only_for in (None, user_id)]
    kept = [m for m in there if not m.deleted or workspace.thread(channel.id, m.ts)]
    return [_message(workspace, message) for message in sorted(kept, key=lambda m: m.ts)[-NEWEST:]]


def _message(workspace: Workspace, message: Message) -> Json:
    return {
        "ts": message.ts,
        "channel": message.channel,
        "user": message.user,
        "text": message.text,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "thread_ts": message.thread_ts,
        "broadcast": message.broadcast,
        "app": message.from_app,
        "edited": bool(message.edited),
        "ephemeral": message.only_for is not None,
        "deleted": message.deleted,
        "revision": message.revision,
        "reactions": message.reactions,
        "pings": message.pings,
        "mentions": message.mentions,
        "files": [file_json(workspace, file) for file in message.files],
    }


def _view(workspace: Workspace, view: View) -> Json:
    return {**view_json(workspace, view), "errors": view.errors}
