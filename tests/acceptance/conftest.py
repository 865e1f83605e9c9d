"""The whole product in one process, for each database, and the parts of it that some tests drive by hand."""

import shutil
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.workspace import WorkspaceServer, demo_workspace
from countersign_client import Gate
from storage.database import Database
from storage.tables import KeyKind
from tests import profiles
from tests.acceptance.beside import Beside, running_beside
from tests.conftest import Clock
from tests.integration.calls import Key
from tests.integration.desk import Desk
from tests.integration.wound import WoundClock
from tests.stack import Stack, start_stack, stop_stack
from tests.tenants import BLUE, RED, Tenants, tenants

_DATABASES = ("sqlite", "postgresql")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test here one of the two databases by its name, half of them each; a thorough run, and what is marked
    `both_databases` because the database is its point, gets both. What a verb does on either is shown below, in
    tests/integration, which always runs on both."""
    if "url" not in metafunc.fixturenames or "url" in vars(metafunc.module):
        return  # or its file has chosen
    both = profiles.is_thorough() or metafunc.definition.get_closest_marker("both_databases") is not None
    chosen = _DATABASES[zlib.crc32(metafunc.definition.nodeid.encode()) % 2]
    if not any(mark.args[0] == "url" for mark in metafunc.definition.iter_markers("parametrize")):
        metafunc.parametrize("url", _DATABASES if both else [chosen], indirect=True)


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, migrated database, of the kind that is the test's turn."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


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


@pytest.fixture(scope="module")
def beside(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    """One server for a file whose tests are clients that wait: it runs in a thread of its own."""
    folder = tmp_path_factory.mktemp("beside")
    shutil.copy(sqlite_template, folder / "countersign.db")
    with running_beside(f"sqlite:///{folder / 'countersign.db'}", folder) as running:
        yield running


@pytest.fixture
def gate(beside: Beside) -> Iterator[Gate]:
    with Gate(beside.url, beside.key) as open_gate:
        yield open_gate
