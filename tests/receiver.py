"""A real receiver of webhooks: it keeps every call, verifies it by the published rules, and answers by its script."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

#: How to answer one call: a status, a status with headers, or a coroutine to await before 200.
Step = int | tuple[int, dict[str, str]] | Callable[[], Awaitable[None]]


@dataclass
class Told:
    """One call as it came in."""

    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def timestamp(self) -> int:
        return int(self.headers["webhook-timestamp"])

    def is_signed_by(self, secret: str) -> bool:
        """Verify as Standard Webhooks says: any of the signatures may be the right one."""
        assert secret.startswith("whsec_")
        key = base64.b64decode(secret[len("whsec_") :])
        assert len(key) == 32
        content = self.id.encode() + b"." + self.headers["webhook-timestamp"].encode() + b"." + self.raw
        expected = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
        given = [one.split(",", 1) for one in self.headers["webhook-signature"].split(" ")]
        assert {version for version, _ in given} == {"v1"}
        return expected in [signature for _, signature in given]


@dataclass
class Receiver:
    """Answers 200 unless `script` says otherwise for the next call."""

    calls: list[Told] = field(default_factory=list)
    script: list[Step] = field(default_factory=list)
    always: Step = 200
    port: int = 0
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def kinds(self) -> list[str]:
        return [one.body["type"] for one in self.calls]

    @property
    def places(self) -> list[int]:
        return [one.body["data"]["id"] for one in self.calls]

    async def __aenter__(self) -> "Receiver":
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def until(self, holds: Callable[[], bool], timeout: float = 15.0) -> None:
        """Wait until the calls are as they should be."""
        async with asyncio.timeout(timeout), self.arrived:
            await self.arrived.wait_for(holds)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(Told({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        async with self.arrived:
            self.arrived.notify_all()
        step = self.script.pop(0) if self.script else self.always
        if callable(step):
            await step()
            step = 200
        status, headers = step if isinstance(step, tuple) else (step, {})
        return web.Response(status=status, headers=headers, text="thank you")
