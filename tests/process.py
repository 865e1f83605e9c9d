"""`countersign serve` as a real process that can be killed."""

import asyncio
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.conftest import ENCRYPTION_KEY
from tests.policies import policy_text
from tests.stack import ENVIRONMENT, SIGNING_SECRET

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class ServeProcess:
    """One server process after another on the same database, port and policy."""

    folder: Path
    database_url: str
    slack_api_url: str
    service_url: str
    app_token: str = ""
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        config = self.folder / "countersign.toml"
        if not config.exists():
            config.write_text(policy_text(self.service_url))
        slack = {"SLACK_APP_TOKEN": self.app_token} if self.app_token else {"SLACK_SIGNING_SECRET": SIGNING_SECRET}
        return {
            **os.environ, **ENVIRONMENT, **slack, "COUNTERSIGN_CONFIG": str(config), "COUNTERSIGN_HOST": "127.0.0.1",
            "COUNTERSIGN_PORT": str(self.port), "COUNTERSIGN_DATABASE_URL": self.database_url,
            "COUNTERSIGN_ENCRYPTION_KEY": ENCRYPTION_KEY, "SLACK_BOT_TOKEN": "xoxb-demo",
            "SLACK_API_URL": self.slack_api_url, "PYTHONPATH": str(ROOT),
        }  # fmt: skip

    async def cli(self, *words: str) -> tuple[int, str, str]:
        """Run another command of the same installation; returns exit code, output and errors."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", *words, env=self.environment, cwd=self.folder,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await process.communicate()
        return process.returncode or 0, output.decode(), errors.decode()

    async def agent_key(self) -> str:
        code, output, errors = await self.cli("keys", "create", "--agent", "deployer", "--json")
        assert code == 0, errors
        secret: str = json.loads(output)["secret"]
        return secret

    async def start(self) -> "ServeProcess":
        """Start and wait until it says that it listens."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "serve", env=self.environment, cwd=self.folder,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stderr is not None
        said = b""
        while b"listening on" not in said:
            line = await asyncio.wait_for(self.process.stderr.readline(), 60)
            assert line, f"the server stopped: {said.decode()[-2000:]}"
            said += line
        self._rest = asyncio.create_task(self.process.stderr.read())
        return self

    async def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()
        await self._rest

    async def stop(self) -> str:
        """SIGTERM; returns what it said on its way."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(self.process.wait(), 30)
        return (await self._rest).decode()


async def propose(url: str, secret: str, tool: str = "deploy.production", **arguments: Any) -> dict[str, Any]:
    """Propose a call over HTTP."""
    body = {"tool": tool, "arguments": arguments or {"service": "checkout"}}
    headers = {"Authorization": f"Bearer {secret}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{url}/api/v1/proposals", json=body) as answer,
    ):
        told: dict[str, Any] = await answer.json()
        return told


async def settled(url: str, secret: str, proposal_id: str, seconds: float = 60) -> dict[str, Any]:
    """Wait until a proposal is neither pending nor allowed."""
    headers = {"Authorization": f"Bearer {secret}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{url}/api/v1/proposals/{proposal_id}", params={"wait": str(seconds)}) as answer,
    ):
        told: dict[str, Any] = await answer.json()
        return told
