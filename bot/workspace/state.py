"""The workspace's world, in memory: who is there, what was said, what is on whose screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from bot.workspace.board import Board
from bot.workspace.clicks import Clicks
from bot.workspace.faults import Faults
from bot.workspace.model import App, Channel, File, Json, User, UserGroup
from bot.workspace.pacing import Pacing
from bot.workspace.records import Ack, ApiCall, Attempt, Notice, Unanswered
from bot.workspace.tickets import ResponseUrls, Triggers

T = TypeVar("T")


class Workspace(Board):
    """One Slack workspace with one app installed.

    `now` gives the time in seconds since 1970 and rules everything that expires here. `clicks` is the record of what
    people did and what they got to see for it; `announce(event, subscription)` hands what the app itself did to
    whoever delivers events (nobody, until a server hosts the workspace).
    """

    def __init__(
        self, app: App, team_id: str = "T0DEMO", name: str = "Acme", now: Callable[[], float] = time.time
    ) -> None:
        super().__init__(now)
        self.app, self.team_id, self.name = app, team_id, name
        self.base_url = "http://127.0.0.1"
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.groups: dict[str, UserGroup] = {}
        self.files: dict[str, File] = {}
        self.triggers, self.response_urls = Triggers(now), ResponseUrls(now)
        self.faults, self.pacing = Faults(), Pacing(now)
        self.calls: list[ApiCall] = []
        self.violations: list[str] = []
        self.acks: list[Ack] = []
        self.unanswered: list[Unanswered] = []
        self.attempts: list[Attempt] = []
        self.notices: list[Notice] = []
        self.clicks = Clicks(now)
        self.announce: Callable[[Json, str | None], None] = _to_nobody

    @property
    def domain(self) -> str:
        """The team's address part, such as `acme`."""
        return self.name.lower().replace(" ", "-")

    @property
    def enforce_rate_limits(self) -> bool:
        """Whether Slack's rate limits hold; off unless a test or the demo switches them on."""
        return self.pacing.strict

    @enforce_rate_limits.setter
    def enforce_rate_limits(self, strict: bool) -> None:
        self.pacing.strict = strict

    # -- people and places

    def add_user(self, user: User) -> User:
        """Let someone join."""
        user.team_id = user.team_id or self.team_id
        self.users[user.id] = user
        return user

    def add_channel(self, channel: Channel) -> Channel:
        """Create a channel; put `app.bot_user_id` among its members to have the bot invited."""
        self.channels[channel.id] = channel
        return channel

    def add_group(self, group: UserGroup) -> UserGroup:
        """Create a user group."""
        self.groups[group.id] = group
        return group

    def dm_channel(self, user_id: str) -> Channel:
        """The direct message between this person and the bot, opened when it was not."""
        channel_id = "D" + user_id[1:]
        members = [user_id, self.app.bot_user_id]
        return self.channels.setdefault(
            channel_id, Channel(channel_id, members=members, is_im=True, is_private=True, user=user_id)
        )

    # -- waiting

    async def until(self, predicate: Callable[[], T], timeout: float = 30.0) -> T:
        """Wait until `predicate` returns something true and return that; looked at after every change.

        Raises TimeoutError after `timeout` seconds. The timeout is an argument because it is part of what
        a test says about the app.
        """
        try:
            async with asyncio.timeout(timeout):
                while not (found := predicate()):
                    await self.changed()
                return found
        except TimeoutError:
            raise TimeoutError(f"not within {timeout:g} s; the last calls: {self._recent()}") from None

    def _recent(self) -> str:
        return ", ".join(f"{c.method}={c.answer.get('error', 'ok')}" for c in self.calls[-5:]) or "none"

    # -- the record

    def called(self, method: str) -> list[ApiCall]:
        """Every call of one Web API method so far."""
        return [call for call in self.calls if call.method == method]

    def notify(self, user_id: str, text: str) -> None:
        """Put a toast on this person's screen."""
        self.notices.append(Notice(len(self.notices) + 1, user_id, text))
        self.bump()

    def note_ack(self, kind: str, user: str, what: str, seconds: float, status: int) -> None:
        """Record how fast an interaction was acknowledged."""
        self.acks.append(Ack(kind, user, what, seconds, status))
        self.bump()

    def note_unanswered(self, kind: str, user: str, what: str, why: str) -> None:
        """Record an interaction that went wrong, and tell the person."""
        self.unanswered.append(Unanswered(kind, user, what, why))
        self.notify(user, why)

    def violated(self, where: str, problems: list[str]) -> None:
        """Record payloads that Slack would have refused."""
        self.violations += [f"{where}: {problem}" for problem in problems]

    def people(self) -> list[User]:
        """Everyone who is not a bot."""
        return [user for user in self.users.values() if not user.is_bot]


def _to_nobody(event: Json, subscription: str | None) -> None:
    """No server hosts this workspace."""
