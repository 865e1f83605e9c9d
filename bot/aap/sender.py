"""Posting to receivers of notifications: signed by Standard Webhooks, and never to an address inside by accident."""

import base64
import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urlsplit

import aiohttp

from bot.connectors.addresses import is_outside
from bot.connectors.http import new_session
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
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise _unsafe("it is no URL") from None
    if not url.isascii() or any(one <= " " for one in url) or "#" in url or "@" in parts.netloc or not parts.hostname:
        raise _unsafe("send an absolute URL without user, fragment and spaces")
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_private):
        raise _unsafe("send an https URL")
    if not allow_private and not _is_name_or_outside(parts):
        raise _unsafe("it leads inside")


def _is_name_or_outside(parts: SplitResult) -> bool:
    try:
        ipaddress.ip_address((parts.hostname or "").split("%")[0])
    except ValueError:
        return True
    return is_outside(parts.hostname or "")


def _unsafe(why: str) -> Unprocessable:
    return Unprocessable(f"delivery/url: {why}.", code="invalid_webhook_url")


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
        return Reply(response.status, answer, _retry_after(response.headers.get("Retry-After"), now))


def _headers(message: Message, now: datetime) -> dict[str, str]:
    at = str(int(now.timestamp()))
    key = base64.b64decode(message.secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{message.id}.{at}.".encode() + message.body, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json", "webhook-id": message.id, "webhook-timestamp": at,
        "webhook-signature": "v1," + base64.b64encode(signed).decode(),
    }  # fmt: skip


def _retry_after(header: str | None, now: datetime) -> timedelta | None:
    if header is None:
        return None
    if header.strip().isdecimal():
        return timedelta(seconds=min(int(header.strip()[:9]), 7 * 86_400))
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(timedelta(), at.replace(tzinfo=at.tzinfo or UTC) - now)
