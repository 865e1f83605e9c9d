"""Calls of the API before they are sent: method, target, body, and who signs them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from countersign_client import signing
from countersign_client.flow import Request, World

_API = "/api/v1"
_ANSWERING = 15.0  # seconds that the server has to answer, beyond what it was asked to wait


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `wait` is how many seconds the server may take on purpose."""

    method: str
    target: str
    body: bytes = b""
    wait: float = 0.0


class Identity(Protocol):
    """Who calls: adds what proves it, anew at every try."""

    def headers(self, call: Call, world: World) -> dict[str, str]:
        """Return the headers that prove who calls."""


@dataclass(frozen=True, slots=True)
class AgentKey:
    """An agent, by its bearer key."""

    secret: str

    def headers(self, call: Call, world: World) -> dict[str, str]:
        """Return the header with the key."""
        return {"Authorization": f"Bearer {self.secret}"}

    def __repr__(self) -> str:
        return "AgentKey(…)"


@dataclass(frozen=True, slots=True)
class OperatorKey:
    """A person, by an operator key: every try has its own moment and nonce, so that none can be sent twice."""

    key_id: str
    secret: str

    def headers(self, call: Call, world: World) -> dict[str, str]:
        """Return the four headers of a signed call."""
        moment, nonce = str(int(world.unix_time())), world.token()
        return signing.headers(
            self.key_id, self.secret, call.method, call.target, call.body, timestamp=moment, nonce=nonce
        )

    def __repr__(self) -> str:
        return f"OperatorKey({self.key_id!r}, …)"


def call(method: str, path: str, body: Any = None, *, wait: float | None = None, **query: Any) -> Call:
    """Build a call. None in the query and in the body's top level is left out."""
    values = {name: value for name, value in query.items() if value is not None}
    if wait:
        values["wait"] = f"{wait:g}"
    target = _API + path + (f"?{urlencode(values)}" if values else "")
    return Call(method, target, _encoded(body), wait or 0.0)


def part(text: str) -> str:
    """Return a text as one part of a path."""
    return quote(text, safe="")


def _encoded(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, Mapping):
        body = {name: value for name, value in body.items() if value is not None}
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def request_of(call: Call, prefix: str, identity: Identity, world: World) -> Request:
    """Return a call as it is sent now. `prefix` is the path below which the server is reached, mostly empty."""
    sent = Call(call.method, prefix + call.target, call.body, call.wait)
    headers = {"Accept": "application/json", "User-Agent": "countersign-client", **identity.headers(sent, world)}
    if call.body:
        headers["Content-Type"] = "application/json"
    return Request(sent.method, sent.target, headers, sent.body, call.wait + _ANSWERING)
