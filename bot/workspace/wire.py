"""The JSON shapes in which Slack shows people, channels, messages and views."""

from __future__ import annotations

from urllib.parse import quote

from bot.workspace.model import Channel, File, Json, Message, User, UserGroup, View
from bot.workspace.state import Workspace


def profile_json(user: User, now: float = 0.0) -> Json:
    """A profile as users.profile.get gives it; a status that lapsed before `now` is gone."""
    lapsed = 0 < user.status_expiration <= now
    return {
        "display_name": user.name,
        "display_name_normalized": user.name,
        "real_name": user.name,
        "real_name_normalized": user.name,
        "email": f"{user.name.lower()}@example.com",
        "title": user.role,
        "status_text": "" if lapsed else user.status_text,
        "status_emoji": "" if lapsed else user.status_emoji,
        "status_expiration": 0 if lapsed else user.status_expiration,
        "team": user.team_id,
    }


def user_json(user: User, now: float = 0.0) -> Json:
    """A user object as users.info gives it at `now`."""
    return {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name.lower(),
        "real_name": user.name,
        "deleted": user.deleted,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        "is_stranger": user.is_stranger,
        "tz": user.tz,
        "tz_label": user.tz_label or user.tz,
        "tz_offset": user.tz_offset,
        "updated": 0,
        "profile": profile_json(user, now),
    }


def group_json(group: UserGroup, team_id: str, with_users: bool) -> Json:
    """A user group object; `users` only where asked for."""
    found: Json = {
        "id": group.id,
        "team_id": team_id,
        "is_usergroup": True,
        "name": group.name,
        "handle": group.handle,
        "date_delete": 0,
        "user_count": len(group.users),
    }
    return {**found, "users": list(group.users)} if with_users else found


def file_json(workspace: Workspace, file: File) -> Json:
    """A file object as messages carry it."""
    ending = file.name.rpartition(".")[2].lower() if "." in file.name else "text"
    address = f"{workspace.base_url}/files/{workspace.team_id}/{file.id}/{quote(file.name, safe='')}"
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": file.mimetype,
        "filetype": ending,
        "pretty_type": ending.upper(),
        "user": file.user,
        "user_team": workspace.team_id,
        "mode": "hosted",
        "editable": False,
        "size": file.size,
        "is_external": False,
        "is_public": any(not workspace.channels[channel].is_private for channel, _ in file.shared),
        "url_private": address,
        "url_private_download": f"{address}?download=1",
        "permalink": address,
        "channels": [c for c, _ in file.shared if not workspace.channels[c].is_private],
        "groups": [c for c, _ in file.shared if workspace.channels[c].is_private and not workspace.channels[c].is_im],
        "ims": [c for c, _ in file.shared if workspace.channels[c].is_im],
    }


def channel_json(workspace: Workspace, channel: Channel) -> Json:
    """A conversation object as conversations.info gives it to the bot."""
    found: Json = {
        "id": channel.id,
        "created": 0,
        "is_archived": channel.is_archived,
        "is_channel": not channel.is_im and not channel.is_private,
        "is_group": channel.is_private and not channel.is_im,
        "is_im": channel.is_im,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_shared": channel.is_ext_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_org_shared": False,
        "context_team_id": workspace.team_id,
    }
    if channel.is_im:
        return {**found, "user": channel.user}
    topic = {"value": channel.topic, "creator": "", "last_set": 0}
    is_member = workspace.app.bot_user_id in channel.members
    return {
        **found,
        "name": channel.name,
        "is_member": is_member,
        "num_members": len(channel.members),
        "topic": topic,
    }


def message_json(workspace: Workspace, message: Message, metadata: bool = False) -> Json:
    """A message as conversations.history gives it; `metadata` only where the caller asked for it."""
    found: Json = {
        "type": "message",
        "ts": message.ts,
        "user": message.user,
        "text": message.text,
        "team": workspace.team_id,
    }
    if message.deleted:
        found |= {"subtype": "tombstone", "hidden": True, "user": "USLACKBOT"}
    if message.from_app:
        found |= {"bot_id": workspace.app.bot_id, "app_id": workspace.app.id}
    optional = {
        "blocks": message.blocks,
        "attachments": message.attachments,
        "thread_ts": message.thread_ts,
        "files": [file_json(workspace, file) for file in message.files],
        "reactions": [{"name": n, "users": u, "count": len(u)} for n, u in message.reactions.items()],
        "metadata": message.metadata if metadata else None,
    }
    found |= {name: value for name, value in optional.items() if value}
    if message.edited:
        found["edited"] = {"user": message.user, "ts": message.edited}
    return {**found, **_thread_summary(workspace, message)}


def _thread_summary(workspace: Workspace, message: Message) -> Json:
    replies = workspace.thread(message.channel, message.ts) if message.thread_ts in (None, message.ts) else []
    if not replies:
        return {}
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users": sorted({reply.user for reply in replies}),
        "latest_reply": replies[-1].ts,
    }


def view_json(workspace: Workspace, view: View) -> Json:
    """A view object as views.open answers it and view payloads carry it."""
    return {
        "title": None,
        "submit": None,
        "close": None,
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "clear_on_close": False,
        "notify_on_close": False,
        **view.body,
        "id": view.id,
        "team_id": workspace.team_id,
        "app_id": workspace.app.id,
        "app_installed_team_id": workspace.team_id,
        "bot_id": workspace.app.bot_id,
        "hash": view.hash,
        "root_view_id": view.root_id,
        "previous_view_id": view.previous_id,
        "state": {"values": view.values},
    }
