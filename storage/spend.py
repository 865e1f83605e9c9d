"""Queries on what agents spent: reports, windows, and the stops of agents at their caps. Runs: storage/stopped_runs."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import BigInteger, CursorResult, Select, case, delete, func, literal, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from governance.automations import SpendSpan
from governance.spend import window_of, windows_at
from storage.database import Tx
from storage.tables import Automation, AutomationRun, SpendReport, SpendStop, SpendWindow

_FULL = literal(2**63 - 1, BigInteger)  #: what a column of a window holds


@dataclass(frozen=True, slots=True)
class Week:
    """What an agent has spent this week, in micro-dollars, and whether that was warned of."""

    agent_id: str
    cost: int = 0
    warned_at: datetime | None = None


async def note_report(tx: Tx, report: SpendReport) -> SpendReport | None:
    """Insert a report; where its id was used before, the earlier one comes back instead and nothing is written."""
    values = report.model_dump()
    statement = _insert(tx, SpendReport).values(**values).on_conflict_do_nothing().returning(col(SpendReport.report_id))
    if (await tx.session.execute(statement)).first() is not None:
        return None
    return await tx.session.get_one(SpendReport, (report.tenant, report.agent_id, report.report_id))


async def charge(tx: Tx, agents: Iterable[str], usage: Mapping[str, Any]) -> list[Week]:
    """Add to all four windows of some agents in one statement, in one order for everybody; return their weeks.

    `usage` has the columns that count: cost and tokens, and last_run_id.
    """
    rows = [
        {"tenant": tx.tenant, "agent_id": one, "span": window.span.value, "start": window.start,
         "updated_at": tx.now, **usage}
        for one in sorted(agents) for window in windows_at(tx.now)
    ]  # fmt: skip
    statement = _insert(tx, SpendWindow).values(rows)
    given, table = statement.excluded, SpendWindow.__table__.c  # type: ignore[attr-defined]
    counted = ("cost", "prompt_tokens", "completion_tokens", "total_tokens")
    statement = statement.on_conflict_do_update(
        index_elements=["tenant", "agent_id", "span", "start"],
        set_={name: _sum(table[name], given[name]) for name in counted}
        | {"last_run_id": func.coalesce(given.last_run_id, table.last_run_id), "updated_at": given.updated_at},
    ).returning(table.agent_id, table.span, table.cost, table.warned_at)
    found = (await tx.session.execute(statement)).all()
    return [Week(one.agent_id, one.cost, one.warned_at) for one in found if one.span == SpendSpan.WEEKLY]


async def week_of(tx: Tx, agent_id: str) -> Week:
    """Return what an agent has spent this week."""
    start = window_of(SpendSpan.WEEKLY, tx.now).start
    row = await tx.session.get(SpendWindow, (tx.tenant, agent_id, SpendSpan.WEEKLY.value, start))
    return Week(agent_id, row.cost, row.warned_at) if row else Week(agent_id)


async def weeks(tx: Tx) -> list[Week]:
    """Return what every agent of this tenant has spent this week, in one order for everybody."""
    found = await tx.session.scalars(_this_week(tx).where(col(SpendWindow.tenant) == tx.tenant))
    return sorted((Week(one.agent_id, one.cost, one.warned_at) for one in found), key=lambda week: week.agent_id)


async def tenants(tx: Tx) -> list[str]:
    """Return the tenants of which any agent has spent something this week."""
    return sorted(await tx.session.scalars(_this_week(tx).with_only_columns(col(SpendWindow.tenant)).distinct()))


def _this_week(tx: Tx) -> Select[Any]:
    start = window_of(SpendSpan.WEEKLY, tx.now).start
    return select(SpendWindow).where(col(SpendWindow.span) == SpendSpan.WEEKLY.value, col(SpendWindow.start) == start)


async def mark_week(tx: Tx, agent_id: str, **changes: Any) -> None:
    """Note in this week's window that it was warned of, or stopped."""
    start = window_of(SpendSpan.WEEKLY, tx.now).start
    place = (col(SpendWindow.tenant) == tx.tenant, col(SpendWindow.agent_id) == agent_id,
             col(SpendWindow.span) == SpendSpan.WEEKLY.value, col(SpendWindow.start) == start)  # fmt: skip
    await tx.session.execute(
        update(SpendWindow).where(*place).values(**changes).execution_options(synchronize_session=False)
    )


async def current_windows(
    tx: Tx, agents: Collection[str], spans: Iterable[SpendSpan] = tuple(SpendSpan)
) -> list[SpendWindow]:
    """Return the windows of this moment of some agents; an agent that never spent has none."""
    places = [(one, span.value, window_of(span, tx.now).start) for one in sorted(agents) for span in spans]
    key = tuple_(col(SpendWindow.agent_id), col(SpendWindow.span), col(SpendWindow.start))
    query = select(SpendWindow).where(col(SpendWindow.tenant) == tx.tenant, key.in_(places))
    return list(await tx.session.scalars(query)) if places else []


async def live_stops(tx: Tx) -> list[SpendStop]:
    """Return the stops that have not ended, lifted or not, oldest first."""
    query = select(SpendStop).where(col(SpendStop.tenant) == tx.tenant, col(SpendStop.ended_at).is_(None))
    return list(await tx.session.scalars(query.order_by(col(SpendStop.at), col(SpendStop.id))))


async def live_stop(tx: Tx, agent_id: str) -> SpendStop | None:
    """Return the stop of an agent that has not ended, lifted or not, with its row locked."""
    query = select(SpendStop).where(
        col(SpendStop.tenant) == tx.tenant, col(SpendStop.agent_id) == agent_id, col(SpendStop.ended_at).is_(None)
    )
    return (await tx.session.scalars(query.with_for_update().execution_options(populate_existing=True))).first()


async def stop_locked(tx: Tx, stop_id: str) -> SpendStop | None:
    """Return a stop of this tenant as it is now, with its row locked."""
    query = select(SpendStop).where(col(SpendStop.id) == stop_id, col(SpendStop.tenant) == tx.tenant)
    return (await tx.session.scalars(query.with_for_update().execution_options(populate_existing=True))).first()


async def holding(tx: Tx, agents: Collection[str] | None = None) -> list[SpendStop]:
    """Return the stops that hold now, of some agents or of all: nothing of these agents may start or go on."""
    found = await live_stops(tx)
    return [one for one in found if holds(one, tx.now) and (agents is None or one.agent_id in agents)]


def holds(stop: SpendStop, now: datetime) -> bool:
    """Whether a stop holds: it has not ended, and no override lifts it."""
    return stop.ended_at is None and (stop.lifted_until is None or stop.lifted_until <= now)


async def due_stops(tx: Tx, limit: int) -> list[SpendStop]:
    """Return stops of any tenant that the loop has to look at, longest due first."""
    query = select(SpendStop).where(col(SpendStop.due_at).is_not(None), col(SpendStop.due_at) <= tx.now)
    return list(await tx.session.scalars(query.order_by(col(SpendStop.due_at)).limit(limit)))


async def make_due(tx: Tx) -> int:
    """Have the loop look at every stop of every tenant that has not ended; returns how many."""
    statement = (
        update(SpendStop)
        .where(col(SpendStop.ended_at).is_(None))
        .values(due_at=tx.now)
        .execution_options(synchronize_session=False)
    )
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount


async def forget_reports(tx: Tx, age: timedelta) -> int:
    """Drop reports older than that, of any tenant: their ids mean nothing any more. Returns how many."""
    statement = delete(SpendReport).where(col(SpendReport.at) < tx.now - age)
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount


async def run_with_automation(tx: Tx, run_id: str) -> tuple[AutomationRun, Automation] | None:
    """Return a run of this tenant with its automation."""
    if not run_id.isascii() or "\x00" in run_id:
        return None
    query = select(AutomationRun, Automation).join(Automation, col(Automation.id) == col(AutomationRun.automation_id))
    query = query.where(col(AutomationRun.id) == run_id, col(AutomationRun.tenant) == tx.tenant)
    found = (await tx.session.execute(query)).first()
    return (found[0], found[1]) if found else None


def _sum(counted: Any, more: Any) -> Any:
    """Add without running over: a window that is full stays full, so that whoever shares it is still counted."""
    return case((counted > _FULL - more, _FULL), else_=counted + more)


def _insert(tx: Tx, table: type[Any]) -> Any:
    dialect = sqlite if tx.session.get_bind().dialect.name == "sqlite" else postgresql
    return dialect.insert(table)
