"""Checks of the database: reachable, of a fitting version and schema, writable, and opened by our key."""

import os
from datetime import datetime
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.doctor.clock import skew_finding
from bot.doctor.finding import Finding, broken, ok, warning
from storage.database import Database, Tx, sqlite_path
from storage.keyring import KeyProblem, Keyring, Sealer, Secrets, key_beside, parse_keys
from storage.migrations import HEAD, known
from storage.opening import is_opened_by, revision

_OLDEST_POSTGRESQL = 140000


def check_place(database: Database) -> Finding | None:
    """Whether the file can be there; None for PostgreSQL."""
    path = sqlite_path(database.url)
    if path is None:
        return None
    folder = next((one for one in (path.parent, *path.parent.parents) if one.exists()), Path())
    if not os.access(folder, os.W_OK | os.X_OK) or (path.exists() and not os.access(path, os.W_OK)):
        return broken(
            "database file", f"{path} cannot be written", "give this user the right to write it and its folder"
        )
    return ok("database file", f"{path} is there" if path.exists() else f"{path} will be made")


async def check_database(database: Database) -> list[Finding]:
    """Everything that takes a connection; one finding where there is none."""
    try:
        async with database.writer.connect() as connection:
            found = [await _check_version(connection), await _check_schema(connection)]
            found += [await _check_writing(connection), await _check_clock(connection, database.clock())]
            return found
    except (SQLAlchemyError, OSError, ValueError) as error:
        why = str(getattr(error, "orig", None) or error).partition("\n")[0] or type(error).__name__
        return [broken("database", f"it cannot be reached: {why}", "check COUNTERSIGN_DATABASE_URL and that it runs")]


async def _check_version(connection: AsyncConnection) -> Finding:
    name = "database"
    if connection.dialect.name == "sqlite":
        version = await connection.scalar(text("SELECT sqlite_version()"))
        return ok(name, f"SQLite {version}, for one process")
    number = int(str(await connection.scalar(text("SHOW server_version_num"))))
    told = f"PostgreSQL {number // 10000}.{number % 10000}"
    if number < _OLDEST_POSTGRESQL:
        return warning(name, f"{told} is older than what Countersign is tested with", "use PostgreSQL 14 or newer")
    return ok(name, told)


async def _check_schema(connection: AsyncConnection) -> Finding:
    found, name = await connection.run_sync(revision), "schema"
    if found is None:
        remedy = "run `countersign migrate`; `serve` does it too, unless --no-migrate"
        return warning(name, "the database is empty", remedy)
    if found == HEAD:
        return ok(name, f"up to date ({HEAD})")
    if found in known():
        return broken(name, f"it is older ({found}) than this program ({HEAD})", "run `countersign migrate`")
    remedy = "start that version, or restore a backup"
    return broken(name, f"it was written by a newer Countersign ({found})", remedy)


async def _check_writing(connection: AsyncConnection) -> Finding:
    """On SQLite the transaction under way has the right to write already; PostgreSQL is asked."""
    name = "writing"
    if connection.dialect.name != "sqlite":
        if str(await connection.scalar(text("SHOW transaction_read_only"))) == "on":
            return broken(name, "this server takes no writes", "name the primary server in COUNTERSIGN_DATABASE_URL")
        await connection.execute(text("CREATE TEMPORARY TABLE countersign_doctor (id int) ON COMMIT DROP"))
    return ok(name, "the database takes writes")


async def _check_clock(connection: AsyncConnection, now: datetime) -> Finding:
    if connection.dialect.name == "sqlite":
        return ok("clock of the database", "it is this machine's")
    theirs: datetime = await connection.scalar(text("SELECT clock_timestamp()"))
    return skew_finding("clock of the database", (now - theirs).total_seconds())


async def check_keys(database: Database, encryption_key: str) -> Finding | None:
    """Whether our encryption key opens what is sealed; later checks go by the same key. None where nothing is there."""
    path = sqlite_path(database.url)
    try:
        beside = [key_beside(path)] if path and path.with_name(path.name + ".key").exists() else []
        sealer = Sealer(parse_keys(encryption_key) or beside)
        database.keys = Keyring(sealer, Secrets(b""))
        async with database.read("") as tx:
            return await _check_row(tx, sealer)
    except KeyProblem as problem:
        return broken(
            "sealed secrets", str(problem), "set COUNTERSIGN_ENCRYPTION_KEY to the key they were sealed under"
        )
    except (SQLAlchemyError, OSError):
        return None  # other checks say why


async def _check_row(tx: Tx, sealer: Sealer) -> Finding | None:
    if not await (await tx.session.connection()).run_sync(lambda here: inspect(here).has_table("installation")):
        return None
    sealed = await is_opened_by(tx, sealer)
    if sealed is None:
        return None
    state = "the encryption key opens what is stored" if sealed else "nothing is sealed yet"
    return ok("sealed secrets", state)
