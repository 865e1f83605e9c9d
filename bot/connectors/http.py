"""The http connector: POST the approved call to its address, signed, under one idempotency key."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.connectors.results import as_result
from governance.attempts import MAX_RESULT, Answer, Result
from governance.canonical import canonical
from governance.text import cut
from operations.execute import Started
from storage.database import Clock

_BUSY = frozenset({408, 425, 429, 503})


class ForbiddenAddress(OSError):
    """A host name led to an address inside; nothing was sent."""


class GuardedResolver(AbstractResolver):
    """Resolves names and refuses those that lead inside; the address it returns is the one connected to."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Resolve a name. Raises ForbiddenAddress for loopback, private, link-local and metadata addresses."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        for _family, _type, _protocol, _name, address in found:
            if not ipaddress.ip_address(str(address[0]).split("%")[0]).is_global:
                raise ForbiddenAddress(
                    f"{host} leads to {address[0]}, which is inside; set allow_private = true to mean it"
                )
        return [
            ResolveResult(
                hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=socket.AI_NUMERICHOST
            )
            for kind, _type, protocol, _name, address in found
        ]

    async def close(self) -> None:
        """Nothing to close."""


def new_session(*, guarded: bool) -> aiohttp.ClientSession:
    """Return a session that opens a fresh connection for every request; a guarded one only to addresses outside.

    A connection kept alive may be given up by the other side just as we write to it, and then nobody knows whether a
    call that must not be repeated has happened.
    """
    if not guarded:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
    connector = aiohttp.TCPConnector(resolver=GuardedResolver(), use_dns_cache=False, force_close=True)
    return aiohttp.ClientSession(connector=connector)


class HttpConnector:
    """Runs calls whose tool says `kind = "http"`."""

    def __init__(self, environment: Mapping[str, str], clock: Clock) -> None:
        self._environment, self._clock = environment, clock
        self._guarded, self._open = new_session(guarded=True), new_session(guarded=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._guarded.close()
        await self._open.close()

    async def __call__(self, started: Started) -> Result:
        """Make one attempt. Never raises for what the other side or the network does."""
        connector = started.tool.connector
        session = self._open if connector.allow_private else self._guarded
        body = _body(started)
        try:
            async with session.post(
                connector.url, data=body, headers=self._headers(started, body), allow_redirects=False,
                timeout=_timeout(connector.timeout.total_seconds()),
            ) as response:  # fmt: skip
                return await _read(response, self._clock())
        except (ForbiddenAddress, aiohttp.InvalidURL) as error:
            return Result(Answer.FAILED, error=str(error))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            if isinstance(error.__cause__, ForbiddenAddress) or isinstance(
                getattr(error, "os_error", None), ForbiddenAddress
            ):
                return Result(Answer.FAILED, error=str(getattr(error, "os_error", error)))
            return Result(Answer.NOT_SENT, error=f"could not connect: {_said(error)}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Result(Answer.NO_ANSWER, error=f"no answer: {_said(error)}")

    def _headers(self, started: Started, body: bytes) -> dict[str, str]:
        """Return the headers of one attempt: the ids never change, timestamp and signature are fresh."""
        execution_id, timestamp = started.execution.id, str(int(self._clock().timestamp()))
        headers = {
            "Content-Type": "application/json", "Idempotency-Key": execution_id, "webhook-id": execution_id,
            "webhook-timestamp": timestamp, "X-Countersign-Attempt": str(started.execution.attempt),
        }  # fmt: skip
        secret = self._environment.get(started.tool.connector.secret_env or "")
        if secret:
            signed = hmac.new(_key(secret), f"{execution_id}.{timestamp}.".encode() + body, hashlib.sha256)
            headers["webhook-signature"] = "v1," + base64.b64encode(signed.digest()).decode()
        return headers


def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    """Return the limits of one attempt; connecting gets half, so that it fails as `nothing was sent`."""
    return aiohttp.ClientTimeout(total=seconds, sock_connect=seconds / 2)


def _body(started: Started) -> bytes:
    """Return the bytes to send, the same at every attempt."""
    return canonical(
        {
            "execution_id": started.execution.id,
            "proposal_id": started.proposal.id,
            "tool": started.tool.name,
            "arguments": started.arguments,
            "digest": started.proposal.digest,
        }
    )


def _key(secret: str) -> bytes:
    """Return the signing key of a Standard Webhooks secret; one without the prefix is taken as it is."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return secret.encode()


async def _read(response: aiohttp.ClientResponse, now: datetime) -> Result:
    status = response.status
    if 200 <= status < 300:
        return Result(Answer.SUCCEEDED, result=as_result(await _at_most(response, MAX_RESULT + 1)))
    text = (await _at_most(response, 2000)).decode("utf-8", "replace")
    return answer_to_status(status, response.reason, text, response.headers.get("Retry-After"), now)


def answer_to_status(status: int, reason: str | None, text: str, retry_after: str | None, now: datetime) -> Result:
    """Return what an answer of 300 and above means; `text` is what the other side said."""
    error = cut(f"HTTP {status} {reason or ''}: {text}".strip(), 1000)
    if status in _BUSY:
        return Result(Answer.BUSY, error=error, retry_after=_retry_after(retry_after, now))
    return Result(Answer.NO_ANSWER if status >= 500 else Answer.FAILED, error=error)


async def _at_most(response: aiohttp.ClientResponse, limit: int) -> bytes:
    body = b""
    while len(body) < limit and (chunk := await response.content.read(limit - len(body))):
        body += chunk
    return body


def _retry_after(header: str | None, now: datetime) -> timedelta | None:
    if header is None:
        return None
    if header.strip().isdecimal():
        return timedelta(seconds=min(int(header.strip()[:9]), 86_400))
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(timedelta(), moment.replace(tzinfo=moment.tzinfo or UTC) - now)


def _said(error: BaseException) -> str:
    return cut(str(error), 300) or type(error).__name__
