"""Queries and guarded changes of automations, and the counts that limits are held against."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, text, update
from sqlmodel import col

from governance.automations import ActorKind, AutomationStatus, GrantKind
from storage.database import Tx
from storage.tables import (
    AgentReview,
    Automation,
    AutomationFinding,
    AutomationRun,
    Grant,
    RunEvent,
)

_DAY = timedelta(days=1)
_ADVISORY_LOCK = 0x41757430  #: with the tenant's hash, one turn to create for each tenant


async def locked(tx: Tx, automation_id: str, *, deleted: bool = False) -> Automation | None:
    """Return an automation of this tenant with its row locked; deleted ones only where they are asked for."""
    if not automation_id.isascii() or "\x00" in automation_id:
        return None
    gone = col(Automation.deleted_at).is_not(None) if deleted else col(Automation.deleted_at).is_(None)
    query = select(Automation).where(col(Automation.id) == automation_id, col(Automation.tenant) == tx.tenant, gone)
    query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await tx.session.scalars(query)).first()


async def found(tx: Tx, automation_id: str) -> Automation | None:
    """Return an automation of this tenant that is not deleted."""
    row = await tx.get(Automation, automation_id)
    return row if row is not None and row.deleted_at is None else None


async def page(
    tx: Tx,
    *,
    agent_id: str | None = None,
    status: AutomationStatus | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int,
) -> list[Automation]:
    """Return automations newest first: all, or those an agent made or may change."""
    query: Select[Any] = select(Automation).where(
        col(Automation.tenant) == tx.tenant, col(Automation.deleted_at).is_(None)
    )
    if agent_id is not None:
        query = query.where(or_(_made_by(agent_id), col(Automation.id).in_(_granted_to(tx, agent_id))))
    if status is not None:
        query = query.where(col(Automation.status) == status)
    if before is not None:
        at, id = before
        older = (col(Automation.created_at) == at) & (col(Automation.id) < id)
        query = query.where((col(Automation.created_at) < at) | older)
    query = query.order_by(col(Automation.created_at).desc(), col(Automation.id).desc())
    return list(await tx.session.scalars(query.limit(limit)))


def _made_by(agent_id: str) -> ColumnElement[bool]:
    return (col(Automation.creator_kind) == ActorKind.AGENT) & (col(Automation.creator_id) == agent_id)


def _granted_to(tx: Tx, agent_id: str) -> Select[Any]:
    return select(col(Grant.automation_id)).where(
        col(Grant.tenant) == tx.tenant, col(Grant.agent_id) == agent_id, col(Grant.kind) == GrantKind.MODIFY,
        col(Grant.revoked_at).is_(None), col(Grant.expires_at).is_(None) | (col(Grant.expires_at) > tx.now),
    )  # fmt: skip


async def hold_creations(tx: Tx) -> None:
    """Let nobody else of this tenant create or bring back automations until this transaction ends.

    SQLite has one writer at a time anyway.
    """
    if tx.session.get_bind().dialect.name == "postgresql":
        statement = text("SELECT pg_advisory_xact_lock(:lock, hashtext(:tenant))")
        await tx.session.execute(statement, {"lock": _ADVISORY_LOCK, "tenant": tx.tenant})


async def count_created(tx: Tx, agent_id: str) -> int:
    """Return how many automations an agent made in the last 24 hours, those deleted since included."""
    query = select(func.count()).where(
        col(Automation.tenant) == tx.tenant, _made_by(agent_id), col(Automation.created_at) > tx.now - _DAY
    )
    return (await tx.session.scalar(query)) or 0


async def count_active(tx: Tx) -> int:
    """Return how many automations agents have that go on or may be resumed: not deleted, retired or expired."""
    query = select(func.count()).where(
        col(Automation.tenant) == tx.tenant, col(Automation.creator_kind) == ActorKind.AGENT,
        col(Automation.deleted_at).is_(None), col(Automation.retired_at).is_(None),
        col(Automation.expired_at).is_(None),
    )  # fmt: skip
    return (await tx.session.scalar(query)) or 0


async def agent_review(tx: Tx, agent_id: str) -> AgentReview | None:
    """Return what people owe an agent."""
    return await tx.session.get(AgentReview, (tx.tenant, agent_id))


async def made_with(tx: Tx, agent_id: str, right: str) -> list[str]:
    """Return the ids of what an agent made that declares a capability and is not deleted or retired."""
    query = select(col(Automation.id)).where(
        col(Automation.tenant) == tx.tenant, _made_by(agent_id), col(Automation.deleted_at).is_(None),
        col(Automation.retired_at).is_(None), getattr(Automation, right),
    )  # fmt: skip
    return list(await tx.session.scalars(query.order_by(col(Automation.id))))


async def due_to_expire(tx: Tx, limit: int) -> list[tuple[str, str]]:
    """Return tenant and id of automations of every tenant with a warning or their end due."""
    return await _due(tx, col(Automation.expiry_due_at), limit)


async def due_for_health(tx: Tx, limit: int) -> list[tuple[str, str]]:
    """Return tenant and id of automations of every tenant that are due for a look at their health."""
    return await _due(tx, col(Automation.health_due_at), limit)


async def due_to_purge(tx: Tx, limit: int) -> list[tuple[str, str]]:
    """Return tenant and id of deleted automations of every tenant that can no longer be restored."""
    return await _due(tx, col(Automation.purge_at), limit)


async def _due(tx: Tx, column: Any, limit: int) -> list[tuple[str, str]]:
    query = select(col(Automation.tenant), col(Automation.id)).where(column <= tx.now).order_by(column).limit(limit)
    return [(tenant, id) for tenant, id in await tx.session.execute(query)]


async def purge(tx: Tx, automation_id: str) -> None:
    """Delete an automation with all that belongs to it, for good."""
    runs = select(col(AutomationRun.id)).where(col(AutomationRun.automation_id) == automation_id)
    await tx.session.execute(delete(RunEvent).where(col(RunEvent.run_id).in_(runs)))
    await tx.session.execute(delete(AutomationRun).where(col(AutomationRun.automation_id) == automation_id))
    await tx.session.execute(delete(AutomationFinding).where(col(AutomationFinding.automation_id) == automation_id))
    await tx.session.execute(delete(Grant).where(col(Grant.automation_id) == automation_id))
    await tx.session.execute(delete(Automation).where(col(Automation.id) == automation_id))


async def findings(tx: Tx, automation_id: str) -> list[AutomationFinding]:
    """Return what was noticed about an automation since people last looked at it, oldest first."""
    query = select(AutomationFinding).where(
        col(AutomationFinding.automation_id) == automation_id, col(AutomationFinding.cleared_at).is_(None)
    )
    return list(await tx.session.scalars(query.order_by(col(AutomationFinding.observed_at), col(AutomationFinding.id))))


async def count_creation(tx: Tx, agent_id: str) -> AgentReview:
    """Count one creation of an agent towards its review, and return its row. Called while creations are held."""
    row = await agent_review(tx, agent_id)
    if row is None:
        row = await tx.add(AgentReview(tenant=tx.tenant, agent_id=agent_id, updated_at=tx.now))
    statement = (
        update(AgentReview)
        .where(col(AgentReview.tenant) == tx.tenant, col(AgentReview.agent_id) == agent_id)
        .values(created_since_review=AgentReview.created_since_review + 1, updated_at=tx.now)
        .execution_options(synchronize_session=False)
    )
    await tx.session.execute(statement)
    await tx.session.refresh(row)
    return row
