"""What the tests of this folder share besides the databases."""

import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.connectors.http import HttpConnector
from tests.conftest import Clock
from tests.integration.verbs import SECRETS
from tests.integration.wire import Wire
from tests.postgres import PostgresServer, named
from tests.service import Service

_NUMBERS = itertools.count()


@pytest.fixture
def empty_postgresql_url(postgres: PostgresServer) -> str:
    """A PostgreSQL database in which there is nothing yet."""
    name = f"empty{next(_NUMBERS)}"
    postgres.run(f"CREATE DATABASE {name}")
    return named(postgres.uri, name)


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """A file that is not there yet."""
    return f"sqlite:///{tmp_path / 'empty' / 'countersign.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of either kind."""
    found: str = request.getfixturevalue(f"empty_{request.param}_url")
    return found


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """The real service that approved calls reach."""
    running = Service()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """A server that answers exactly the bytes it is told."""
    async with Wire() as running:
        yield running


@pytest.fixture
async def http_connector(clock: Clock) -> AsyncIterator[HttpConnector]:
    """The connector as the server builds it."""
    connector = HttpConnector(SECRETS, clock)
    yield connector
    await connector.close()


@pytest.fixture
def fresh(request: pytest.FixtureRequest, url: str) -> Callable[[], str]:
    """Makes an empty, migrated database for every example."""
    if url.startswith("sqlite"):
        another: Callable[[], str] = request.getfixturevalue("new_sqlite")
        return another
    server: PostgresServer = request.getfixturevalue("postgres")

    def emptied() -> str:
        assert server.wipe(url)
        return url

    return emptied
