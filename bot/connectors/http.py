"""The http connector: POST the approved call to its address, signed, under one idempotency key."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import aiohttp

from bot.connectors.results import MAX_REFUSAL, as_result, words_of
from bot.net import ForbiddenAddress, new_session
from bot.net.standard_webhooks import retry_after as wait_of
from bot.net.standard_webhooks import sign
from governance.attempts import MAX_RESULT, Answer, Result
from governance.canonical import Json, canonical
from governance.text import cut
from operations.execute import Started
from storage.database import Clock

_BUSY = frozenset({408, 425, 429, 503})


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
                return await _read(response, self._clock(), started.secrets)
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
            headers["webhook-signature"] = sign(secret, execution_id, timestamp, body)
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


async def _read(response: aiohttp.ClientResponse, now: datetime, secrets: Iterable[Json]) -> Result:
    status = response.status
    if 200 <= status < 300:
        return Result(Answer.SUCCEEDED, result=as_result(await _at_most(response, MAX_RESULT + 1), secrets))
    text = words_of(await _at_most(response, MAX_REFUSAL), secrets)
    return answer_to_status(status, response.reason, text, response.headers.get("Retry-After"), now)


def answer_to_status(status: int, reason: str | None, text: str, retry_after: str | None, now: datetime) -> Result:
    """Return what an answer of 300 and above means; `text` is what the other side said."""
    error = cut(f"HTTP {status} {reason or ''}: {text}".strip(), 1000)
    if status in _BUSY:
        return Result(Answer.BUSY, error=error, retry_after=wait_of(retry_after, now))
    return Result(Answer.NO_ANSWER if status >= 500 else Answer.FAILED, error=error)


async def _at_most(response: aiohttp.ClientResponse, limit: int) -> bytes:
    body = b""
    while len(body) < limit and (chunk := await response.content.read(limit - len(body))):
        body += chunk
    return body


def _said(error: BaseException) -> str:
    return cut(str(error), 300) or type(error).__name__
