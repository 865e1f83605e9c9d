"""The composition root: builds every part of a server and joins them; the one module that knows all."""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import web

from bot.connectors.http import HttpConnector
from bot.connectors.mcp import McpConnector
from bot.connectors.own import OwnConnector
from bot.connectors.python import PythonConnector
from bot.delivery import Delivery
from bot.doors import new_bolt, new_site
from bot.office import Office
from bot.policy import PolicyProblem, PolicySource
from bot.settings import Settings
from bot.slack import PAUSE, SlackTrouble, new_client, share_connections
from governance.policy import INTERNAL
from scheduler.execution import Executor
from scheduler.loop import Loop
from scheduler.outbox import Outbox
from scheduler.ports import Connector
from storage import audit
from storage.database import Tx
from storage.opening import open_database

log = logging.getLogger(__name__)

_SLACK_RETRY = 5.0
_DRAIN = 10.0  # seconds that calls under way have to end


class Server:
    """One server process: API, Slack, loop. `start` returns once it answers; `stop` drains it."""

    def __init__(self, office: Office, settings: Settings, environment: Mapping[str, str]) -> None:
        self.office, self._settings = office, settings
        database = office.database
        self._http, self._mcp = HttpConnector(environment, database.clock), McpConnector(environment, database.clock)
        delivery = Delivery(office)
        handlers = delivery.handlers() if settings.speaks_slack else delivery.held_back()
        outbox = Outbox(database, handlers)
        self._loop = Loop(database, outbox, Executor(database, office.policy, self._connectors(environment)))
        # Without a secret no request over HTTP can be genuine; a random one refuses them all.
        secret = settings.signing_secret or secrets.token_hex(32)
        self._bolt = new_bolt(office, secret)
        self._runner = web.AppRunner(
            new_site(office, self._bolt, secret), access_log=None, shutdown_timeout=_DRAIN, auto_decompress=False
        )
        self._background: list[asyncio.Task[None]] = []
        self._socket: Any = None
        self._to_slack: aiohttp.ClientSession | None = None

    def _connectors(self, environment: Mapping[str, str]) -> dict[str, Connector]:
        """Return what runs each kind of tool; calls of the kind `agent` are run by whoever proposed them."""
        return {
            "http": self._http,
            "mcp": self._mcp,
            "python": PythonConnector(environment),
            INTERNAL: OwnConnector(self.office.database, self.office.policy),
        }

    async def start(self) -> None:
        """Listen, tick, and get to know Slack in the background. Where that fails everything is closed again."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        self._to_slack = share_connections(self.office.client)
        await self._record_policy()
        await self._runner.setup()
        await web.TCPSite(self._runner, self._settings.host, self._settings.port).start()
        self._loop.start()
        if self._settings.speaks_slack:
            self._background.append(asyncio.create_task(self._meet_slack(), name="meet slack"))
        else:
            self.office.identity.trouble = "SLACK_BOT_TOKEN is not set"
            log.warning(
                "SLACK_BOT_TOKEN is not set: no cards are posted, and only offline_deciders can decide, over the API"
            )

    @property
    def port(self) -> int:
        """The port it listens on, also where the settings said 0."""
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Take no new calls, let running ones finish, close everything; a second time does nothing."""
        self.office.database.signals.close()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close_async()
        await self._runner.cleanup()
        await self._loop.stop()
        await self._http.close()
        await self._mcp.close()
        if self._to_slack is not None:
            await self._to_slack.close()
        await self.office.database.close()

    async def reload_policy(self) -> None:
        """Read countersign.toml again; a mistake is logged and the old policy stays in force."""
        try:
            self.office.policy.reload()
        except PolicyProblem as problem:
            log.error("the policy was not reloaded, the old one stays in force:\n%s", problem)
            return
        await self._record_policy()
        log.info("policy %s is in force", self.office.policy.current.hash[:12])

    async def _record_policy(self) -> None:
        policy_hash = self.office.policy.current.hash

        async def record(tx: Tx) -> None:
            await audit.record(tx, "policy.loaded", "system", detail={"hash": policy_hash})

        await self.office.database.write(self.office.tenant, record)

    async def _meet_slack(self) -> None:
        """Learn who we are, and connect the socket in Socket Mode; try again until Slack answers, and whenever it
        takes our token no more."""
        said = None
        while True:
            try:
                identity = await self.office.identify()
                await self._connect_socket()
            except SlackTrouble as trouble:
                if trouble.error != said:
                    log.warning("Slack does not answer (%s); trying again every %d s", trouble.error, _SLACK_RETRY)
                said = trouble.error
                await asyncio.sleep(_SLACK_RETRY)
            else:
                log.info("connected to Slack team %s at %s", identity.team_id, identity.url)
                break
        while True:
            await asyncio.sleep(PAUSE.total_seconds())
            await self.office.connection.probe(self.office.client.auth_test)

    async def _connect_socket(self) -> None:
        if not self._settings.app_token:
            return
        from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler  # only where it is used

        self._socket = AsyncSocketModeHandler(self._bolt, self._settings.app_token, web_client=self.office.client)
        await self._socket.connect_async()


async def build(settings: Settings, environment: Mapping[str, str], *, migrate: bool = True) -> Server:
    """Open what a server needs and build it. Raises PolicyProblem, SchemaProblem, KeyProblem or ValueError."""
    policy = PolicySource(settings.config, environment)
    database = await open_database(settings.database_url, settings.encryption_key, migrate=migrate)
    office = Office(database, policy, new_client(settings.bot_token, settings.slack_api_url))
    return Server(office, settings, environment)
