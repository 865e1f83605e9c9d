"""Putting the demo together: everything real but Slack, in one process on neighbouring ports."""

import asyncio
import base64
import secrets
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import click

from bot.app import Server, build
from bot.demo.agent import Agent
from bot.demo.automations import DIGGER, Digger
from bot.demo.releases import ReleaseService
from bot.office import TENANT
from bot.settings import Settings
from bot.workspace import WorkspaceServer, demo_workspace
from operations.keys import create_key
from storage.tables import KeyKind

_HOST = "127.0.0.1"
_POLICY = Path(__file__).parent / "countersign.toml"

_WELCOME = """
Countersign runs at {page}

  You are Bob, a reviewer, in #approvals. The agent Shipper asks to deploy: look at the card, press Approve, and watch
  the release service on the right change. The database migration needs two people: approve as Bob, then become Carol.
  Be Mallory to be refused, or Alice to read what her agent did.

  Within half a minute Digger reaches its weekly cap: be Dana, the admin, approve the quota override, and its paused run
  goes on. Then an automation is about to expire: reject “Retire Compare prices” with a reason, and it goes on.
  /spend, /grants and /automations tell the rest, as does Alice's Home tab.

  API  {api}/api/v1    release service  {releases}    press Ctrl-C to stop
"""


class Demo:
    """The running demo. Port 0 picks free ports; a `pace` below 1 lets its recurring work hurry."""

    def __init__(self, port: int = 0, pace: float = 1.0) -> None:
        self._pace = pace
        self._port, self._folder = port, tempfile.TemporaryDirectory(prefix="countersign-demo-")
        self._secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
        self._signing_secret = secrets.token_hex(16)
        self.releases = ReleaseService(self._secret, _HOST, self._neighbour(2))
        self.slack: WorkspaceServer
        self.server: Server
        self._opened = AsyncExitStack()

    @property
    def page(self) -> str:
        """The address to open, as Bob in #approvals."""
        return f"{self.slack.url}/#as=U0BOB&in=C0APPROVALS"

    @property
    def api(self) -> str:
        """The server's address."""
        return f"http://{_HOST}:{self.server.port}"

    async def start(self) -> None:
        """Start service, workspace, server and agent, in that order. Where one fails the others are stopped."""
        async with AsyncExitStack() as opened:
            await self._start(opened)
            self._opened = opened.pop_all()

    async def _start(self, opened: AsyncExitStack) -> None:
        opened.callback(self._folder.cleanup)
        opened.push_async_callback(self.releases.stop)
        await self.releases.start()
        workspace = demo_workspace(signing_secret=self._signing_secret)
        self.slack = WorkspaceServer(workspace, _HOST, self._port, panel=("Release service", f"{self.releases.url}/"))
        opened.push_async_callback(self.slack.stop)
        await self.slack.start()
        self.server = await build(self._settings(), {"RELEASES_SECRET": self._secret})
        await self.server.start()
        opened.push_async_callback(self.server.stop)
        workspace.app.request_url = f"{self.api}/slack/events"
        _, key = await self.server.office.database.write(TENANT, lambda tx: create_key(tx, KeyKind.AGENT, "shipper"))
        asked = await self.slack.say("U0ALICE", "C0DEPLOYS", "Shipper, please bring the new checkout to production.")
        thread = {"channel": "C0DEPLOYS", "thread_ts": asked.ts}
        agent = asyncio.create_task(Agent(self.api, key).work(thread), name="sample agent")
        opened.push_async_callback(_end, agent)
        _, key = await self.server.office.database.write(TENANT, lambda tx: create_key(tx, KeyKind.AGENT, DIGGER))
        digger = asyncio.create_task(
            Digger(self.api, key, self.releases.state, self._pace).work(), name="recurring work"
        )
        opened.push_async_callback(_end, digger)

    async def stop(self) -> None:
        """Stop everything and forget it."""
        await self._opened.aclose()

    def _neighbour(self, distance: int) -> int:
        return self._port + distance if self._port else 0

    def _settings(self) -> Settings:
        folder = Path(self._folder.name)
        config = folder / "countersign.toml"
        config.write_text(_POLICY.read_text().replace("{{RELEASES}}", self.releases.url))
        return Settings(
            config=config, database_url=f"sqlite:///{folder / 'countersign.db'}", host=_HOST, port=self._neighbour(1),
            bot_token=self.slack.workspace.app.bot_token, signing_secret=self._signing_secret, app_token="",
            slack_api_url=self.slack.api_url, encryption_key="",
        )  # fmt: skip


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def run_demo(port: int) -> None:
    """Run the demo until Ctrl-C."""
    demo = Demo(port)
    await demo.start()
    click.echo(_WELCOME.format(page=demo.page, api=demo.api, releases=demo.releases.url))
    try:
        await asyncio.Event().wait()
    finally:
        await demo.stop()
