"""What stands in the workspace: messages with their history, modals and Home tabs."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable

from bot.workspace import blocks as kit
from bot.workspace.model import Json, Message, Version, View
from bot.workspace.mrkdwn import reach
from bot.workspace.pulse import Pulse

_BLOCK_ID = re.compile(r'"block_id": "[^"]*",? ?')


class Board(Pulse):
    """Messages by place and thread, and what is on whose screen.

    Found messages are live: they change when the app updates them; `Message.snapshot()` keeps what a person saw.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        super().__init__(now)
        self.messages: dict[tuple[str, str], Message] = {}
        self._threads: defaultdict[tuple[str, str], list[Message]] = defaultdict(list)
        self._by_channel: defaultdict[str, list[Message]] = defaultdict(list)
        self.modals: defaultdict[str, list[View]] = defaultdict(list)
        self.homes: dict[str, View] = {}

    # -- messages

    def put(self, message: Message, link_names: bool = False) -> Message:
        """Store a message, new or updated: ids filled in, pings, mentions and its new content noted."""
        self._remember(message, digest(message))
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

    def drop(self, message: Message) -> None:
        """Delete a message; where replies hang on it, a tombstone stays."""
        message.deleted = True
        self._remember(message, "deleted")
        self.bump()

    def _remember(self, message: Message, content: str) -> None:
        if not message.history or message.history[-1].digest != content:
            message.history.append(Version(self.now(), time.monotonic(), content))

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


def digest(message: Message) -> str:
    """The SHA-256 of what a message says: text, blocks and attachments without block ids, and files."""
    files = [file.id for file in message.files]
    content: Json = {"text": message.text, "blocks": message.blocks, "attachments": message.attachments, "files": files}
    return hashlib.sha256(_BLOCK_ID.sub("", json.dumps(content, sort_keys=True)).encode()).hexdigest()
