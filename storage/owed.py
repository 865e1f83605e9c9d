"""Queries on the reviews that people owe."""

from sqlalchemy import select
from sqlmodel import col

from storage.database import Tx
from storage.tables import OwedReview


async def due(tx: Tx, limit: int) -> list[tuple[str, str]]:
    """Return tenant and request id of unanswered reviews of every tenant whose next reminder is due."""
    query = select(col(OwedReview.tenant), col(OwedReview.request_id)).where(
        col(OwedReview.nudge_at) <= tx.now, col(OwedReview.answered_at).is_(None)
    )
    return [
        (tenant, id) for tenant, id in await tx.session.execute(query.order_by(col(OwedReview.nudge_at)).limit(limit))
    ]


async def locked(tx: Tx, request_id: str) -> OwedReview | None:
    """Return an owed review of this tenant with its row locked."""
    query = select(OwedReview).where(col(OwedReview.request_id) == request_id, col(OwedReview.tenant) == tx.tenant)
    return (await tx.session.scalars(query.with_for_update().execution_options(populate_existing=True))).first()
