"""The whole set-up: the other side once per run, a fresh server on a fresh database for every round."""

import asyncio
import base64
import json
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.client import Client, make_keys
from benchmarks.databases import Place
from benchmarks.limits import Machine, machine_on
from benchmarks.policy import SECRET, SECRET_ENV, policy_text
from benchmarks.processes import SERVE, BenchmarkProblem, first_problem, free_port, last_errors, ready, running
from benchmarks.world import BOT_TOKEN, SIGNING_SECRET

_THREADS = 16
_DRAINS_WITHIN = 120.0
_LOOK_EVERY = 0.02


@dataclass(frozen=True)
class Site:
    """What every benchmark is handed. `threads` are [channel, thread_ts] the agent may post into."""

    place: Place
    session: aiohttp.ClientSession
    machine: Machine
    world: str
    slack_api_url: str
    threads: list[tuple[str, str]]
    encryption_key: str

    @asynccontextmanager
    async def server(self) -> AsyncIterator[Client]:
        """Run a server on a fresh database, known to the workspace as its app."""
        async with self.place.scratch() as database, self.prepared(database) as (client, settings):
            log = self.place.folder / "server.log"
            async with running(SERVE, settings, log) as process:
                await ready(client.url, process, log)
                await self._post("/server", {"url": client.url})
                try:
                    yield client
                except* BenchmarkProblem as problems:
                    raise BenchmarkProblem(f"{first_problem(problems)}\n{last_errors(log)}") from None

    @asynccontextmanager
    async def prepared(self, database: str) -> AsyncIterator[tuple[Client, dict[str, str]]]:
        """Make keys and policy; yields a client and the environment of a server still to be started."""
        keys, port = await make_keys(database, self.encryption_key), free_port()
        config = self.place.folder / f"countersign-{port}.toml"
        config.write_text(policy_text(self.world, [channel for channel, _ in self.threads]))
        yield Client(self.session, f"http://127.0.0.1:{port}", keys), self.settings(database, config, port)
        config.unlink()

    def settings(self, database: str, config: Path, port: int) -> dict[str, str]:
        """Return the environment of a server."""
        return {
            "COUNTERSIGN_DATABASE_URL": database, "COUNTERSIGN_CONFIG": str(config), "COUNTERSIGN_PORT": str(port),
            "COUNTERSIGN_ENCRYPTION_KEY": self.encryption_key, "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET, "SLACK_API_URL": self.slack_api_url, SECRET_ENV: SECRET,
        }  # fmt: skip

    async def click(self, marker: str, channel: str) -> dict[str, float | None]:
        """Have a person approve the card that holds `marker`; returns `ack`, `start` and `card` in seconds."""
        found: dict[str, float | None] = await self._post("/click", {"marker": marker, "channel": channel})
        if found["status"] != 200:
            raise BenchmarkProblem(f"The click was answered {found['status']}.")
        return found

    async def effects(self) -> int:
        """Return how many different calls have reached the service so far."""
        return int((await self._told())["effects"])

    async def carried_out(self, effects: int) -> None:
        """Wait until the service has seen so many different calls."""
        async with asyncio.timeout(_DRAINS_WITHIN):
            while await self.effects() < effects:  # noqa: ASYNC110 - it is in another process
                await asyncio.sleep(_LOOK_EVERY)

    async def check_manners(self) -> None:
        """Raise BenchmarkProblem where Slack would have refused anything the server sent."""
        if violations := (await self._told())["violations"]:
            raise BenchmarkProblem(f"Slack would have refused: {violations[0]}")

    async def _told(self) -> Any:
        async with self.session.get(f"{self.world}/told") as answer:
            return await answer.json()

    async def _post(self, path: str, body: Any) -> Any:
        async with self.session.post(self.world + path, json=body) as answer:
            if answer.status != 200:
                raise BenchmarkProblem(f"The other side answered {answer.status} to {path}.")
            return await answer.json()


@asynccontextmanager
async def open_site(place: Place) -> AsyncIterator[Site]:
    """Start the other side and open what all benchmarks share."""
    command = (sys.executable, "-m", "benchmarks.world", str(_THREADS))
    log = place.folder / "world.log"
    async with (
        running(command, {}, log, pipes=True) as world,
        place.scratch() as scratch,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        assert world.stdout is not None
        line = await world.stdout.readline()
        if not line:
            raise BenchmarkProblem(f"The other side did not start.\n{log.read_text()[-2000:]}")
        told = json.loads(line)
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        async with machine_on(session, told["url"], scratch) as machine:
            threads = [(channel, ts) for channel, ts in told["threads"]]
            yield Site(place, session, machine, told["url"], told["slack_api_url"], threads, key)
