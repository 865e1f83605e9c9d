"""What happens to channels: created, archived, shared outside, joined, left; and to the bot in them."""

from __future__ import annotations

from bot.workspace.model import Channel
from bot.workspace.telling import Telling
from bot.workspace.transport import Reply

ELSEWHERE = "T0ELSEWHERE"
"""The other organisation a channel is shared with."""


class Places(Telling):
    """Channels as they change."""

    async def channel_created(
        self, name: str, by: str, *, private: bool = False, invite_bot: bool = False, channel_id: str = ""
    ) -> Channel:
        """Somebody creates a channel and is its first member. ValueError when the name is taken or empty."""
        name = name.strip().lstrip("#").lower().replace(" ", "-")
        if not name or any(channel.name == name for channel in self.workspace.channels.values()):
            raise ValueError(f"a channel needs a name that no other has, not {name!r}")
        channel = Channel(channel_id or self.workspace.new_id("C"), name, [by], is_private=private)
        self.workspace.add_channel(channel)
        self.workspace.bump()
        if not private:
            made = {"id": channel.id, "name": name, "created": int(self.workspace.now()), "creator": by}
            await self._tell("channel_created", {"channel": made})
        if invite_bot:
            await self.bot_invited(channel.id, by)
        return channel

    async def archived(self, channel_id: str, by: str) -> Reply | None:
        """Somebody archives a channel: nothing can be written there any more."""
        return await self._archive(channel_id, by, True)

    async def unarchived(self, channel_id: str, by: str) -> Reply | None:
        """Somebody opens an archived channel again."""
        return await self._archive(channel_id, by, False)

    async def shared_outside(self, channel_id: str, shared: bool = True) -> Reply | None:
        """The channel is shared with another organisation, or no longer."""
        channel = self.workspace.channels[channel_id]
        channel.is_ext_shared = shared
        if shared:
            return await self._tell("channel_shared", {"connected_team_id": ELSEWHERE, "channel": channel_id})
        more = {"previously_connected_team_id": ELSEWHERE, "channel": channel_id, "is_ext_shared": False}
        return await self._tell("channel_unshared", more)

    async def bot_removed(self, channel_id: str, by: str = "") -> Reply | None:
        """The bot is taken out of a channel."""
        channel, bot = self.workspace.channels[channel_id], self.workspace.app.bot_user_id
        channel.members = [one for one in channel.members if one != bot]
        await self._membership("member_left_channel", bot, channel)
        kind = "group_left" if channel.is_private else "channel_left"
        return await self._tell(kind, {"channel": channel_id, "actor_id": by})

    async def bot_invited(self, channel_id: str, by: str) -> Reply | None:
        """Someone invites the bot to a channel."""
        channel, bot = self.workspace.channels[channel_id], self.workspace.app.bot_user_id
        channel.members += [] if bot in channel.members else [bot]
        return await self._membership("member_joined_channel", bot, channel, inviter=by)

    async def joined(self, user: str, channel_id: str, by: str = "") -> Reply | None:
        """Someone joins a channel, invited by `by` or on their own."""
        channel = self.workspace.channels[channel_id]
        channel.members += [] if user in channel.members else [user]
        more = {"inviter": by} if by else {}
        return await self._membership("member_joined_channel", user, channel, **more)

    async def left(self, user: str, channel_id: str) -> Reply | None:
        """Someone leaves a channel."""
        channel = self.workspace.channels[channel_id]
        channel.members = [one for one in channel.members if one != user]
        return await self._membership("member_left_channel", user, channel)

    async def _archive(self, channel_id: str, by: str, archived: bool) -> Reply | None:
        channel = self.workspace.channels[channel_id]
        channel.is_archived = archived
        kind = ("group_" if channel.is_private else "channel_") + ("archive" if archived else "unarchive")
        return await self._tell(kind, {"channel": channel_id, "user": by})

    async def _membership(self, kind: str, user: str, channel: Channel, **more: str) -> Reply | None:
        where = {"channel": channel.id, "channel_type": "G" if channel.is_private else "C"}
        return await self._tell(kind, {"user": user, **where, "team": self.workspace.team_id, **more})
