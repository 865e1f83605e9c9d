"""`countersign serve` as a process of its own that can be killed, on one database and port."""

import asyncio
import base64
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import aiohttp

_START = 60.0  # seconds that a machine under load may need


class Child:
    """One server process after another. `up` is set while one answers."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.port, self.up = _free_port(), asyncio.Event()
        self.killed_at: list[float] = []  #: in seconds of the monotonic clock
        self.encryption_key = base64.b64encode(secrets.token_bytes(32)).decode()
        self.environment = {
            **os.environ, **settings, "COUNTERSIGN_HOST": "127.0.0.1", "COUNTERSIGN_PORT": str(self.port),
            "COUNTERSIGN_ENCRYPTION_KEY": self.encryption_key, "SLACK_APP_TOKEN": "",
        }  # fmt: skip
        self._folder, self._log = folder, folder / "serve.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """The end of what the processes logged."""
        return self._log.read_text()[-3000:] if self._log.exists() else ""

    async def start(self) -> None:
        """Start a process and wait until it answers. Raises RuntimeError with the end of its log where it does not."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "serve", env=self.environment, cwd=self._folder,
                stdout=asyncio.subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
        try:
            async with asyncio.timeout(_START), aiohttp.ClientSession() as session:
                await self._wait_for(session)
        except TimeoutError:
            raise RuntimeError(f"the server did not start:\n{self.log}") from None
        self.up.set()

    async def kill(self) -> None:
        """Kill it where it stands."""
        self.up.clear()
        self.killed_at.append(time.monotonic())
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to stop and wait until it has."""
        self.up.clear()
        await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(how)
            await self._process.wait()

    async def _wait_for(self, session: aiohttp.ClientSession) -> None:
        while True:
            if await self._answers(session):
                return
            await asyncio.sleep(0.05)

    async def _answers(self, session: aiohttp.ClientSession) -> bool:
        if self._process is not None and self._process.returncode is not None:
            raise RuntimeError(f"the server stopped:\n{self.log}")
        try:
            async with session.get(f"{self.url}/healthz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


def _free_port() -> int:
    """Return a port that is free and stays so while the server is down: none of those that are given out at random."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
