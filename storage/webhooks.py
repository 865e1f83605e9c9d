"""Queries and guarded changes of webhooks: endpoints, and deliveries to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, select, text, update
from sqlmodel import col

from storage.database import Tx
from storage.tables import DeliveryStatus, WebhookDelivery, WebhookEndpoint

#: Written out, because PostgreSQL's generic plans do not match a partial index against a bound value.
_QUEUED = text("status = 'queued'")
_DEAD = text("status = 'dead' AND replayed_at IS NULL")


async def enabled(tx: Tx) -> list[WebhookEndpoint]:
    """Return the endpoints of this tenant that are told of events."""
    query = select(WebhookEndpoint).where(
        col(WebhookEndpoint.tenant) == tx.tenant, col(WebhookEndpoint.disabled_at).is_(None)
    )
    return list(await tx.session.scalars(query))


async def count(tx: Tx) -> int:
    """Return how many endpoints this tenant has."""
    query = select(func.count()).select_from(WebhookEndpoint).where(col(WebhookEndpoint.tenant) == tx.tenant)
    return await tx.session.scalar(query) or 0


async def locked(tx: Tx, endpoint_id: str) -> WebhookEndpoint | None:
    """Return an endpoint of this tenant with its row locked."""
    if not endpoint_id.isascii() or "\x00" in endpoint_id:
        return None
    query = select(WebhookEndpoint).where(
        col(WebhookEndpoint.id) == endpoint_id, col(WebhookEndpoint.tenant) == tx.tenant
    )
    return (await tx.session.scalars(query.with_for_update().execution_options(populate_existing=True))).first()


async def page(tx: Tx, before: tuple[datetime, str] | None, limit: int) -> Sequence[WebhookEndpoint]:
    """Return endpoints, newest first."""
    query = select(WebhookEndpoint).where(col(WebhookEndpoint.tenant) == tx.tenant)
    made, id = col(WebhookEndpoint.created_at), col(WebhookEndpoint.id)
    if before is not None:
        query = query.where((made < before[0]) | ((made == before[0]) & (id < before[1])))
    return (await tx.session.scalars(query.order_by(made.desc(), id.desc()).limit(limit))).all()


async def deliveries(
    tx: Tx, endpoint_id: str, status: DeliveryStatus | None, before: tuple[datetime, str] | None, limit: int
) -> Sequence[WebhookDelivery]:
    """Return what an endpoint was told, newest first."""
    query = select(WebhookDelivery).where(
        col(WebhookDelivery.tenant) == tx.tenant, col(WebhookDelivery.endpoint_id) == endpoint_id
    )
    if status is not None:
        query = query.where(col(WebhookDelivery.status) == status)
    made, id = col(WebhookDelivery.created_at), col(WebhookDelivery.id)
    if before is not None:
        query = query.where((made < before[0]) | ((made == before[0]) & (id < before[1])))
    return (await tx.session.scalars(query.order_by(made.desc(), id.desc()).limit(limit))).all()


async def next_due(tx: Tx, endpoint_id: str) -> WebhookDelivery | None:
    """Return what an endpoint is to be told next, due or not: what was due first, in the order of events."""
    query = (
        select(WebhookDelivery)
        .where(_QUEUED, col(WebhookDelivery.tenant) == tx.tenant, col(WebhookDelivery.endpoint_id) == endpoint_id)
        .order_by(col(WebhookDelivery.next_attempt_at), col(WebhookDelivery.place), col(WebhookDelivery.id))
        .limit(1)
    )
    return (await tx.session.scalars(query)).first()


async def change_queued(tx: Tx, seen: WebhookDelivery, **values: Any) -> bool:
    """Change a delivery that is still as it was seen; False where somebody else has settled that try."""
    statement = (
        update(WebhookDelivery)
        .where(
            col(WebhookDelivery.id) == seen.id, col(WebhookDelivery.status) == DeliveryStatus.QUEUED,
            col(WebhookDelivery.attempts) == seen.attempts,
        )
        .values(**values)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1


async def kill_queued(tx: Tx, endpoint_id: str, error: str, forget_at: datetime) -> int:
    """Give up whatever an endpoint was still to be told; returns how much that was."""
    statement = (
        update(WebhookDelivery)
        .where(_QUEUED, col(WebhookDelivery.tenant) == tx.tenant, col(WebhookDelivery.endpoint_id) == endpoint_id)
        .values(status=DeliveryStatus.DEAD, last_error=error, forget_at=forget_at)
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount


async def dead(tx: Tx, endpoint_id: str, since: datetime, limit: int) -> list[WebhookDelivery]:
    """Return what an endpoint was never told of all that began at `since` or later, oldest first."""
    query = select(WebhookDelivery).where(
        _DEAD, col(WebhookDelivery.tenant) == tx.tenant, col(WebhookDelivery.endpoint_id) == endpoint_id,
        col(WebhookDelivery.created_at) >= since,
    )  # fmt: skip
    query = query.order_by(col(WebhookDelivery.created_at), col(WebhookDelivery.id)).limit(limit)
    return list(await tx.session.scalars(query.with_for_update()))


async def replays(tx: Tx, message_ids: Sequence[str]) -> dict[str, int]:
    """Return the highest number of a replay of each message."""
    query = (
        select(col(WebhookDelivery.message_id), func.max(col(WebhookDelivery.replay)))
        .where(col(WebhookDelivery.tenant) == tx.tenant, col(WebhookDelivery.message_id).in_(message_ids))
        .group_by(col(WebhookDelivery.message_id))
    )
    return {row[0]: row[1] for row in await tx.session.execute(query)}


async def drop(tx: Tx, endpoint: WebhookEndpoint) -> None:
    """Remove an endpoint with its secrets; what it was told stays until it is forgotten."""
    await tx.session.delete(endpoint)
    await tx.session.flush()


async def forget(tx: Tx, limit: int) -> int:
    """Drop settled deliveries whose time is over and old secrets that sign nothing any more; returns how many."""
    due = (
        select(col(WebhookDelivery.id))
        .where(text("forget_at IS NOT NULL"), col(WebhookDelivery.forget_at) <= tx.now)
        .order_by(col(WebhookDelivery.forget_at))
        .limit(limit)
    )
    gone = await tx.session.execute(delete(WebhookDelivery).where(col(WebhookDelivery.id).in_(due)))
    await tx.session.execute(
        update(WebhookEndpoint)
        .where(text("previous_until IS NOT NULL"), col(WebhookEndpoint.previous_until) <= tx.now)
        .values(previous_secret=None, previous_until=None)
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], gone).rowcount
