"""Signed decisions as a client sends them that knows only the contract, and what comes back, to the byte."""

from typing import Any

import aiohttp
from yarl import URL

from tests.integration.calls import API, Key, signed_headers
from tests.stack import Stack

APPROVE = b'{"decision":"approve"}'
REFUSED = b'{"code":"UNAUTHENTICATED","error":"The call is not signed by a live operator key.","details":{}}'
SIGNATURE = "X-Countersign-Signature"

Answered = tuple[int, dict[str, str], bytes]

__all__ = ["API", "APPROVE", "REFUSED", "SIGNATURE", "Answered", "decision", "exchange"]


async def exchange(
    stack: Stack,
    method: str,
    target: str,
    headers: Any,
    body: bytes = b"",
    session: aiohttp.ClientSession | None = None,
) -> Answered:
    """Make a call with exactly these headers; returns what came back, to the byte."""
    url = URL(stack.url + target, encoded=True)
    async with (session or stack.session).request(method, url, headers=headers, data=body) as answer:
        told = {name: value for name, value in answer.headers.items() if name != "Date"}
        return answer.status, told, await answer.read()


def decision(stack: Stack, key: Key, request: str, body: bytes = APPROVE, **more: Any) -> tuple[str, dict[str, str]]:
    """Return the target and the headers of a signed decision."""
    target = f"{API}/approvals/{request}"
    return target, signed_headers(key, "POST", target, body, at=stack.database.clock().timestamp(), **more)
