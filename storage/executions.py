"""Queries, claims and guarded moves of executions.

Rows are locked with the weaker lock, so that a card's rendering may refer to one meanwhile (see `requests.locked`).
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, func, or_, select, text, update
from sqlmodel import col

from governance.lifecycle import ExecutionStatus, sources_of_execution
from governance.limits import Load, Room
from storage.database import Tx
from storage.proposals import topic
from storage.tables import Execution

#: Written out, because PostgreSQL's generic plans do not match a partial index against a bound value.
_QUEUED = text(f"executions.status = '{ExecutionStatus.QUEUED.value}'")
_RUNNING = text(f"executions.status = '{ExecutionStatus.RUNNING.value}'")


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
    if moved:
        tx.announce(topic(execution.proposal_id))
    await tx.session.refresh(execution)
    return moved


async def still_held(tx: Tx, claimed: Execution) -> Execution | None:
    """Return a running execution as it is now, if the claim `claimed` on this attempt still stands."""
    found = await tx.session.get(Execution, claimed.id, with_for_update={"key_share": True})
    if found is None or (found.attempt, found.lease_owner) != (claimed.attempt, claimed.lease_owner):
        return None
    return found if found.status is ExecutionStatus.RUNNING else None


async def locked(tx: Tx, proposal_id: str) -> Execution | None:
    """Return the newest execution of a proposal as it is now, with its row locked."""
    query = select(Execution).where(col(Execution.proposal_id) == proposal_id, col(Execution.tenant) == tx.tenant)
    query = query.order_by(col(Execution.id).desc()).limit(1).with_for_update(key_share=True)
    return (await tx.session.scalars(query.execution_options(populate_existing=True))).first()


async def next_due(
    tx: Tx, *, unasked: bool, rooms: Mapping[tuple[str, str], Room] = MappingProxyType({})
) -> Execution | None:
    """Return the execution of any tenant that is due longest, skipping rows another replica holds.

    `unasked` says which of the two queues is meant; `rooms` names tools, each with its tenant, of which not every
    call may start at the moment. Rows that may not stay as they are.
    """
    query = (
        select(Execution)
        .where(_QUEUED, col(Execution.unasked).is_(unasked), col(Execution.next_attempt_at) <= tx.now)
        .where(*(_may_start(tenant, tool, room) for (tenant, tool), room in rooms.items()))
        .order_by(col(Execution.next_attempt_at))
        .limit(1)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return (await tx.session.scalars(query)).first()


def _may_start(tenant: str, tool: str, room: Room) -> ColumnElement[bool]:
    others = or_(col(Execution.tenant) != tenant, col(Execution.tool) != tool)
    return or_(others, col(Execution.started_at).is_not(None)) if room is Room.RETRIES else others


async def hold_tool(tx: Tx, tool: str) -> bool:
    """Keep other replicas from starting calls of a tool until this transaction ends; False where one is at it.

    Nobody waits here: two who hold one tool each and wait for the other's would wait for ever.
    """
    if tx.session.get_bind().dialect.name != "postgresql":  # SQLite has one writer at a time as it is
        return True
    lock = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:what, 1))")
    return bool(await tx.session.scalar(lock, {"what": f"{tx.tenant}:{tool}"}))


async def load_of(tx: Tx, tool: str, since: datetime | None) -> Load:
    """Return how many calls of a tool run, and how many have started after `since`."""
    running = select(func.count()).where(
        # Joined to nothing, the columns keep planners from walking all that the tool ever ran instead of what runs.
        _RUNNING, col(Execution.tenant).concat("") == tx.tenant, col(Execution.tool).concat("") == tool,
    )  # fmt: skip
    now = await tx.session.scalar(running) or 0
    if since is None:
        return Load(now)
    started = select(func.count()).where(
        col(Execution.tenant) == tx.tenant, col(Execution.tool) == tool, col(Execution.started_at) > since
    )
    return Load(now, await tx.session.scalar(started) or 0)


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
        .where(_RUNNING, col(Execution.lease_until) < tx.now)
        .limit(1)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return (await tx.session.scalars(query)).first()
