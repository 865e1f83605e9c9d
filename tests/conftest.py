"""Shared fixtures: both databases, a clock that only moves when told, and a policy."""

import asyncio
import gc
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.policy import load_policy
from governance.policy import Policy
from storage.database import Database
from storage.opening import open_database
from tests import dialects, profiles
from tests.policies import POLICY
from tests.postgres import PostgresServer

profiles.load()
dialects.register()

ENCRYPTION_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def pytest_collection_finish() -> None:
    """What was imported stays: looking through it again and again for garbage took a tenth of the suite's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL of this test run's own."""
    server = PostgresServer.start(_migrate)
    yield server
    server.stop()


async def _migrate(url: str) -> None:
    await (await open_database(url, ENCRYPTION_KEY)).close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "countersign.db"
    asyncio.run(_migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    shutil.copy(sqlite_template, tmp_path / "countersign.db")
    return f"sqlite:///{tmp_path / 'countersign.db'}"


@pytest.fixture
def postgresql_url(postgres: PostgresServer) -> Iterator[str]:
    url = postgres.take()
    yield url
    postgres.give_back(url)


@pytest.fixture
def postgresql_urls(postgres: PostgresServer) -> Iterator[list[str]]:
    """Several fresh databases, for tests that run several servers."""
    urls = [postgres.take() for _ in range(3)]
    yield urls
    for url in urls:
        postgres.give_back(url)


@pytest.fixture
def new_sqlite(sqlite_template: Path, tmp_path: Path) -> Callable[[], str]:
    """Makes as many fresh, migrated files as a test needs."""

    def another() -> str:
        path = tmp_path / f"file{next(_NUMBERS)}.db"
        shutil.copy(sqlite_template, path)
        return f"sqlite:///{path}"

    return another


@pytest.fixture
def new_postgresql(postgres: PostgresServer) -> Iterator[Callable[[], str]]:
    """Makes as many fresh, migrated databases as a test needs."""
    made: list[str] = []

    def another() -> str:
        made.append(postgres.take())
        return made[-1]

    yield another
    for url in made:
        postgres.give_back(url)


_NUMBERS = iter(range(10**9))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, migrated database of either kind."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture
async def database(url: str, clock: Clock) -> AsyncIterator[Database]:
    opened = await open_database(url, ENCRYPTION_KEY, clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    path = tmp_path / "countersign.toml"
    path.write_text(POLICY)
    return load_policy(path, {"DEPLOY_SECRET": "whsec_QUJD"})


if sys.platform != "linux":  # pragma: no cover
    pytest.skip("the suite runs on Linux", allow_module_level=True)
