"""Queries and guarded changes of the messages that count a noisy agent's calls."""

from collections.abc import Iterable
from typing import Any, cast

from sqlalchemy import CursorResult, exists, select, update
from sqlmodel import col

from storage.database import Tx
from storage.outbox import LEASE, Owed
from storage.tables import Folding, OutboxMessage, OutboxStatus, SurfaceStatus


async def open_of(tx: Tx, agent_id: str, people: Iterable[str]) -> dict[str, Folding]:
    """Return the open counts of an agent by person, with their rows locked so that every call is counted."""
    query = select(Folding).where(
        col(Folding.tenant) == tx.tenant, col(Folding.agent_id) == agent_id, col(Folding.person).in_(list(people)),
        col(Folding.ended_at).is_(None),
    )  # fmt: skip
    locked = query.order_by(col(Folding.person)).with_for_update().execution_options(populate_existing=True)
    return {found.person: found for found in await tx.session.scalars(locked)}


async def change(tx: Tx, folding_id: str, **values: Any) -> None:
    """Record what happened to one message."""
    await tx.session.execute(
        update(Folding)
        .where(col(Folding.id) == folding_id, col(Folding.tenant) == tx.tenant)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def seize(tx: Tx, folding_id: str) -> bool:
    """Claim a message for drawing; False where another hand has it."""
    is_free = col(Folding.busy_until).is_(None) | (col(Folding.busy_until) < tx.now)
    statement = (
        update(Folding)
        .where(col(Folding.id) == folding_id, is_free)
        .values(busy_until=tx.now + LEASE)
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1


async def stale(tx: Tx, limit: int) -> list[Folding]:
    """Return messages of every tenant that show less than they should and that nothing is owed for."""
    owed = exists().where(
        col(OutboxMessage.subject) == col(Folding.id), col(OutboxMessage.kind) == Owed.FOLD,
        col(OutboxMessage.status).in_([OutboxStatus.QUEUED, OutboxStatus.SENDING]),
    )  # fmt: skip
    query = select(Folding).where(
        col(Folding.desired) > col(Folding.rendered), col(Folding.status) != SurfaceStatus.GONE, ~owed
    )
    return list(await tx.session.scalars(query.order_by(col(Folding.id)).limit(limit)))
