"""Posting, changing and finding again Slack messages: paced, never twice, in plain text where blocks are refused."""

import logging
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.message import Message
from bot.slack import BlocksRefused, Disconnected, MessageLost, Misconfigured, SlackTrouble, TryLater, calling
from bot.slack.pacing import Pacer
from scheduler.outbox import backoff
from scheduler.ports import Postponed, Undeliverable
from storage import outbox
from storage.database import Database
from storage.tables import OutboxMessage

log = logging.getLogger(__name__)

_METADATA = "countersign_message"
_LOOK_BACK = 200
#: What Slack says of people it will never deliver to.
_NOBODY = frozenset({"channel_not_found", "user_not_found", "users_not_found", "user_disabled", "cannot_dm_bot"})
_PACING = "pacing"
_FIRST_RETRY, _LAST_RETRY = 30.0, 600.0  # seconds between tries where an operator has to help first
_REMEDIES = {
    "not_in_channel": "invite the bot there with /invite @Countersign",
    "channel_not_found": "mend approvals_channel in countersign.toml, or invite the bot to the private channel",
    "is_archived": "unarchive the channel or name another one in countersign.toml",
    "missing_scope": "install the app again with the scopes of manifest.yml",
}


class Poster:
    """The hand that writes to the channels and people of one workspace."""

    def __init__(self, database: Database, client: AsyncWebClient) -> None:
        self._database, self._client = database, client
        self.pacer = Pacer()

    async def send_once(self, message: OutboxMessage, to: str, said: Message, thread_ts: str | None = None) -> None:
        """Post a message that is never changed again; after a lost answer, look for it before posting again."""
        try:
            if not message.certain and await self.find(to, thread_ts, message.id):
                return
            await self._database.write(message.tenant, lambda tx: outbox.begin_sending(tx, message.id))
            await self.post(message, to, said, message.id, thread_ts)
        except MessageLost as gone:
            raise Undeliverable(gone.error) from gone
        except Misconfigured as trouble:
            if is_unreachable(to, trouble):
                raise Undeliverable(f"Slack does not let us write to {to} ({trouble.error})") from trouble
            raise postponed(trouble, message, to) from trouble
        except SlackTrouble as trouble:
            raise postponed(trouble, message, to) from trouble

    async def post(
        self, message: OutboxMessage, channel: str, said: Message, key: str, thread_ts: str | None
    ) -> tuple[str, str]:
        """Post under a key by which the message can be found again; returns channel and ts."""
        if (wait := self.pacer.wait(channel, message.priority, waited=message.last_error == _PACING)) > 0:
            raise Postponed(_PACING, after=wait, certain=True)
        sending: dict[str, Any] = {
            "channel": channel, "text": said.text, "blocks": said.blocks, "unfurl_links": False, "unfurl_media": False,
            "metadata": {"event_type": _METADATA, "event_payload": {"key": key}},
        }  # fmt: skip
        if thread_ts is not None:
            sending["thread_ts"] = thread_ts
        try:
            answer = await calling(self._client.chat_postMessage(**sending))
        except BlocksRefused as refused:
            log.error("Slack refused the blocks of %s (%s); posted as plain text", key, refused.error)
            answer = await calling(self._client.chat_postMessage(**{**sending, "blocks": None}))
        except TryLater as trouble:
            self.pacer.hold(channel, trouble.after)
            raise
        return str(answer["channel"]), str(answer["ts"])

    async def update(self, channel: str, ts: str, said: Message) -> None:
        """Change a message. Raises SlackTrouble."""
        changed: dict[str, Any] = {"channel": channel, "ts": ts, "text": said.text, "blocks": said.blocks}
        try:
            await calling(self._client.chat_update(**changed))
        except BlocksRefused as refused:
            log.error("Slack refused the blocks of %s/%s (%s); shown as plain text", channel, ts, refused.error)
            await calling(self._client.chat_update(**{**changed, "blocks": []}))

    async def find(self, to: str, thread_ts: str | None, key: str) -> tuple[str, str] | None:
        """Look for a message that may have been posted although no answer came."""
        channel = to
        if _is_person(to):
            opened = await calling(self._client.conversations_open(users=to))
            channel = opened["channel"]["id"]
        asked: dict[str, Any] = {"channel": channel, "limit": _LOOK_BACK, "include_all_metadata": True}
        if thread_ts is not None:
            answer = await calling(self._client.conversations_replies(ts=thread_ts, **asked))
        else:
            answer = await calling(self._client.conversations_history(**asked))
        for one in answer["messages"]:
            if ((one.get("metadata") or {}).get("event_payload") or {}).get("key") == key:
                return channel, str(one["ts"])
        return None

    async def is_shared_outside(self, channel: str) -> bool:
        """Whether people of another organisation can read a channel."""
        info = (await calling(self._client.conversations_info(channel=channel)))["channel"]
        return any(info.get(flag) for flag in ("is_ext_shared", "is_pending_ext_shared", "is_org_shared"))


def _is_person(to: str) -> bool:
    return to[:1] in "UW"


def is_unreachable(to: str, trouble: SlackTrouble) -> bool:
    """Whether this is a person to whom Slack will never deliver."""
    return _is_person(to) and trouble.error in _NOBODY


def postponed(trouble: SlackTrouble, message: OutboxMessage, channel: str) -> Postponed:
    """Say when to try again after trouble, and tell the operator where only an operator can help."""
    if isinstance(trouble, TryLater):
        after = max(trouble.after, backoff(message.attempts))
        return Postponed(trouble.error, after=after, certain=not trouble.uncertain)
    if isinstance(trouble, Misconfigured | Disconnected):
        remedy = _REMEDIES.get(trouble.error, "install the app again, then restart")
        log.error("Slack answers %s for %s: %s", trouble.error, channel, remedy)
    after = min(_FIRST_RETRY * 2.0 ** min(message.attempts - 1, 10), _LAST_RETRY)
    return Postponed(trouble.error, after=after, certain=True)
