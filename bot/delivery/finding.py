"""Finding a message again whose answer was lost, by the key in its metadata."""

import logging
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.delivery.troubles import is_person
from bot.slack import calling

log = logging.getLogger(__name__)

METADATA = "countersign_message"
_ROWS, _PAGES = 200, 5


class Finder:
    """Looks through channels, threads and direct messages of one workspace."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def find(self, to: str, thread_ts: str | None, key: str) -> tuple[str, str] | None:
        """Return channel and ts of the message under a key; None where it is not among the last thousand.

        Slack shows some apps fifteen rows a minute. Those are all that is looked at then: a card that comes twice, once
        in a long while, is better than one that never comes.
        """
        channel = await self._channel_of(to)
        cursor = ""
        for _ in range(_PAGES):
            answer = await self._page(channel, thread_ts, cursor)
            for one in answer["messages"]:
                if ((one.get("metadata") or {}).get("event_payload") or {}).get("key") == key:
                    return channel, str(one["ts"])
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return None
            if len(answer["messages"]) < _ROWS:
                log.warning("Slack showed %d rows of %s, too few to find %s", len(answer["messages"]), channel, key)
                return None
        return None

    async def _channel_of(self, to: str) -> str:
        if not is_person(to):
            return to
        opened = await calling(self._client.conversations_open(users=to))
        return str(opened["channel"]["id"])

    async def _page(self, channel: str, thread_ts: str | None, cursor: str) -> Any:
        asked: dict[str, Any] = {"channel": channel, "limit": _ROWS, "include_all_metadata": True}
        if cursor:
            asked["cursor"] = cursor
        if thread_ts is not None:
            return await calling(self._client.conversations_replies(ts=thread_ts, **asked))
        return await calling(self._client.conversations_history(**asked))
