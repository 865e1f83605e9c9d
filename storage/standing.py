"""Queries on what people decided about agents, and the durable count of calls that ran unasked."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from storage.database import Tx
from storage.tables import AutonomyCount, Budget, Standing, StandingKind


async def live(tx: Tx, agent_id: str | None = None) -> list[Standing]:
    """Return the pauses and recorded tiers in force, of one agent or of all, oldest first."""
    query = select(Standing).where(col(Standing.tenant) == tx.tenant, col(Standing.ended_at).is_(None))
    if agent_id is not None:
        query = query.where(col(Standing.agent_id) == agent_id)
    return list(await tx.session.scalars(query.order_by(col(Standing.at), col(Standing.id))))


async def end(tx: Tx, agent_id: str, kind: StandingKind, target: str, by: str) -> bool:
    """End what is in force for a target; False where nothing is."""
    statement = (
        update(Standing)
        .where(
            col(Standing.tenant) == tx.tenant, col(Standing.agent_id) == agent_id, col(Standing.kind) == kind,
            col(Standing.target) == target, col(Standing.ended_at).is_(None),
        )
        .values(ended_at=tx.now, ended_by=by)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount > 0


async def used(tx: Tx, agent_id: str) -> dict[Budget, int]:
    """Return how many calls of an agent ran unasked in this hour and this day of UTC."""
    found = {}
    for span in Budget:
        place = (tx.tenant, agent_id, span, _start(tx.now, span))
        count = await tx.session.get(AutonomyCount, place)
        found[span] = count.used if count is not None else 0
    return found


async def hold(tx: Tx, agent_id: str) -> dict[Budget, int]:
    """Return the same, and let nobody else count for this agent until this transaction ends."""
    return {span: await _add(tx, agent_id, span, 0) for span in Budget}


async def count(tx: Tx, agent_id: str) -> None:
    """Count one call that runs unasked."""
    for span in Budget:
        await _add(tx, agent_id, span, 1)


async def _add(tx: Tx, agent_id: str, span: Budget, more: int) -> int:
    dialect = sqlite if tx.session.get_bind().dialect.name == "sqlite" else postgresql
    values = {"tenant": tx.tenant, "agent_id": agent_id, "span": span, "starts_at": _start(tx.now, span), "used": more}
    statement = (
        dialect.insert(AutonomyCount)
        .values(**values)
        .on_conflict_do_update(
            index_elements=["tenant", "agent_id", "span", "starts_at"], set_={"used": AutonomyCount.used + more}
        )
        .returning(col(AutonomyCount.used))
    )
    return int((await tx.session.execute(statement)).scalar_one())


def _start(now: datetime, span: Budget) -> datetime:
    hour = now.replace(minute=0, second=0, microsecond=0)
    return hour if span is Budget.HOUR else hour.replace(hour=0)
