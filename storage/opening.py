"""Opening a database: bring its schema up to date under a lock, then unlock the installation's keys."""

import base64
import secrets
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import audit
from storage.database import Clock, Database, Tx, database_url, sqlite_path, utc_now
from storage.keyring import KEY_BYTES, KeyProblem, Keyring, Sealer, Secrets, key_beside, parse_keys
from storage.migrations import HEAD
from storage.tables import Installation

_ADVISORY_LOCK = 0x4D696772
_OPEN_KEY = "plain:"
_ROW = "installation"


class SchemaProblem(Exception):
    """The schema is older and may not be changed, or newer than this program."""


async def open_database(
    url: str, encryption_key: str = "", *, migrate: bool = True, clock: Clock = utc_now
) -> Database:
    """Open a database ready for use. Raises ValueError, KeyProblem or SchemaProblem, each one sentence."""
    database = Database(database_url(url), clock)
    path = sqlite_path(database.url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    keys = parse_keys(encryption_key) or ([key_beside(path)] if path else [])
    try:
        async with database.writer.connect() as connection:
            await bring_up_to_date(connection, migrate=migrate)
        database.keys = await _unlock(database, Sealer(keys))
    except BaseException:
        await database.close()
        raise
    return database


async def bring_up_to_date(connection: AsyncConnection, *, migrate: bool) -> None:
    """Run the missing migrations, one process at a time. Raises SchemaProblem for a newer schema."""
    async with connection.begin():
        if await connection.run_sync(revision) == HEAD:
            return
        if not migrate:
            raise SchemaProblem("The database schema is not up to date; run `countersign migrate`.")
        await _lock(connection)
        await connection.run_sync(_upgrade)


def revision(connection: Connection) -> str | None:
    """Return the revision of the schema that is there, None in an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _upgrade(connection: Connection) -> None:
    from alembic import command  # heavy: loaded only when there is something to do
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise SchemaProblem(
            f"The database was written by a newer Countersign ({error}); start that version, or restore a backup."
        ) from None


async def _unlock(database: Database, sealer: Sealer) -> Keyring:
    """Return the keyring, making the installation's secret the first time and sealing it once there is a key."""
    database.keys = Keyring(sealer, Secrets(b""))
    return Keyring(sealer, await database.write("", lambda tx: _install_secrets(tx, sealer)))


async def _install_secrets(tx: Tx, sealer: Sealer) -> Secrets:
    await _lock(await tx.session.connection())
    row = await tx.session.get(Installation, 1)
    if row is not None and not row.sealed_key.startswith(_OPEN_KEY):
        return Secrets.from_bytes(sealer.unseal(row.sealed_key, _ROW))
    if row is not None and await audit.is_keyed(tx):
        raise KeyProblem(
            "the installation's secret lies unsealed in the database although audit entries were authenticated before; "
            "somebody replaced it: restore the row in `installation` from a backup"
        )
    install = base64.b64decode(row.sealed_key.removeprefix(_OPEN_KEY)) if row else secrets.token_bytes(KEY_BYTES)
    made = await _new_secrets(tx, install, sealer)
    if row is not None:
        row.sealed_key = _closed(made, sealer)
    else:
        await tx.add(Installation(id=1, sealed_key=_closed(made, sealer), created_at=tx.now))
    return made


async def is_opened_by(tx: Tx, sealer: Sealer) -> bool | None:
    """Whether the installation's secret is sealed, under this key; None where there is none. Raises KeyProblem."""
    row = await tx.session.get(Installation, 1)
    if row is None or row.sealed_key.startswith(_OPEN_KEY):
        return None if row is None else False
    sealer.unseal(row.sealed_key, _ROW)
    return True


async def _new_secrets(tx: Tx, install: bytes, sealer: Sealer) -> Secrets:
    """The audit key is never made from a secret that has lain open; what was written before it is told apart."""
    if not sealer.ready:
        return Secrets(install)
    return Secrets(install, secrets.token_bytes(KEY_BYTES), await audit.highest_entry(tx))


def _closed(made: Secrets, sealer: Sealer) -> str:
    return sealer.seal(made.to_bytes(), _ROW) if sealer.ready else _OPEN_KEY + base64.b64encode(made.install).decode()


async def _lock(connection: AsyncConnection) -> None:
    """Let one process at a time change the schema or the installation row; SQLite's writers queue by themselves."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
