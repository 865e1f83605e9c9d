"""The service that approved calls really reach in tests: a small HTTP server that remembers every call."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

#: How to answer one call: a status, or "drop" to cut the connection, or a coroutine to await first.
Script = int | str | Callable[[], Awaitable[None]]


@dataclass
class Call:
    """One call as it came in."""

    path: str
    body: dict[str, Any]
    raw: bytes
    headers: dict[str, str]

    @property
    def key(self) -> str:
        return self.headers["Idempotency-Key"]


@dataclass
class Service:
    """Answers 200 unless `script` says otherwise for the next call."""

    calls: list[Call] = field(default_factory=list)
    script: list[Script] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    _runner: web.AppRunner | None = None

    @property
    def effects(self) -> int:
        """How many different things were really done."""
        return len({call.key for call in self.calls})

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def called(self, times: int, timeout: float = 15.0) -> None:
        """Wait until so many calls have arrived."""
        async with asyncio.timeout(timeout), self.arrived:
            await self.arrived.wait_for(lambda: len(self.calls) >= times)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.calls.append(Call(request.path, await request.json(), raw, dict(request.headers)))
        async with self.arrived:
            self.arrived.notify_all()
        step = self.script.pop(0) if self.script else 200
        if callable(step):
            await step()
            step = 200
        if step == "drop":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        return web.json_response({"done": True, "n": len(self.calls)}, status=int(step), headers=self.headers)
