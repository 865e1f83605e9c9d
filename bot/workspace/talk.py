"""What people do with messages: write, reply, edit, delete, react."""

from __future__ import annotations

from bot.workspace import reactions, spoken
from bot.workspace.model import Message
from bot.workspace.telling import Telling
from bot.workspace.transport import Reply
from bot.workspace.wire import message_json


class Talk(Telling):
    """People talking; the app hears of it where the bot is a member."""

    async def said(self, user: str, channel_id: str, text: str, thread_ts: str | None = None) -> Message:
        """Someone writes a message, or with `thread_ts` a reply. LookupError for a channel that is not there."""
        channel = self.workspace.channels.get(channel_id)
        if channel is None:
            raise LookupError(f"there is no channel {channel_id}")
        if channel.is_archived:
            raise PermissionError("This channel is archived.")
        message = Message(channel_id, self.workspace.tick(), user, text, thread_ts=thread_ts)
        self.workspace.put(message)
        if self._has_bot(channel):
            await self._deliver(*spoken.posted(self.workspace, message))
        return message

    async def edited(self, user: str, message: Message, text: str) -> Reply | None:
        """Someone rewrites what they said. PermissionError when it is another's."""
        if message.user != user:
            raise PermissionError("Only the author may edit a message.")
        before = message_json(self.workspace, message)
        message.past.append(message.blocks)
        message.text, message.edited = text, self.workspace.tick()
        self.workspace.put(message)
        if not self._has_bot(self.workspace.channels[message.channel]):
            return None
        return await self._deliver(*spoken.changed(self.workspace, message, before))

    async def deleted(self, user: str, message: Message) -> Reply | None:
        """Someone deletes a message. PermissionError when it is another's and they are no administrator."""
        if user not in (message.user, message.only_for) and not self.workspace.users[user].is_admin:
            raise PermissionError("Only administrators may delete what somebody else wrote.")
        before = message_json(self.workspace, message)
        self.workspace.drop(message)
        if message.only_for or not self._has_bot(self.workspace.channels[message.channel]):
            return None
        return await self._deliver(*spoken.deleted(self.workspace, message, before))

    async def reacted(self, user: str, message: Message, emoji: str) -> Reply | None:
        """Someone puts an emoji (a name without colons) under a message."""
        reactions.put(self.workspace, message, user, emoji)
        return await self._reaction("reaction_added", user, message, emoji)

    async def unreacted(self, user: str, message: Message, emoji: str) -> Reply | None:
        """Someone takes an emoji back."""
        reactions.take(self.workspace, message, user, emoji)
        return await self._reaction("reaction_removed", user, message, emoji)

    async def _reaction(self, kind: str, user: str, message: Message, emoji: str) -> Reply | None:
        if message.only_for or not self._has_bot(self.workspace.channels[message.channel]):
            return None
        return await self._deliver(reactions.event(self.workspace, kind, message, user, emoji))
