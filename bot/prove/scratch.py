"""A scratch database of the kind that is configured: the configured one is never touched."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from storage.database import database_url, sqlite_path


@asynccontextmanager
async def scratch_database(configured: str, folder: Path) -> AsyncIterator[str]:
    """Give the URL of an empty database: a file in `folder`, or one beside the configured one on its PostgreSQL server.

    Raises SQLAlchemyError where the server does not let us create a database.
    """
    url = database_url(configured)
    if sqlite_path(url) is not None:
        yield f"sqlite:///{folder / 'prove.db'}"
        return
    name = f"countersign_prove_{secrets.token_hex(4)}"
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name}"))
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        async with engine.connect() as connection:
            await connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        await engine.dispose()
