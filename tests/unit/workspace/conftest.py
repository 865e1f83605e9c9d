"""A workspace whose clock stands still, its server, and an app that hears of everything."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import WorkspaceServer, demo_workspace
from tests.unit.workspace.app import Clock, listening


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def workspace(clock):
    return demo_workspace(now=clock)


@pytest.fixture
def server_options():
    """What the server is told besides; a file whose server shall be another one overrides this."""
    return {}


@pytest.fixture
async def server(workspace, server_options):
    async with WorkspaceServer(workspace, **server_options) as server:
        yield server


@pytest.fixture
async def app(workspace):
    async with listening(workspace) as app:
        yield app


@pytest.fixture
def client(server):
    return AsyncWebClient(token="xoxb-demo", base_url=server.api_url, retry_handlers=[])
