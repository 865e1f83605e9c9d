"""The workspace's world, in memory: who is there, what was said, what is on whose screen."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from bot.workspace import blocks as kit
from bot.workspace.faults import Faults
from bot.workspace.model import App, Channel, Message, User, UserGroup, View
from bot.workspace.mrkdwn import reach
from bot.workspace.pacing import Pacing
from bot.workspace.records import Ack, ApiCall, Attempt, Notice, Unanswered
from bot.workspace.tickets import ResponseUrls, Triggers

T = TypeVar("T")


class Workspace:
    """One Slack workspace with one app installed.

    `now` gives the time in seconds since 1970 and rules everything that expires here. Found messages are
    live: they change when the app updates them; use `Message.snapshot()` to keep what a person saw.
    """

    def __init__(
        self, app: App, team_id: str = "T0DEMO", name: str = "Acme", now: Callable[[], float] = time.time
    ) -> None:
        self.app, self.team_id, self.name, self.now = app, team_id, name, now
        self.base_url = "http://127.0.0.1"
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.groups: dict[str, UserGroup] = {}
        self.messages: dict[tuple[str, str], Message] = {}
        self._threads: defaultdict[tuple[str, str], list[Message]] = defaultdict(list)
        self._by_channel: defaultdict[str, list[Message]] = defaultdict(list)
        self.modals: defaultdict[str, list[View]] = defaultdict(list)
        self.homes: dict[str, View] = {}
        self.triggers, self.response_urls = Triggers(now), ResponseUrls(now)
        self.faults, self.pacing = Faults(), Pacing(now)
        self.calls: list[ApiCall] = []
        self.violations: list[str] = []
        self.acks: list[Ack] = []
        self.unanswered: list[Unanswered] = []
        self.attempts: list[Attempt] = []
        self.notices: list[Notice] = []
        self.version = 0
        self._change = asyncio.Event()
        self._last_ts = 0

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

    # -- time and change

    def tick(self) -> str:
        """A message timestamp, unique and increasing even when the clock stands still."""
        self._last_ts = max(int(self.now() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        """A random id in Slack's style, such as `V3F7A…`."""
        return prefix + secrets.token_hex(5).upper()

    def bump(self) -> None:
        """Tell everyone who waits that something changed."""
        self.version += 1
        self._change.set()
        self._change = asyncio.Event()

    async def changed(self) -> int:
        """Wait for the next change; returns the version after it."""
        await self._change.wait()
        return self.version

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

    # -- messages

    def put(self, message: Message, link_names: bool = False) -> Message:
        """Store a message, new or updated: ids filled in, pings and mentions noted."""
        message.blocks = kit.with_ids(message.blocks)
        message.attachments = kit.with_attachment_ids(message.attachments)
        found = reach(message.text, [*message.blocks, *message.attachments], link_names)
        message.pings = [*message.pings, *(p for p in found.pings if p not in message.pings)]
        message.mentions = found.mentions
        message.unfurls = [] if message.quiet_links else found.links
        if (message.channel, message.ts) not in self.messages:
            self.messages[message.channel, message.ts] = message
            self._by_channel[message.channel].append(message)
            if message.thread_ts not in (None, message.ts):
                self._threads[message.channel, str(message.thread_ts)].append(message)
        self.bump()
        return message

    def find(self, channel: str, ts: str) -> Message | None:
        """The message at this place, ephemeral ones included; None when there is none or it was deleted."""
        message = self.messages.get((channel, ts))
        return message if message and not message.deleted else None

    def messages_in(self, channel: str) -> list[Message]:
        """Everything said in a channel, threads included, oldest first; no ephemeral or deleted messages."""
        return [m for m in self.everything_in(channel) if not m.only_for and not m.deleted]

    def everything_in(self, channel: str) -> list[Message]:
        """Everything ever posted in a channel, ephemeral and deleted messages too, oldest first."""
        return list(self._by_channel[channel])

    def thread(self, channel: str, ts: str) -> list[Message]:
        """The replies under the message `ts`, oldest first, without the message itself."""
        return [m for m in self._threads[channel, ts] if not m.only_for and not m.deleted]

    def dm(self, user_id: str) -> list[Message]:
        """What stands in this person's direct messages with the bot, oldest first."""
        return self.messages_in("D" + user_id[1:])

    def ephemerals(self, user_id: str) -> list[Message]:
        """The messages only this person can see, oldest first."""
        return [m for m in self.messages.values() if m.only_for == user_id and not m.deleted]

    def card(self, channel: str, containing: str = "") -> Message | None:
        """The newest message of a channel that has buttons and whose text contains `containing`."""
        for message in reversed(self.messages_in(channel)):
            body = f"{message.text}\n{kit.plain(message.all_blocks)}"
            if containing in body and any(True for _ in kit.elements(message.all_blocks)):
                return message
        return None

    # -- views

    def open_views(self, user_id: str) -> list[View]:
        """The person's stack of modals, the one in front last; empty when no modal is open."""
        return list(self.modals[user_id])

    def home(self, user_id: str) -> View | None:
        """The app's Home tab as last published to this person."""
        return self.homes.get(user_id)

    def view(self, view_id: str) -> View | None:
        """The open modal or published Home tab with this id."""
        everywhere = [v for stack in self.modals.values() for v in stack] + list(self.homes.values())
        return next((v for v in everywhere if v.id == view_id), None)

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
