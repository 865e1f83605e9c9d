"""The schema: what the migrations build is what the tables say, and every process agrees on whose it is."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

import storage.migrations
from storage.database import Database, database_url
from storage.migrations import HEAD
from storage.opening import SchemaProblem, open_database
from storage.tables import metadata
from tests.conftest import ENCRYPTION_KEY
from tests.integration.verbs import sql

ROOT = Path(storage.migrations.__file__).parent


def test_the_head_in_the_code_is_the_head_of_the_scripts() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_the_migrations_build_what_the_tables_say(database: Database) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, metadata))

    async with database.writer.connect() as connection:
        assert await connection.run_sync(differences) == []


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_and_empty(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The URLs of two databases of one kind."""
    (tmp_path / "empty").mkdir()
    return request.getfixturevalue(f"{request.param}_url"), request.getfixturevalue(f"empty_{request.param}_url")


async def test_migrated_tables_have_the_indexes_keys_and_checks_of_fresh_ones(
    migrated_and_empty: tuple[str, str],
) -> None:
    shapes = []
    for url, statement in zip(migrated_and_empty, (None, metadata.create_all), strict=True):
        engine = create_async_engine(database_url(url))
        async with engine.begin() as connection:
            await connection.run_sync(statement or (lambda _: None))
            shapes.append({table: await connection.run_sync(shape, table) for table in metadata.tables})
        await engine.dispose()
    assert shapes[0] == shapes[1]


def shape(connection: Connection, table: str) -> dict[str, Any]:
    """Everything the database itself says about a table."""
    found = inspect(connection)
    where = "sqlite_where" if connection.dialect.name == "sqlite" else "postgresql_where"
    return {
        "columns": {one["name"]: (str(one["type"]), one["nullable"]) for one in found.get_columns(table)},
        "key": found.get_pk_constraint(table)["constrained_columns"],
        "foreign": sorted(
            str((one["constrained_columns"], one["referred_table"])) for one in found.get_foreign_keys(table)
        ),
        "checks": sorted((str(one["name"]), one["sqltext"]) for one in found.get_check_constraints(table)),
        "unique": sorted(str(one["column_names"]) for one in found.get_unique_constraints(table)),
        "indexes": sorted(
            (str(one["name"]), str(one["column_names"]), bool(one["unique"]), str(one["dialect_options"].get(where)))
            for one in found.get_indexes(table)
        ),
    }


async def test_an_empty_database_is_brought_up_to_date(empty_url: str) -> None:
    opened = await open_database(empty_url, ENCRYPTION_KEY)
    async with opened.reader.connect() as connection:
        assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar() == HEAD
    await opened.close()


async def test_an_older_schema_is_refused_where_it_may_not_be_changed_and_is_left_as_it_was(empty_url: str) -> None:
    with pytest.raises(SchemaProblem, match="countersign migrate"):
        await open_database(empty_url, ENCRYPTION_KEY, migrate=False)
    engine = create_async_engine(database_url(empty_url))
    async with engine.connect() as connection:
        assert await connection.run_sync(lambda sync: inspect(sync).get_table_names()) == []
    await engine.dispose()


async def test_a_schema_that_is_up_to_date_opens_without_migrating(url: str) -> None:
    await (await open_database(url, ENCRYPTION_KEY, migrate=False)).close()


@pytest.mark.parametrize("migrate", [True, False])
async def test_a_newer_schema_is_refused_and_left_as_it_was(url: str, database: Database, migrate: bool) -> None:
    await sql(database, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaProblem, match="newer" if migrate else "not up to date"):
        await open_database(url, ENCRYPTION_KEY, migrate=migrate)
    async with database.reader.connect() as connection:
        assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar() == "9999"


_OPENER = """
import asyncio, sys
from storage.opening import open_database

async def main():
    while url := (await asyncio.to_thread(sys.stdin.readline)).strip():
        try:
            opened = await open_database(url)
            print("opened", opened.keys.digest_key.hex(), flush=True)
            await opened.close()
        except Exception as error:
            print("failed", repr(error)[:500].replace("\\n", " "), flush=True)

print("ready", flush=True)
asyncio.run(main())
"""


async def test_processes_that_open_one_empty_database_at_once_all_find_it_ready(
    tmp_path: Path, empty_postgresql_url: str
) -> None:
    urls = [f"sqlite:///{tmp_path / str(n) / 'countersign.db'}" for n in range(4)]
    processes = [await _opener() for _ in range(4)]
    for url in [*urls, empty_postgresql_url]:
        for one in processes:
            assert one.stdin is not None
            one.stdin.write(url.encode() + b"\n")
        said = {await _line(one) for one in processes}
        assert len(said) == 1, said  # all of them opened it, with one and the same key
        assert said.pop().startswith("opened ")
    for one in processes:
        assert one.stdin is not None
        one.stdin.close()
        await one.wait()


async def _opener() -> asyncio.subprocess.Process:
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _OPENER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT.parent.parent,
    )
    assert await _line(started) == "ready"
    return started


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()
