"""Queries and guarded moves of the runs of automations."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, func, select, text, update
from sqlmodel import col

from governance.automations import GOING_ON, RunStatus, StopKind, sources_of_run
from storage.database import Tx
from storage.tables import AutomationRun, RunEvent
from storage.tables.base import new_id

#: Written out, because neither planner matches a partial index against bound values.
OPEN = text("automation_runs.status IN ('queued', 'running', 'pausing', 'paused', 'awaiting_approval')")


async def move(tx: Tx, run: AutomationRun, to: RunStatus, **changes: Any) -> bool:
    """Move a run if that is legal from where it stands now; one guarded UPDATE.

    False means that it stands elsewhere by now. The object is brought up to date either way.
    """
    statement = (
        update(AutomationRun)
        .where(col(AutomationRun.id) == run.id, col(AutomationRun.status).in_(sources_of_run(to)))
        .values(status=to, updated_at=tx.now, **changes)
        .execution_options(synchronize_session=False)
    )
    moved = cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1
    await tx.session.refresh(run)
    return moved


async def count_open(tx: Tx, automation_id: str) -> int:
    """Return how many runs of an automation have not ended."""
    query = select(func.count()).where(col(AutomationRun.automation_id) == automation_id, OPEN)
    return (await tx.session.scalar(query)) or 0


async def stop_all(
    tx: Tx, automation_id: str, to: RunStatus, kind: StopKind, detail: str, *, paused: bool = False
) -> list[str]:
    """Stop every run of an automation that goes on, `paused` ones too where they are to end; returns which."""
    sources = GOING_ON | ({RunStatus.PAUSED} if paused else set())
    await _forget_spend_stops(tx, automation_id)
    ended = {"ended_at": tx.now} if to is not RunStatus.PAUSED else {}
    statement = (
        update(AutomationRun)
        .where(col(AutomationRun.automation_id) == automation_id, OPEN, col(AutomationRun.status).in_(sources))
        .values(status=to, stop_kind=kind, detail=detail, updated_at=tx.now, **ended)
        .returning(col(AutomationRun.id))
        .execution_options(synchronize_session=False)
    )
    return sorted(await tx.session.scalars(statement))


async def _forget_spend_stops(tx: Tx, automation_id: str) -> None:
    """Keep what a spend stop paused from going on by itself once that is lifted: the automation is stopped as well."""
    await tx.session.execute(
        update(AutomationRun)
        .where(col(AutomationRun.automation_id) == automation_id, OPEN, col(AutomationRun.stopped_for).is_not(None))
        .values(stopped_for=None)
        .execution_options(synchronize_session=False)
    )


async def latest(tx: Tx, automation_id: str, since: datetime | None, limit: int) -> Sequence[AutomationRun]:
    """Return the latest runs of an automation, newest first, those created by `since` left out."""
    query = select(AutomationRun).where(col(AutomationRun.automation_id) == automation_id)
    if since is not None:
        query = query.where(col(AutomationRun.created_at) > since)
    query = query.order_by(col(AutomationRun.created_at).desc(), col(AutomationRun.id).desc())
    return (await tx.session.scalars(query.limit(limit))).all()


async def page(tx: Tx, automation_id: str, before: tuple[datetime, str] | None, limit: int) -> Sequence[AutomationRun]:
    """Return the runs of an automation newest first, before a place in the list."""
    query = select(AutomationRun).where(
        col(AutomationRun.automation_id) == automation_id, col(AutomationRun.tenant) == tx.tenant
    )
    if before is not None:
        at, id = before
        older = (col(AutomationRun.created_at) == at) & (col(AutomationRun.id) < id)
        query = query.where((col(AutomationRun.created_at) < at) | older)
    query = query.order_by(col(AutomationRun.created_at).desc(), col(AutomationRun.id).desc())
    return (await tx.session.scalars(query.limit(limit))).all()


async def events(tx: Tx, run_id: str) -> Sequence[RunEvent]:
    """Return what happened to a run, in order."""
    query = select(RunEvent).where(col(RunEvent.run_id) == run_id)
    return (await tx.session.scalars(query.order_by(col(RunEvent.at), col(RunEvent.id)))).all()


async def note(tx: Tx, run_id: str, kind: str, reason: str | None = None) -> None:
    """Write down one step in the life of a run."""
    tx.session.add(RunEvent(id=new_id("evt"), tenant=tx.tenant, run_id=run_id, kind=kind, reason=reason, at=tx.now))
