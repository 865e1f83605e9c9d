"""Calls to the API as a client makes them that knows only the contract, and calls that no client makes."""

import asyncio
import hashlib
import hmac
import json
import secrets
from typing import Any

from tests.stack import Stack

API = "/api/v1"
Key = tuple[str, str]


def signed_headers(
    key: Key, method: str, target: str, body: bytes = b"", *, at: float, nonce: str | None = None
) -> dict[str, str]:
    """Return the four headers of a signed call."""
    timestamp, nonce = str(int(at)), nonce or secrets.token_hex(12)
    text = "\n".join(("v1", method, target, timestamp, nonce, hashlib.sha256(body).hexdigest()))
    return {
        "X-Countersign-Key": key[0],
        "X-Countersign-Timestamp": timestamp,
        "X-Countersign-Nonce": nonce,
        "X-Countersign-Signature": "v1=" + hmac.new(key[1].encode(), text.encode(), hashlib.sha256).hexdigest(),
    }


async def send(stack: Stack, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, Any]:
    """Make a call with exactly these headers."""
    return await stack.call(method, target, raw=body, secret="", headers=headers)


async def raw(stack: Stack, head: bytes, body: bytes = b"", *, secret: str | None = None) -> tuple[int, Any]:
    """Send bytes as they are (a request line and headers) and return what came back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.server.port)
    lines = [head.rstrip(b"\r\n"), b"Host: localhost", b"Connection: close", b"Content-Length: %d" % len(body)]
    if secret is not None:
        lines.append(b"Authorization: Bearer " + secret.encode())
    writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    top, _, text = answer.partition(b"\r\n\r\n")
    status = int(top.split(b" ", 2)[1])
    is_json = b"application/json" in top
    return status, json.loads(text) if is_json and text else None


def is_problem(answer: tuple[int, Any], status: int, code: str) -> bool:
    """Whether an answer is an error in the one shape that all errors have."""
    found, body = answer
    return found == status and set(body) == {"code", "error", "details"} and body["code"] == code


async def waiting_for(stack: Stack, tool: str = "deploy.production", **body: Any) -> str:
    """Propose a call; returns the id of the request that people now see."""
    _, proposed = await stack.propose(tool, **body)
    approval_id: str = proposed["approval"]["id"]
    return approval_id
