"""Posting to receivers of notifications: signed by Standard Webhooks, and never to an address inside by accident."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp

from bot.net.guard import new_session
from bot.net.standard_webhooks import retry_after, sign
from bot.net.targets import target_of
from governance.errors import Unprocessable

PATIENCE = 10.0  # seconds for one attempt, connecting included
_MAX_ANSWER = 16 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted; its id and body are the same at every attempt."""

    id: str
    body: bytes
    secret: str  #: `whsec_` and base64


@dataclass(frozen=True, slots=True)
class Reply:
    """What a receiver answered."""

    status: int
    body: bytes
    retry_after: timedelta | None


def check_url(url: str, *, allow_private: bool) -> None:
    """Raise Unprocessable for a receiver's address that is malformed or unsafe. Names are looked at when connecting."""
    try:
        target_of(url, private=allow_private)
    except Unprocessable as refusal:
        raise Unprocessable(f"delivery/{refusal.sentence}", code="invalid_webhook_url") from None


async def post(url: str, message: Message, now: datetime, *, allow_private: bool) -> Reply:
    """Make one attempt. Raises aiohttp.ClientError, TimeoutError or OSError where no whole answer came."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with (
        new_session(guarded=not allow_private) as session,
        session.post(
            url, data=message.body, headers=_headers(message, now), allow_redirects=False, timeout=timeout
        ) as response,
    ):
        answer = await response.content.read(_MAX_ANSWER)
        return Reply(response.status, answer, retry_after(response.headers.get("Retry-After"), now))


def _headers(message: Message, now: datetime) -> dict[str, str]:
    at = str(int(now.timestamp()))
    return {
        "Content-Type": "application/json", "webhook-id": message.id, "webhook-timestamp": at,
        "webhook-signature": sign(message.secret, message.id, at, message.body),
    }  # fmt: skip
