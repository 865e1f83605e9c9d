"""Queries on keys and nonces."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from storage.database import Tx
from storage.tables import ApiKey, KeyKind, Nonce

NONCE_LIFETIME = timedelta(seconds=400)


def is_live(key: ApiKey, now: datetime) -> bool:
    """Whether a key works at this moment."""
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def state_of(key: ApiKey, now: datetime) -> Literal["live", "expired", "revoked"]:
    """Return where a key stands at this moment."""
    if key.revoked_at is not None:
        return "revoked"
    return "live" if is_live(key, now) else "expired"


async def agent_key(tx: Tx, secret_hash: str) -> ApiKey | None:
    """Return the live agent key of any tenant with this SHA-256 hex of its secret."""
    query = select(ApiKey).where(col(ApiKey.secret_hash) == secret_hash, col(ApiKey.kind) == KeyKind.AGENT)
    found = (await tx.session.scalars(query)).first()
    return found if found is not None and is_live(found, tx.now) else None


async def operator_key(tx: Tx, key_id: str) -> ApiKey | None:
    """Return the live operator key of any tenant under this id."""
    found = await tx.session.get(ApiKey, key_id)
    return found if found and found.kind is KeyKind.OPERATOR and is_live(found, tx.now) else None


async def all_keys(tx: Tx) -> list[ApiKey]:
    """Return this tenant's keys, oldest first."""
    query = select(ApiKey).where(col(ApiKey.tenant) == tx.tenant).order_by(col(ApiKey.created_at))
    return list(await tx.session.scalars(query))


async def page(tx: Tx, before: tuple[datetime, str] | None, limit: int) -> Sequence[ApiKey]:
    """Return this tenant's keys, newest first."""
    query = select(ApiKey).where(col(ApiKey.tenant) == tx.tenant)
    made, id = col(ApiKey.created_at), col(ApiKey.id)
    if before is not None:
        query = query.where((made < before[0]) | ((made == before[0]) & (id < before[1])))
    return (await tx.session.scalars(query.order_by(made.desc(), id.desc()).limit(limit))).all()


async def locked(tx: Tx, key_id: str) -> ApiKey | None:
    """Return a key of this tenant with its row locked, whether it is live or not."""
    if not key_id.isascii() or "\x00" in key_id:
        return None
    query = select(ApiKey).where(col(ApiKey.id) == key_id, col(ApiKey.tenant) == tx.tenant)
    return (await tx.session.scalars(query.with_for_update().execution_options(populate_existing=True))).first()


async def revoke(tx: Tx, key_id: str) -> bool:
    """Revoke a key; False where there is none to revoke."""
    if not key_id.isascii() or "\x00" in key_id:
        return False
    statement = (
        update(ApiKey)
        .where(col(ApiKey.id) == key_id, col(ApiKey.tenant) == tx.tenant, col(ApiKey.revoked_at).is_(None))
        .values(revoked_at=tx.now)
    )
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1


async def use_nonce(tx: Tx, key_id: str, nonce: str) -> bool:
    """Use a nonce up; False where it has been used before."""
    dialect = sqlite if tx.session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(Nonce).values(key_id=key_id, nonce=nonce, seen_at=tx.now)
    result = await tx.session.execute(statement.on_conflict_do_nothing())
    return cast(CursorResult[Any], result).rowcount == 1


async def forget_nonces(tx: Tx) -> None:
    """Drop nonces older than any timestamp that is still accepted."""
    await tx.session.execute(delete(Nonce).where(col(Nonce.seen_at) < tx.now - NONCE_LIFETIME))
