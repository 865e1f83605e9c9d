"""Queries, claims and guarded moves of executions."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlmodel import col

from governance.lifecycle import ExecutionStatus, sources_of_execution
from storage.database import Tx
from storage.tables import Execution


async def of_proposal(tx: Tx, proposal_id: str) -> Execution | None:
    """Return the newest execution of a proposal."""
    query = select(Execution).where(col(Execution.proposal_id) == proposal_id, col(Execution.tenant) == tx.tenant)
    return (await tx.session.scalars(query.order_by(col(Execution.id).desc()).limit(1))).first()


async def move(tx: Tx, execution: Execution, to: ExecutionStatus, **changes: Any) -> bool:
    """Move an execution if the lifecycle allows it from where it stands and nobody touched this attempt since.

    One guarded UPDATE on status, attempt and lease; False means that the caller's view is out of date.
    """
    statement = (
        update(Execution)
        .where(
            col(Execution.id) == execution.id,
            col(Execution.status).in_(sources_of_execution(to)),
            col(Execution.attempt) == execution.attempt,
            col(Execution.lease_owner).is_not_distinct_from(execution.lease_owner),
        )
        .values(status=to, **changes)
        .execution_options(synchronize_session=False)
    )
    moved = cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1
    await tx.session.refresh(execution)
    return moved


async def still_held(tx: Tx, claimed: Execution) -> Execution | None:
    """Return a running execution as it is now, if the claim `claimed` on this attempt still stands."""
    found = await tx.session.get(Execution, claimed.id, with_for_update=True)
    if found is None or (found.attempt, found.lease_owner) != (claimed.attempt, claimed.lease_owner):
        return None
    return found if found.status is ExecutionStatus.RUNNING else None


async def next_due(tx: Tx) -> Execution | None:
    """Return the execution of any tenant that is due longest, skipping rows another replica holds."""
    query = (
        select(Execution)
        .where(col(Execution.status) == ExecutionStatus.QUEUED, col(Execution.next_attempt_at) <= tx.now)
        .order_by(col(Execution.next_attempt_at))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await tx.session.scalars(query)).first()


async def extend_lease(tx: Tx, execution: Execution, until: datetime) -> bool:
    """Prolong the claim on a running attempt; False where it has been lost."""
    statement = (
        update(Execution)
        .where(
            col(Execution.id) == execution.id,
            col(Execution.status) == ExecutionStatus.RUNNING,
            col(Execution.attempt) == execution.attempt,
            col(Execution.lease_owner) == execution.lease_owner,
        )
        .values(lease_until=until)
    )
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1


async def with_lost_lease(tx: Tx) -> Execution | None:
    """Return one running execution of any tenant whose lease has run out."""
    query = (
        select(Execution)
        .where(col(Execution.status) == ExecutionStatus.RUNNING, col(Execution.lease_until) < tx.now)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await tx.session.scalars(query)).first()
