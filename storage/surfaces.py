"""The Slack messages that show a request: what they should show, what they do show."""

from typing import Any, cast

from sqlalchemy import CursorResult, exists, select, update
from sqlmodel import col

from storage import homes
from storage.database import Tx
from storage.outbox import LEASE, Owed, Priority, owe
from storage.tables import OutboxMessage, OutboxStatus, Rendering, Surface, SurfaceStatus
from storage.tables.base import new_id


async def open_one(
    tx: Tx, proposal_id: str, channel: str, thread_ts: str | None = None, *, person: str | None = None
) -> Surface:
    """Add a message that is still to be posted, and owe the posting. `person` is whose direct message it is."""
    surface = Surface(
        id=new_id("sfc"), tenant=tx.tenant, proposal_id=proposal_id, channel=channel, thread_ts=thread_ts,
        person=person, status=SurfaceStatus.NEW, created_at=tx.now,
    )  # fmt: skip
    tx.session.add(surface)
    await tx.session.flush()
    await owe(tx, Owed.SHOW, surface.id, Priority.CARD)
    homes.changed(tx)
    return surface


async def touch(tx: Tx, proposal_id: str, priority: Priority) -> None:
    """Note that every copy of a card must change, and owe the changing; what was never posted is no more urgent."""
    statement = (
        update(Surface)
        .where(col(Surface.proposal_id) == proposal_id, col(Surface.status) != SurfaceStatus.GONE)
        .values(desired=Surface.desired + 1)
        .returning(col(Surface.id), col(Surface.ts))
        .execution_options(synchronize_session=False)
    )
    for surface_id, ts in list(await tx.session.execute(statement)):
        await owe(tx, Owed.SHOW, surface_id, priority if ts else max(priority, Priority.CARD))
        homes.changed(tx)


async def of_proposal(tx: Tx, proposal_id: str) -> list[Surface]:
    """Return a proposal's surfaces: the one where the work is discussed first, direct messages last."""
    query = select(Surface).where(col(Surface.proposal_id) == proposal_id, col(Surface.tenant) == tx.tenant)
    found = await tx.session.scalars(query)
    return sorted(found, key=lambda one: (one.person is not None, one.thread_ts is None, one.id))


async def talked_about_on(tx: Tx, proposal_id: str) -> Surface | None:
    """Return the surface under which lines about a proposal belong, None where none is left in any channel."""
    shown = await of_proposal(tx, proposal_id)
    return next((one for one in shown if one.person is None and one.status is not SurfaceStatus.GONE), None)


async def change(tx: Tx, surface_id: str, **values: Any) -> None:
    """Record what happened to one message."""
    await tx.session.execute(
        update(Surface)
        .where(col(Surface.id) == surface_id, col(Surface.tenant) == tx.tenant)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def seize(tx: Tx, surface_id: str) -> bool:
    """Claim a surface for drawing, so that no two hands post or update it at once; False where it is taken."""
    statement = (
        update(Surface)
        .where(
            col(Surface.id) == surface_id,
            col(Surface.busy_until).is_(None) | (col(Surface.busy_until) < tx.now),
        )
        .values(busy_until=tx.now + LEASE)
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1


async def stale(tx: Tx, limit: int) -> list[Surface]:
    """Return surfaces of every tenant that show less than they should and that nothing is owed for, oldest first.

    What is owed already has its own next try, however late: it neither comes sooner for this nor fills the list.
    """
    owed = exists().where(
        col(OutboxMessage.subject) == col(Surface.id), col(OutboxMessage.kind) == Owed.SHOW,
        col(OutboxMessage.status).in_([OutboxStatus.QUEUED, OutboxStatus.SENDING]),
    )  # fmt: skip
    query = select(Surface).where(
        col(Surface.desired) > col(Surface.rendered), col(Surface.status) != SurfaceStatus.GONE, ~owed
    )
    return list(await tx.session.scalars(query.order_by(col(Surface.id)).limit(limit)))


async def rendering(tx: Tx, rendering_id: str) -> Rendering | None:
    """Return the drawing a button belongs to."""
    return await tx.get(Rendering, rendering_id)
