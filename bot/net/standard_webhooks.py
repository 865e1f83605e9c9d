"""What Standard Webhooks say on the wire: secrets, signatures, and when to come again."""

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_LONGEST = timedelta(days=1)


def sign(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Return one signature: `v1,` and the base64 of the HMAC-SHA256 over id, timestamp and body."""
    signed = hmac.new(key_of(secret), f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(signed.digest()).decode()


def key_of(secret: str) -> bytes:
    """Return the signing key of a Standard Webhooks secret; one without the prefix is taken as it is."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return secret.encode()


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """Return how long a `Retry-After` asks to wait, at most a day; None where it says nothing."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return min(timedelta(seconds=int(header.strip()[:9])), _LONGEST)
    try:
        moment = parsedate_to_datetime(header)
        asked = moment.replace(tzinfo=moment.tzinfo or UTC) - now
    except (ValueError, OverflowError):  # no date, or one beyond the calendar
        return None
    return min(max(timedelta(), asked), _LONGEST)
