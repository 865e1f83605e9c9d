"""What people and administrators do that an app may hear of as an event: talk, react, join, leave, uninstall.

Every method changes the workspace first and then delivers the event, if the app subscribes to it.
"""

from __future__ import annotations

from bot.workspace.events import Events
from bot.workspace.model import Channel, Json, Message
from bot.workspace.transport import Reply
from bot.workspace.wire import user_json, view_json


class Happenings:
    """Lets things happen in one workspace. Each method returns the app's reply, None when it was not told."""

    def __init__(self, events: Events) -> None:
        self.events, self.workspace = events, events.workspace

    async def home_opened(self, user: str) -> Reply | None:
        """Someone opens the app's Home tab."""
        more: Json = {"user": user, "channel": self.workspace.dm_channel(user).id, "tab": "home"}
        view = self.workspace.home(user)
        if view:
            more["view"] = view_json(self.workspace, view)
        return await self._tell("app_home_opened", more)

    async def said(self, user: str, channel_id: str, text: str, thread_ts: str | None = None) -> Message:
        """Someone writes a message; the app hears of it where the bot is a member."""
        message = Message(channel_id, self.workspace.tick(), user, text, thread_ts=thread_ts)
        self.workspace.put(message)
        more: Json = {"user": user, "text": text, "ts": message.ts, "team": self.workspace.team_id}
        if thread_ts:
            more["thread_ts"] = thread_ts
        await self._message_event(self.workspace.channels[channel_id], more)
        return message

    async def deleted(self, user: str, message: Message) -> Reply | None:
        """Someone deletes a message. PermissionError when it is another's and they are no administrator."""
        if message.user != user and not self.workspace.users[user].is_admin:
            raise PermissionError("Only administrators may delete what somebody else wrote.")
        message.deleted = True
        self.workspace.bump()
        more = {"subtype": "message_deleted", "hidden": True, "deleted_ts": message.ts}
        return await self._message_event(self.workspace.channels[message.channel], more)

    async def reacted(self, user: str, message: Message, emoji: str) -> Reply | None:
        """Someone puts an emoji under a message."""
        people = message.reactions.setdefault(emoji, [])
        people += [] if user in people else [user]
        item = {"type": "message", "channel": message.channel, "ts": message.ts}
        more = {"user": user, "reaction": emoji, "item": item, "item_user": message.user}
        return await self._tell("reaction_added", more)

    async def group_changed(self, group_id: str, users: list[str]) -> Reply | None:
        """A user group gets other members."""
        group = self.workspace.groups[group_id]
        before, group.users = group.users, list(users)
        more = {
            "subteam_id": group_id,
            "team_id": self.workspace.team_id,
            "added_users": [user for user in users if user not in before],
            "removed_users": [user for user in before if user not in users],
        }
        return await self._tell("subteam_members_changed", more)

    async def person_changed(self, user_id: str, **changes: object) -> Reply | None:
        """Somebody is deactivated, made a guest, renamed …: `person_changed(BOB, deleted=True)`."""
        user = self.workspace.users[user_id]
        for name, value in changes.items():
            if not hasattr(user, name):
                raise AttributeError(f"people have no {name}")
            setattr(user, name, value)
        return await self._tell("user_change", {"user": user_json(user)})

    async def bot_removed(self, channel_id: str) -> None:
        """The bot is taken out of a channel; Slack sends the bot no event about itself leaving."""
        channel = self.workspace.channels[channel_id]
        channel.members = [one for one in channel.members if one != self.workspace.app.bot_user_id]
        self.workspace.bump()

    async def bot_invited(self, channel_id: str, by: str) -> Reply | None:
        """Someone invites the bot to a channel."""
        channel, bot = self.workspace.channels[channel_id], self.workspace.app.bot_user_id
        channel.members += [] if bot in channel.members else [bot]
        more = {"user": bot, "channel": channel_id, "inviter": by, "team": self.workspace.team_id}
        return await self._tell("member_joined_channel", more)

    async def left(self, user: str, channel_id: str) -> Reply | None:
        """Someone leaves a channel."""
        channel = self.workspace.channels[channel_id]
        channel.members = [one for one in channel.members if one != user]
        more = {"user": user, "channel": channel_id, "team": self.workspace.team_id}
        return await self._tell("member_left_channel", more)

    async def uninstalled(self) -> Reply | None:
        """An administrator removes the app: its token dies, and it is told twice."""
        app = self.workspace.app
        app.revoked = "account_inactive"
        await self._tell("tokens_revoked", {"tokens": {"oauth": [], "bot": [app.bot_user_id]}})
        return await self._tell("app_uninstalled", {})

    async def _message_event(self, channel: Channel, more: Json) -> Reply | None:
        if self.workspace.app.bot_user_id not in channel.members:
            return None
        kind = "im" if channel.is_im else "group" if channel.is_private else "channel"
        subscription = {"im": "message.im", "group": "message.groups", "channel": "message.channels"}[kind]
        return await self._tell("message", {"channel": channel.id, "channel_type": kind, **more}, subscription)

    async def _tell(self, kind: str, more: Json, subscription: str | None = None) -> Reply | None:
        self.workspace.bump()
        return await self.events.deliver({"type": kind, **more, "event_ts": self.workspace.tick()}, subscription)
