"""The runs that a spend stop pauses, and queues again: a bounded number at a time, each move guarded."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select, update
from sqlmodel import col

from governance.automations import ActorKind, AutomationStatus, RunStatus, StopKind
from storage.database import Tx
from storage.runs import OPEN
from storage.tables import Automation, AutomationRun, RunEvent
from storage.tables.base import new_id

#: How many runs one transaction moves; the loop goes on with the rest.
BATCH = 500

_GOING_ON = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.PAUSING, RunStatus.AWAITING_APPROVAL)


async def pause_runs(tx: Tx, agent_id: str, detail: str) -> list[str]:
    """Pause runs that go on or wait of every automation that an agent made or works in; returns which, up to BATCH."""
    going_on = col(AutomationRun.status).in_(_GOING_ON)
    chosen = _runs().where(col(AutomationRun.tenant) == tx.tenant, OPEN, going_on, _involves(tx, agent_id))
    changes = {"status": RunStatus.PAUSED, "stop_kind": StopKind.GUARDRAIL_STOPPED, "detail": detail,
               "stopped_for": agent_id, "updated_at": tx.now}  # fmt: skip
    statement = (
        update(AutomationRun)
        .where(col(AutomationRun.id).in_(chosen.order_by(col(AutomationRun.id)).limit(BATCH)), going_on)
        .values(**changes)
        .returning(col(AutomationRun.id))
        .execution_options(synchronize_session=False)
    )
    paused = sorted(await tx.session.scalars(statement))
    await _tell(tx, paused, "run_paused_spend_cap_exceeded", detail)
    return paused


async def hand_over(tx: Tx, agent_id: str, to: str) -> None:
    """Let the stop of another agent hold the runs that it would have paused, too."""
    chosen = _runs().where(_stopped_for(tx, agent_id), _involves(tx, to))
    await tx.session.execute(
        update(AutomationRun)
        .where(col(AutomationRun.id).in_(chosen), col(AutomationRun.stopped_for) == agent_id)
        .values(stopped_for=to)
        .execution_options(synchronize_session=False)
    )


async def resume_runs(tx: Tx, agent_id: str, reason: str) -> tuple[list[str], bool]:
    """Queue runs again that an agent's stop paused, up to BATCH; returns which, and whether more may be left.

    A run whose automation has been paused, retired or deleted meanwhile stays paused: that is not spend's to undo.
    """
    found = await _stopped(tx, agent_id)
    fit = sorted(run_id for run_id, is_fit in found if is_fit)
    if fit:
        await _change(tx, fit, status=RunStatus.QUEUED, stop_kind=None, detail=None, stopped_for=None)
        await _tell(tx, fit, "run_auto_resumed", reason)
    if len(fit) < len(found):
        await _change(tx, [run_id for run_id, is_fit in found if not is_fit], stopped_for=None)
    return fit, len(found) == BATCH


async def _stopped(tx: Tx, agent_id: str) -> list[tuple[str, bool]]:
    """Return runs held for an agent, locked, each with whether it may go on as far as its automation is concerned."""
    is_fit = and_(
        col(AutomationRun.status) == RunStatus.PAUSED, col(Automation.status) == AutomationStatus.ACTIVE,
        col(Automation.deleted_at).is_(None), col(Automation.paused_for_lifecycle).is_(False),
        col(Automation.creation_paused).is_(False),
    )  # fmt: skip
    query = select(col(AutomationRun.id), is_fit).join(
        Automation, col(Automation.id) == col(AutomationRun.automation_id)
    )
    query = query.where(_stopped_for(tx, agent_id)).order_by(col(AutomationRun.id)).limit(BATCH)
    found = await tx.session.execute(query.with_for_update(of=AutomationRun, key_share=True))
    return [(run_id, bool(fit)) for run_id, fit in found]


async def _change(tx: Tx, run_ids: list[str], **changes: Any) -> None:
    await tx.session.execute(
        update(AutomationRun)
        .where(col(AutomationRun.id).in_(run_ids))
        .values(updated_at=tx.now, **changes)
        .execution_options(synchronize_session=False)
    )


async def _tell(tx: Tx, run_ids: list[str], kind: str, reason: str) -> None:
    """Write one event for each run."""
    tx.session.add_all(
        RunEvent(id=new_id("rev"), tenant=tx.tenant, run_id=run_id, kind=kind, reason=reason, at=tx.now)
        for run_id in run_ids
    )
    await tx.session.flush()


def _runs() -> Any:
    return select(col(AutomationRun.id)).join(Automation, col(Automation.id) == col(AutomationRun.automation_id))


def _stopped_for(tx: Tx, agent_id: str) -> ColumnElement[bool]:
    return and_(col(AutomationRun.tenant) == tx.tenant, col(AutomationRun.stopped_for) == agent_id)


def _involves(tx: Tx, agent_id: str) -> ColumnElement[bool]:
    """Whether an automation was made by an agent, or lists it."""
    is_sqlite = tx.session.get_bind().dialect.name == "sqlite"
    spread = func.json_each if is_sqlite else func.json_array_elements_text
    listed = spread(col(Automation.agents)).table_valued("value")
    made = and_(col(Automation.creator_kind) == ActorKind.AGENT, col(Automation.creator_id) == agent_id)
    return or_(made, exists(select(literal(1)).select_from(listed).where(listed.c.value == agent_id)))
