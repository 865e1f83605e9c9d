"""One Web API call on its way through a method: the workspace, the arguments, and what the token may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bot.workspace.errors import SlackError
from bot.workspace.model import Channel, Json, User
from bot.workspace.state import Workspace


@dataclass(frozen=True)
class Call:
    """What a method is given."""

    workspace: Workspace
    method: str
    args: Json

    def scope(self, *needed: str) -> None:
        """Raises `missing_scope` unless the bot token carries every scope named."""
        missing = [scope for scope in needed if scope not in self.workspace.app.scopes]
        if missing:
            provided = ",".join(sorted(self.workspace.app.scopes))
            raise SlackError("missing_scope", more={"needed": ",".join(missing), "provided": provided})

    def scope_by_kind(self, channel: Channel, right: str) -> None:
        """Demand `channels:`, `groups:` or `im:` plus `right`, whichever fits the conversation."""
        kind = "im" if channel.is_im else "groups" if channel.is_private else "channels"
        self.scope(f"{kind}:{right}")

    def channel(self, name: str = "channel") -> Channel:
        """The conversation the arguments name. Raises `channel_not_found`.

        A private channel the bot is not in answers as if it did not exist.
        """
        channel = self.workspace.channels.get(str(self.args.get(name, "")))
        if channel is None or (channel.is_private and self.me not in channel.members):
            raise SlackError("channel_not_found")
        return channel

    def user(self, user_id: str) -> User:
        """A person by id. Raises `user_not_found`."""
        user = self.workspace.users.get(user_id)
        if user is None:
            raise SlackError("user_not_found")
        return user

    @property
    def me(self) -> str:
        """The bot's own user id."""
        return self.workspace.app.bot_user_id


Method: TypeAlias = Callable[[Call], Json]
"""A Web API method: does its work and returns the answer without `ok`, or raises SlackError."""
