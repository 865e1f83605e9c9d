"""Short-lived rights the app is handed with an interaction: trigger ids and response URLs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.workspace.errors import SlackError

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 30 * 60.0
RESPONSE_URL_USES = 5


@dataclass
class Trigger:
    """The right to open one modal in front of `user`, for three seconds; `view_id` if clicked in one."""

    user: str
    minted: float
    view_id: str | None = None
    used: bool = False


class Triggers:
    """Mints and exchanges trigger ids."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._known: dict[str, Trigger] = {}

    def mint(self, user: str, view_id: str | None = None) -> str:
        """A fresh trigger id for what `user` just did."""
        trigger_id = f"{int(self._now() * 1000)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"
        self._known[trigger_id] = Trigger(user, self._now(), view_id)
        return trigger_id

    def exchange(self, trigger_id: str) -> Trigger:
        """Spend the trigger. Raises invalid_, expired_ or exchanged_trigger_id."""
        trigger = self._known.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._now() - trigger.minted > TRIGGER_SECONDS:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger


@dataclass
class ResponseUrl:
    """The right to answer one interaction: where it happened, for whom, and how often it was used."""

    user: str
    channel: str
    minted: float
    message_ts: str | None = None
    ephemeral: bool = False
    thread_ts: str | None = None
    uses: int = 0


class ResponseUrls:
    """Mints response URL tokens and counts their uses: five within thirty minutes."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._known: dict[str, ResponseUrl] = {}

    def mint(
        self,
        user: str,
        channel: str,
        message_ts: str | None = None,
        ephemeral: bool = False,
        thread_ts: str | None = None,
    ) -> str:
        """A fresh token; `message_ts` is the message whose button was pressed, if any."""
        token = secrets.token_urlsafe(24)
        self._known[token] = ResponseUrl(user, channel, self._now(), message_ts, ephemeral, thread_ts)
        return token

    def knows(self, token: str) -> bool:
        """True when this token was minted here, spent or not."""
        return token in self._known

    def use(self, token: str) -> ResponseUrl:
        """Count one use. Raises SlackError `expired_url` or `used_url` with HTTP 404, as Slack does."""
        url = self._known.get(token)
        if url is None or self._now() - url.minted > RESPONSE_URL_SECONDS:
            raise SlackError("expired_url", status=404)
        if url.uses >= RESPONSE_URL_USES:
            raise SlackError("used_url", status=404)
        url.uses += 1
        return url
