"""Two workspaces and one Countersign: each workspace installs the app by OAuth, and has an agent of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from bot.app import Server, build
from bot.settings import Settings
from bot.workspace import WorkspaceServer, demo_workspace
from bot.workspace.server import Seat
from operations.keys import create_key
from storage.tables import KeyKind
from tests.conftest import ENCRYPTION_KEY
from tests.policies import TOOLS, policy_text
from tests.service import Service
from tests.stack import ENVIRONMENT, SIGNING_SECRET, forget_applications

RED, BLUE, GREY = "T0RED", "T0BLUE", "T0GREY"
CLIENT_SECRET = "shh-client-secret"

_WORKSPACE = """
[[workspaces]]
team_id = "{team}"
approvals_channel = "C0APPROVALS"
admins = ["U0ADMIN"]
[[agents]]
id = "{agent}"
name = "{agent}"
creator = "U0ALICE"
workspace = "{team}"
scopes = ["deploy"]
"""


def tenants_text(target: str, *, by_token: bool = False) -> str:
    """A policy for two workspaces by OAuth, and one by token where asked for."""
    ours = policy_text(target) if by_token else TOOLS.replace("TARGET", target)
    extra = _WORKSPACE.format(team=RED, agent="red-bot") + _WORKSPACE.format(team=BLUE, agent="blue-bot")
    return ours + extra


@dataclass
class Tenants:
    """What a test drives: the server, and Slack with the workspaces red, blue and grey (which is not listed)."""

    server: Server
    slack: WorkspaceServer
    service: Service
    session: aiohttp.ClientSession
    url: str
    config: Path

    @property
    def database(self) -> Any:
        return self.server.office.database

    def seat(self, team: str) -> Seat:
        return next(seat for seat in self.slack.seats if seat.workspace.team_id == team)

    def token(self, team: str) -> str:
        return self.seat(team).workspace.app.bot_token

    async def begin(self, team: str | None = None) -> tuple[str, str]:
        """Open `/slack/install` in a browser; returns where it is sent, and the state that its cookie holds."""
        address = self.url + "/slack/install" + (f"?team={team}" if team else "")
        async with self.session.get(address, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            return answer.headers["Location"], answer.cookies["slack-app-oauth-state"].value

    async def agree(self, location: str, team: str) -> str:
        """Agree on Slack's page for a workspace; returns where the browser is sent back to."""
        consent = f"{location}&team={team}&user=U0ADMIN"
        async with self.session.get(consent, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            return answer.headers["Location"]

    async def back(self, address: str, state: str | None) -> tuple[int, str]:
        """Come back from Slack with a cookie."""
        headers = {"Cookie": f"slack-app-oauth-state={state}"} if state else {}
        async with self.session.get(address, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def install(self, team: str) -> tuple[int, str]:
        """Install the app in a workspace, from the first page to the last."""
        location, state = await self.begin()
        return await self.back(await self.agree(location, team), state)

    async def connected(self, team: str, is_connected: bool = True) -> None:
        """Wait until the server speaks to a workspace, or does not any more."""
        async with asyncio.timeout(30):
            while not self._is(team, is_connected):  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.01)

    def _is(self, team: str, connected: bool) -> bool:
        office = next(one for one in self.server.switchboard.offices() if one.tenant == team)
        return bool(office.identity.team_id) if connected else not office.is_connected

    async def agent(self, team: str) -> "TenantAgent":
        """A key of a workspace's agent."""
        name = {RED: "red-bot", BLUE: "blue-bot"}[team]
        key = await self.database.write(team, lambda tx: create_key(tx, KeyKind.AGENT, name))
        return TenantAgent(self, key[1])

    async def card(self, team: str, containing: str) -> Any:
        workspace = self.seat(team).workspace
        return await workspace.until(lambda: workspace.card("C0APPROVALS", containing), timeout=30)


@dataclass
class TenantAgent:
    """An agent of one workspace, calling the API."""

    tenants: Tenants
    secret: str

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.secret}"}
        address = f"{self.tenants.url}/api/v1{path}"
        async with self.tenants.session.request(method, address, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def propose(self, service: str) -> Any:
        body = {"tool": "deploy.production", "arguments": {"service": service}}
        status, told = await self.call("POST", "/proposals", body)
        assert status == 202, told
        return told


def state_in(address: str) -> str:
    """The state in a query."""
    return parse_qs(urlsplit(address).query)["state"][0]


def three_workspaces() -> WorkspaceServer:
    """Slack with the workspaces red, blue and grey, one app in all of them."""
    found = [
        demo_workspace(bot_token=f"xoxb-{team}-first", signing_secret=SIGNING_SECRET) for team in (RED, BLUE, GREY)
    ]
    for team, workspace in zip((RED, BLUE, GREY), found, strict=True):
        workspace.team_id, workspace.name, workspace.app.client_secret = team, f"Team {team}", CLIENT_SECRET
        for user in workspace.users.values():
            user.team_id = team
    slack = WorkspaceServer(found[0])
    for workspace in found[1:]:
        slack.add(workspace)
    return slack


@asynccontextmanager
async def tenants(url: str, folder: Path, *, by_token: bool = False, **settings: Any) -> AsyncIterator[Tenants]:
    """Start everything on free ports."""
    service, slack = Service(), three_workspaces()
    await service.start()
    await slack.start()
    config = folder / "countersign.toml"
    config.write_text(tenants_text(service.url, by_token=by_token))
    given = {
        "config": config, "database_url": url, "host": "127.0.0.1", "port": 0, "bot_token": "",
        "signing_secret": SIGNING_SECRET, "app_token": "", "slack_api_url": slack.api_url,
        "encryption_key": ENCRYPTION_KEY, "client_id": "client", "client_secret": CLIENT_SECRET,
    }  # fmt: skip
    try:
        server = await build(Settings(**{**given, **settings}), ENVIRONMENT)
    except BaseException:
        await slack.stop()
        await service.stop()
        raise
    await server.start()
    base = f"http://127.0.0.1:{server.port}"
    for seat in slack.seats:
        seat.workspace.app.request_url = f"{base}/slack/events"
        seat.workspace.app.redirect_uri = f"{base}/slack/oauth_redirect"
    session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
    try:
        yield Tenants(server, slack, service, session, base, config)
    finally:
        await session.close()
        await server.stop()
        await slack.stop()
        await service.stop()
        forget_applications()
    assert [seat.workspace.violations for seat in slack.seats] == [[], [], []]
