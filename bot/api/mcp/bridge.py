"""From aiohttp to ASGI: one request on its way through an ASGI application, streamed as it comes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
AsgiApp = Callable[[Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

_LOOK = 0.5  # seconds between two looks whether the peer is still there; aiohttp does not say so by itself


@dataclass(eq=False)
class Passage:
    """One request, read already. `end` makes the application believe that the peer has gone."""

    request: web.Request
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)  #: set on the answer besides its own
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _taken: bool = False
    _answer: web.StreamResponse | None = None

    @property
    def is_open(self) -> bool:
        """Whether anybody still waits for the answer."""
        transport = self.request.transport
        return not self.ended.is_set() and transport is not None and not transport.is_closing()

    async def through(self, app: AsgiApp, **more: Any) -> web.StreamResponse:
        """Let the application answer; `more` goes into its scope."""
        await app({**_scope(self.request), **more}, self._receive, self._send)
        return self._answer or web.Response(status=500)

    async def _receive(self) -> Message:
        if not self._taken:
            self._taken = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        while self.is_open:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ended.wait(), _LOOK)
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        with suppress(ConnectionResetError):  # who has gone needs no answer
            if message["type"] == "http.response.start":
                await self._begin(message)
            elif self._answer is not None:
                await self._continue(self._answer, message)

    async def _begin(self, message: Message) -> None:
        self._answer = web.StreamResponse(status=message["status"])
        for name, value in message.get("headers", ()):
            self._answer.headers.add(name.decode("latin-1"), value.decode("latin-1"))
        self._answer.headers.update(self.headers)
        await self._answer.prepare(self.request)

    async def _continue(self, answer: web.StreamResponse, message: Message) -> None:
        if message.get("body"):
            await answer.write(message["body"])
        if not message.get("more_body", False):
            await answer.write_eof()


def _scope(request: web.Request) -> Scope:
    url, peer = request.rel_url, request.transport.get_extra_info("peername") if request.transport else None
    return {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
        "method": request.method, "scheme": request.scheme, "path": url.path, "raw_path": url.raw_path.encode(),
        "query_string": url.raw_query_string.encode(), "root_path": "", "server": None,
        "headers": [(name.lower(), value) for name, value in request.raw_headers],
        "client": tuple(peer[:2]) if isinstance(peer, tuple) else None,
    }  # fmt: skip
