"""What decisions about governance move: automations and what is owed about them, grants, and spend stops."""

from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlmodel import col

from governance.automations import RunStatus, StopKind
from storage.database import Tx
from storage.tables import AgentReview, Automation, AutomationFinding, AutomationRun, SpendStop

_GOING_ON = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.PAUSING, RunStatus.AWAITING_APPROVAL)


async def automation(tx: Tx, automation_id: str) -> Automation | None:
    """Return an automation that is not deleted, with its row locked."""
    query = select(Automation).where(
        col(Automation.id) == automation_id, col(Automation.tenant) == tx.tenant, col(Automation.deleted_at).is_(None)
    )
    return (
        await tx.session.scalars(query.with_for_update(key_share=True).execution_options(populate_existing=True))
    ).first()


async def agent_review(tx: Tx, agent_id: str) -> AgentReview | None:
    """Return what people owe an agent, with its row locked."""
    query = select(AgentReview).where(col(AgentReview.agent_id) == agent_id, col(AgentReview.tenant) == tx.tenant)
    return (await tx.session.scalars(query.with_for_update().execution_options(populate_existing=True))).first()


async def clear_findings(tx: Tx, automation_id: str) -> None:
    """Clear what was noticed about an automation: somebody has looked at it."""
    await tx.session.execute(
        update(AutomationFinding)
        .where(col(AutomationFinding.automation_id) == automation_id, col(AutomationFinding.cleared_at).is_(None))
        .values(cleared_at=tx.now)
        .execution_options(synchronize_session=False)
    )


async def pause_runs(tx: Tx, automation_id: str, kind: StopKind, detail: str) -> list[str]:
    """Pause every run of an automation that is queued or going on; returns which."""
    statement = (
        update(AutomationRun)
        .where(col(AutomationRun.automation_id) == automation_id, col(AutomationRun.status).in_(_GOING_ON))
        .values(status=RunStatus.PAUSED, stop_kind=kind, detail=detail, updated_at=tx.now)
        .returning(col(AutomationRun.id))
        .execution_options(synchronize_session=False)
    )
    return sorted(await tx.session.scalars(statement))


async def live_stop(tx: Tx, agent_id: str) -> SpendStop | None:
    """Return the spend stop of an agent that has not ended, lifted or not."""
    query = select(SpendStop).where(
        col(SpendStop.tenant) == tx.tenant, col(SpendStop.agent_id) == agent_id, col(SpendStop.ended_at).is_(None)
    )
    return (await tx.session.scalars(query)).first()


async def lift_stop(tx: Tx, stop: SpendStop, **changes: Any) -> bool:
    """Change a spend stop that has not ended; False where it has."""
    statement = (
        update(SpendStop)
        .where(col(SpendStop.id) == stop.id, col(SpendStop.ended_at).is_(None))
        .values(**changes)
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1


async def resume_stopped_runs(tx: Tx, agent_id: str) -> list[str]:
    """Queue again every run that this agent's spend stop paused; returns which."""
    statement = (
        update(AutomationRun)
        .where(
            col(AutomationRun.tenant) == tx.tenant, col(AutomationRun.stopped_for) == agent_id,
            col(AutomationRun.status) == RunStatus.PAUSED,
        )
        .values(status=RunStatus.QUEUED, stop_kind=None, stopped_for=None, detail=None, updated_at=tx.now)
        .returning(col(AutomationRun.id))
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return sorted(await tx.session.scalars(statement))
