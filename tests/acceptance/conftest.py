"""The whole product in one process, for each database, and the parts of it that some tests drive by hand."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.workspace import WorkspaceServer, demo_workspace
from storage.database import Database
from storage.tables import KeyKind
from tests.conftest import Clock
from tests.integration.calls import Key
from tests.integration.desk import Desk
from tests.integration.wound import WoundClock
from tests.stack import Stack, start_stack, stop_stack
from tests.tenants import BLUE, RED, Tenants, tenants


@pytest.fixture
def wound() -> WoundClock:
    return WoundClock()


@pytest.fixture
def stack_options() -> dict[str, Any]:
    """What `start_stack` is told besides; a file whose stack shall be another one overrides this."""
    return {}


@pytest.fixture
async def stack(url: str, tmp_path: Path, stack_options: dict[str, Any]) -> AsyncIterator[Stack]:
    running = await start_stack(url, tmp_path, **stack_options)
    yield running
    await stop_stack(running)


@pytest.fixture
async def admin(stack: Stack) -> Key:
    return await stack.key(KeyKind.OPERATOR, "U0ADMIN")


@pytest.fixture
async def bob(stack: Stack) -> Key:
    return await stack.key(KeyKind.OPERATOR, "U0BOB")


@pytest.fixture
async def desk(database: Database, clock: Clock, tmp_path: Path) -> AsyncIterator[Desk]:
    """The office, the loops and the workspace without a server, moved on by the test itself."""
    async with WorkspaceServer(demo_workspace()) as slack:
        yield Desk(database, clock, slack, tmp_path / "desk.toml")
        assert slack.workspace.violations == []


@pytest.fixture
async def place(url: str, tmp_path: Path) -> AsyncIterator[Tenants]:
    """One server for two workspaces, both connected."""
    async with tenants(url, tmp_path) as running:
        for team in (RED, BLUE):
            await running.install(team)
            await running.connected(team)
        yield running
