"""The composition root: builds every part of a server and joins them; the one module that knows all."""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.aap.delivery import AT_ONCE as AAP_AT_ONCE
from bot.connectors.http import HttpConnector
from bot.connectors.mcp import McpConnector
from bot.connectors.own import OwnConnector
from bot.connectors.python import PythonConnector
from bot.dispatch import dispatch
from bot.doors import new_site
from bot.install import Installing, Keeper
from bot.office import TENANT, Office
from bot.office.fitness import warn_of_unfit_reviewers
from bot.policy import PolicyProblem, PolicySource, TenantPolicy
from bot.settings import Settings, check_for_workspaces
from bot.slack import PAUSE, SlackTrouble, new_client, new_session
from bot.switchboard import Branch, Switchboard
from bot.webhooks import AT_ONCE, Webhooks
from governance.policy import INTERNAL
from scheduler.execution import Executor
from scheduler.inbox import Inbox
from scheduler.loop import Loop
from scheduler.outbox import Outbox
from scheduler.ports import Connector
from scheduler.spending import SpendClock
from storage import audit
from storage.database import Database, Tx
from storage.opening import open_database

if TYPE_CHECKING:
    from bot.slack.sockets import Sockets

log = logging.getLogger(__name__)

_SLACK_RETRY = 5.0
_DRAIN = 10.0  # seconds that calls under way have to end


class Server:
    """One server process: API, Slack, loop. `start` returns once it answers; `stop` drains it."""

    def __init__(
        self, database: Database, policy: PolicySource, settings: Settings, environment: Mapping[str, str]
    ) -> None:
        self._database, self._policy, self._settings = database, policy, settings
        # Without a secret no request over HTTP can be genuine; a random one refuses them all.
        self._secret = settings.signing_secret or secrets.token_hex(32)
        self._to_slack: aiohttp.ClientSession | None = None
        self.switchboard = Switchboard(lambda: policy.tenants, self._open_branch)
        self._http, self._mcp = HttpConnector(environment, database.clock), McpConnector(environment, database.clock)
        self._oauth_client = new_client("", settings.slack_api_url)
        self._installing = Installing(database, settings, self._oauth_client, self._listed)
        self._keeper = Keeper(database, self.switchboard.offices)
        self.switchboard.on_disconnected = self._keeper.nudge
        handlers = self.switchboard.handlers()
        outbox, aap = Outbox(database, handlers), Outbox(database, handlers, lane="aap", at_once=AAP_AT_ONCE)
        executor = Executor(database, policy, self._connectors(environment))
        inbox, spending = Inbox(database, self.switchboard.answer), SpendClock(database, policy)
        self._webhooks = Webhooks(database, policy)
        webhooks = Outbox(database, self._webhooks.handlers(), lane="webhooks", at_once=AT_ONCE)
        self._loop = Loop(database, outbox, executor, inbox, spending, (webhooks, aap))
        site = new_site(self.switchboard, self._installing, self._secret)
        self._runner = web.AppRunner(site, access_log=None, shutdown_timeout=_DRAIN, auto_decompress=False)
        self._background: list[asyncio.Task[None]] = []
        self._sockets: Sockets | None = None

    @property
    def office(self) -> Office:
        """The office of the workspace that is named first, which speaks for the process."""
        return self.switchboard.main.office

    def _listed(self) -> tuple[str, ...]:
        """Return the workspaces that may install the app."""
        return tuple(tenant for tenant in self._policy.tenants if tenant != TENANT)

    def _open_branch(self, tenant: str) -> Branch:
        """Open an office; all of them share the connections to Slack."""
        token = self._settings.bot_token if tenant == TENANT else ""
        client = new_client(token, self._settings.slack_api_url)
        client.session = self._to_slack
        return Branch(Office(self._database, TenantPolicy(self._policy, tenant), client, tenant=tenant), self._secret)

    def _connectors(self, environment: Mapping[str, str]) -> dict[str, Connector]:
        """Return what runs each kind of tool; calls of the kind `agent` are run by whoever proposed them."""
        return {
            "http": self._http,
            "mcp": self._mcp,
            "python": PythonConnector(environment),
            INTERNAL: OwnConnector(self._database, self._policy),
        }

    async def start(self) -> None:
        """Listen, tick, and get to know Slack in the background. Where that fails everything is closed again."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        self._to_slack = new_session()
        for client in (self._oauth_client, *(office.client for office in self.switchboard.offices())):
            client.session = self._to_slack
        if self._database.notices is not None:
            await self._database.notices.start()
        await self._keeper.start()
        await self._record_policy()
        await self._runner.setup()
        await web.TCPSite(self._runner, self._settings.host, self._settings.port).start()
        self._loop.start()
        self._speak_slack()

    def _speak_slack(self) -> None:
        """Begin to speak to Slack, or say why not."""
        settings = self._settings
        self._meet_by_token()
        if self._listed() and self._installing.problem is not None:
            log.warning("nobody can install the app by OAuth: %s", self._installing.problem)
        if settings.app_token and (settings.speaks_slack or self._listed()):
            self._sockets = self._new_sockets()
            self._sockets.start()

    def _meet_by_token(self) -> None:
        """Get to know the workspace that is connected by token, where there is one."""
        by_token, has_token = self.office.tenant == TENANT, self._settings.speaks_slack
        if by_token and has_token:
            self._background.append(asyncio.create_task(self._meet_slack(self.office), name="meet slack"))
        elif by_token:
            self.office.identity.trouble = "SLACK_BOT_TOKEN is not set"
            log.warning(
                "SLACK_BOT_TOKEN is not set: no cards are posted, and only offline_deciders can decide, over the API"
            )
        elif has_token:
            log.warning("SLACK_BOT_TOKEN is set, but countersign.toml has no [slack] for its workspace: it is not used")

    def _new_sockets(self) -> "Sockets":
        from bot.slack.sockets import Sockets  # only where it is used

        async def answering(request: AsyncBoltRequest) -> BoltResponse:
            return await dispatch(self.switchboard, request)

        return Sockets(self._oauth_client, self._settings.app_token, answering, self._settings.socket_connections)

    @property
    def port(self) -> int:
        """The port it listens on, also where the settings said 0."""
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Take no new calls, let running ones finish, close everything; a second time does nothing."""
        self._database.signals.close()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._keeper.stop()
        if self._sockets is not None:
            await self._sockets.stop()
        await self._runner.cleanup()
        await asyncio.gather(*(office.rest(_DRAIN) for office in self.switchboard.offices()))
        await self._loop.stop()
        await self._http.close()
        await self._webhooks.close()
        await self._mcp.close()
        if self._to_slack is not None:
            await self._to_slack.close()
        await self._database.close()

    async def reload_policy(self) -> None:
        """Read countersign.toml again; a mistake is logged and the old policy stays in force."""
        try:
            self._policy.reload()
        except PolicyProblem as problem:
            log.error("the policy was not reloaded, the old one stays in force:\n%s", problem)
            return
        before = self.office
        self.switchboard.follow()
        if self.office is not before:
            self._meet_by_token()
        self._keeper.nudge()
        await self._record_policy()
        log.info("policy %s is in force", self._policy.hash[:12])

    async def _record_policy(self) -> None:
        policy_hash = self._policy.hash

        async def record(tx: Tx) -> None:
            await audit.record(tx, "policy.loaded", "system", detail={"hash": policy_hash})

        for tenant in self._policy.tenants:
            await self._database.write(tenant, record)

    async def _meet_slack(self, office: Office) -> None:
        """Learn who we are; try again until Slack answers, and whenever it takes our token no more."""
        said = None
        while True:
            try:
                identity = await office.identify()
            except SlackTrouble as trouble:
                if trouble.error != said:
                    log.warning("Slack does not answer (%s); trying again every %d s", trouble.error, _SLACK_RETRY)
                said = trouble.error
                await asyncio.sleep(_SLACK_RETRY)
            else:
                log.info("connected to Slack team %s at %s", identity.team_id, identity.url)
                break
        try:
            await warn_of_unfit_reviewers(office)
        except SlackTrouble as trouble:
            log.info("whether everybody the policy names may decide was not looked up (%s)", trouble.error)
        while True:
            await asyncio.sleep(PAUSE.total_seconds())
            await office.connection.probe(office.client.auth_test)


async def build(settings: Settings, environment: Mapping[str, str], *, migrate: bool = True) -> Server:
    """Open what a server needs and build it. Raises PolicyProblem, SettingProblem, SchemaProblem, KeyProblem
    or ValueError."""
    policy = PolicySource(settings.config, environment)
    check_for_workspaces(settings, policy.tenants)
    database = await open_database(settings.database_url, settings.encryption_key, migrate=migrate)
    return Server(database, policy, settings, environment)
