"""Posting and changing Slack messages: paced, never twice, more plainly where blocks are refused."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from bot.cards.blocks import Blocks
from bot.cards.message import Message
from bot.delivery.finding import METADATA, Finder
from bot.delivery.troubles import is_unreachable, postponed
from bot.delivery.variants import Variants
from bot.office import Office
from bot.slack import BlocksRefused, MessageLost, SlackTrouble, TryLater
from bot.slack.pacing import Pacer
from scheduler.ports import Postponed, Undeliverable
from storage import outbox
from storage.tables import OutboxMessage

log = logging.getLogger(__name__)

T = TypeVar("T")

_PACING = "pacing"
#: Methods that are no posts have one limit for the whole workspace. Slack tells it by Retry-After alone: until then we
#: go at any pace, and after that so slowly that the most urgent go first and the next Retry-After meets few.
_AT_FIRST, _ONCE_TOLD = 1000, 4.0


class ThreadGone(Undeliverable):
    """Nothing is left of the thread a reply was meant for; the reply was taken back."""


class Poster:
    """The hand that writes to the channels and people of one workspace."""

    def __init__(self, office: Office) -> None:
        self._database, self._client, self._connection = office.database, office.client, office.connection
        self._variants = Variants()
        self.pacer = Pacer()
        self._methods = Pacer(burst=_AT_FIRST, per_second=_ONCE_TOLD)
        self._finder = Finder(office.client)

    async def send_once(self, message: OutboxMessage, to: str, said: Message, thread_ts: str | None = None) -> None:
        """Post a message that is never changed again; after a lost answer, look for it before posting again."""
        try:
            if not message.certain and await self.find(message, to, thread_ts, message.id):
                return
            await self._database.write(message.tenant, lambda tx: outbox.begin_sending(tx, message.id))
            await self.post(message, to, said, message.id, thread_ts)
        except MessageLost as gone:
            raise Undeliverable(gone.error) from gone
        except SlackTrouble as trouble:
            if is_unreachable(to, trouble):
                raise Undeliverable(f"Slack does not let us write to {to} ({trouble.error})") from trouble
            raise postponed(trouble, message, to) from trouble

    async def post(
        self, message: OutboxMessage, channel: str, said: Message, key: str, thread_ts: str | None
    ) -> tuple[str, str]:
        """Post under a key by which the message can be found again; returns channel and ts.

        Raises ThreadGone where a reply had nothing to stand under.
        """
        self._take_turn(self.pacer, channel, message)
        sending: dict[str, Any] = {
            "channel": channel, "text": said.text, "unfurl_links": False, "unfurl_media": False,
            "metadata": {"event_type": METADATA, "event_payload": {"key": key}},
        }  # fmt: skip
        if thread_ts is not None:
            sending["thread_ts"] = thread_ts
        try:
            answer = await self._first_taken(said, key, lambda blocks: self._post_these(sending, blocks))
        except TryLater as trouble:
            self.pacer.hold(channel, trouble.after)
            raise
        posted = str(answer["channel"]), str(answer["ts"])
        if thread_ts is not None and "thread_ts" not in (answer.get("message") or {"thread_ts": thread_ts}):
            await self._take_back(*posted)
            raise ThreadGone("its thread is gone")
        return posted

    async def _take_back(self, channel: str, ts: str) -> None:
        """Delete a reply that Slack, without a word, put into the channel because its thread is gone."""
        try:
            await self._connection.call(lambda: self._client.chat_delete(channel=channel, ts=ts))
        except SlackTrouble as trouble:
            log.error("%s/%s answers a message that is gone and could not be deleted: %s", channel, ts, trouble.error)

    async def update(self, message: OutboxMessage, channel: str, ts: str, said: Message) -> None:
        """Change a message. Raises SlackTrouble, and Postponed while Slack takes no more changes."""
        changed: dict[str, Any] = {"channel": channel, "ts": ts, "text": said.text}

        async def change(blocks: Blocks) -> Any:
            return await self._paced("chat.update", message, lambda: self._client.chat_update(**changed, blocks=blocks))

        await self._first_taken(said, f"{channel}/{ts}", change)

    async def _post_these(self, sending: dict[str, Any], blocks: Blocks) -> Any:
        return await self._connection.call(lambda: self._client.chat_postMessage(**sending, blocks=blocks or None))

    async def _first_taken(self, said: Message, what: str, send: Callable[[Blocks], Awaitable[T]]) -> T:
        """Send the newest blocks Slack takes; each is tried only after the one before was surely refused."""
        *rich, bare = self._variants.of(said)
        for blocks in rich:
            try:
                answer = await send(blocks)
            except BlocksRefused as refused:
                log.error("Slack refused the blocks of %s (%s); saying it more plainly", what, refused.error)
            else:
                self._variants.learn(said, blocks)
                return answer
        return await send(bare)

    async def find(self, message: OutboxMessage, to: str, thread_ts: str | None, key: str) -> tuple[str, str] | None:
        """Look for a message that may have been posted although no answer came. Raises as `update` does."""
        return await self._paced("search", message, lambda: self._finder.find(to, thread_ts, key))

    async def is_shared_outside(self, channel: str) -> bool:
        """Whether people of another organisation can read a channel."""
        asked = await self._connection.call(lambda: self._client.conversations_info(channel=channel))
        return any(asked["channel"].get(flag) for flag in ("is_ext_shared", "is_pending_ext_shared", "is_org_shared"))

    async def _paced(self, method: str, message: OutboxMessage, ask: Callable[[], Awaitable[T]]) -> T:
        """Call a method whose limit counts for the whole workspace; the more urgent message goes first."""
        self._take_turn(self._methods, method, message)
        try:
            return await self._connection.call(ask)
        except TryLater as trouble:
            if trouble.error == "ratelimited":
                self._methods.hold(method, trouble.after)
            raise

    def _take_turn(self, pacer: Pacer, where: str, message: OutboxMessage) -> None:
        self._connection.check()  # no turn is used up by what cannot be sent
        if (wait := pacer.wait(where, message.priority, waited=message.last_error == _PACING)) > 0:
            raise Postponed(_PACING, after=wait, certain=True, blameless=True)
