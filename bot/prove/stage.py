"""Putting the proof together: a scratch database, the effects, a workspace, and the server as a child process."""

import base64
import json
import secrets
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from bot.office import TENANT
from bot.prove.callers import Api
from bot.prove.child import Child
from bot.prove.effects import Effects
from bot.prove.scratch import scratch_database
from bot.workspace import Channel, WorkspaceServer, demo_workspace
from operations.keys import create_key
from storage.database import Database
from storage.opening import open_database
from storage.tables import KeyKind

_POLICY = Path(__file__).parent / "countersign.toml"
APPROVALS = "C0APPROVALS"
PEOPLE = ("U0BOB", "U0CAROL", "U0ADMIN")  #: who may decide


class Stage:
    """Everything a proof drives. `channels` counts the approvals channel."""

    def __init__(self, database_url: str, channels: int, seed: int) -> None:
        self._configured, self._seed = database_url, seed
        self.work_channels = [f"C0WORK{number}" for number in range(1, channels)]
        self.effects = Effects(seed)
        self.slack: WorkspaceServer
        self.child: Child
        self.api: Api
        self.database: Database
        self.keys: dict[str, tuple[str, str]] = {}
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> "Stage":
        async with AsyncExitStack() as opened:
            await self._start(opened)
            self._opened = opened.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()

    async def _start(self, opened: AsyncExitStack) -> None:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="countersign-prove-")))
        url = await opened.enter_async_context(scratch_database(self._configured, folder))
        await self.effects.start()
        opened.push_async_callback(self.effects.stop)
        await self._start_workspace(opened)
        self.child = Child(folder, self._settings(folder, url))
        opened.push_async_callback(self.child.stop)
        self.database = await open_database(url, self.child.encryption_key)
        opened.push_async_callback(self.database.close)
        session = await opened.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)))
        _, secret = await self.database.write(TENANT, lambda tx: create_key(tx, KeyKind.AGENT, "prover"))
        self.api = Api(self.child, session, secret)
        for person in PEOPLE:
            await self._give_key(person)
        self.slack.workspace.app.request_url = f"{self.child.url}/slack/events"
        await self.child.start()

    async def _start_workspace(self, opened: AsyncExitStack) -> None:
        workspace = demo_workspace(signing_secret=secrets.token_hex(16))
        everybody = list(workspace.channels[APPROVALS].members)
        for channel in self.work_channels:
            workspace.add_channel(Channel(channel, channel.lower(), everybody))
        self.slack = WorkspaceServer(workspace)
        await self.slack.start()
        opened.push_async_callback(self.slack.stop)

    async def _give_key(self, person: str) -> None:
        key, secret = await self.database.write(TENANT, lambda tx: create_key(tx, KeyKind.OPERATOR, person))
        self.keys[person] = (key.id, secret)

    def _settings(self, folder: Path, url: str) -> dict[str, str]:
        config, app = folder / "countersign.toml", self.slack.workspace.app
        channels = json.dumps(self.work_channels)[1:-1]
        config.write_text(
            _POLICY.read_text().replace("{{EFFECTS}}", self.effects.url).replace("{{CHANNELS}}", channels)
        )
        return {
            "COUNTERSIGN_CONFIG": str(config), "COUNTERSIGN_DATABASE_URL": url, "SLACK_BOT_TOKEN": app.bot_token,
            "SLACK_SIGNING_SECRET": app.signing_secret, "SLACK_API_URL": self.slack.api_url,
            "PROVE_SECRET": "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode(),
        }  # fmt: skip
