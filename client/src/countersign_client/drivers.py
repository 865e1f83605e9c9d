"""Carrying out what flows ask for: one driver for threads, one for asyncio, and nothing else in either."""

import asyncio
import random
import secrets
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx

from countersign_client.flow import Answer, Effect, Flow, Lost, Raised, Request, Returned, Run, Sleep, World

T = TypeVar("T")

#: The surroundings outside of tests.
WORLD = World(time.monotonic, time.time, random.random, lambda: secrets.token_hex(16))

#: The guarded function of a flow that has none is never asked for.
Function = Callable[[Run], Any]


def http_request(base: httpx.URL, request: Request) -> httpx.Request:
    """Return a request with its target exactly as it was signed; httpx would encode it its own way."""
    url = base.copy_with(raw_path=request.target.encode("ascii"))
    timeout = httpx.Timeout(request.timeout, connect=min(10.0, request.timeout)).as_dict()
    return httpx.Request(
        request.method, url, headers=dict(request.headers), content=request.body or None,
        extensions={"timeout": timeout},
    )  # fmt: skip


def _answer(response: httpx.Response) -> Answer:
    return Answer(response.status_code, dict(response.headers), response.content)


def _lost(error: httpx.TransportError) -> Lost:
    return Lost(f"{error}" or type(error).__name__)


class Threads:
    """Runs flows in the calling thread."""

    def __init__(self, url: str, client: httpx.Client | None = None) -> None:
        self.base, self._client, self._opening = httpx.URL(url), client, threading.Lock()
        self._is_ours = client is None

    @property
    def http(self) -> httpx.Client:
        """The connections, opened when they are first needed."""
        with self._opening:
            if self._client is None:
                self._client = httpx.Client()
            return self._client

    def run(self, flow: Flow[T], function: Function | None = None) -> T:
        """Run a flow to its end."""
        try:
            effect = next(flow)
            while True:
                effect = flow.send(self._carry_out(effect, function))
        except StopIteration as ended:
            value: T = ended.value
            return value

    def _carry_out(self, effect: Effect, function: Function | None) -> Any:
        if isinstance(effect, Request):
            return self._send(effect)
        if isinstance(effect, Sleep):
            return time.sleep(effect.seconds)
        assert function is not None
        try:
            return Returned(function(effect))
        except BaseException as error:  # noqa: BLE001 - the flow reports it and raises it again
            return Raised(error)

    def _send(self, request: Request) -> Answer | Lost:
        try:
            return _answer(self.http.send(http_request(self.base, request)))
        except httpx.TransportError as error:
            return _lost(error)

    def close(self) -> None:
        """Close the connections, unless they were handed in."""
        if self._client is not None and self._is_ours:
            self._client.close()


class Tasks:
    """Runs flows in asyncio."""

    def __init__(self, url: str, client: httpx.AsyncClient | None = None) -> None:
        self.base, self._client, self._is_ours = httpx.URL(url), client, client is None

    @property
    def http(self) -> httpx.AsyncClient:
        """The connections, opened when they are first needed."""
        if self._client is None:
            self._client = httpx.AsyncClient()
        return self._client

    async def run(self, flow: Flow[T], function: Callable[[Run], Awaitable[Any]] | None = None) -> T:
        """Run a flow to its end."""
        try:
            effect = next(flow)
            while True:
                effect = flow.send(await self._carry_out(effect, function))
        except StopIteration as ended:
            value: T = ended.value
            return value

    async def _carry_out(self, effect: Effect, function: Callable[[Run], Awaitable[Any]] | None) -> Any:
        if isinstance(effect, Request):
            return await self._send(effect)
        if isinstance(effect, Sleep):
            return await asyncio.sleep(effect.seconds)
        assert function is not None
        try:
            return Returned(await function(effect))
        except BaseException as error:  # noqa: BLE001 - the flow reports it and raises it again
            return Raised(error)

    async def _send(self, request: Request) -> Answer | Lost:
        try:
            return _answer(await self.http.send(http_request(self.base, request)))
        except httpx.TransportError as error:
            return _lost(error)

    async def close(self) -> None:
        """Close the connections, unless they were handed in."""
        if self._client is not None and self._is_ours:
            await self._client.aclose()
