"""Many idle automations with their runs, written in bulk by the database itself, and the same few that are due."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Integer, Table, cast, func, insert, literal, select, text, true, update
from sqlmodel import SQLModel

from benchmarks.policy import APPROVER
from governance.automations import (
    Actor,
    ActorKind,
    AutomationStatus,
    GrantKind,
    ReviewKind,
    RunStatus,
    StopKind,
)
from governance.policy import TENANT, Agent, Limits, Policy
from operations.owing import demand_review
from operations.spend import Spent, report
from storage.database import Database, Tx
from storage.tables import Automation, AutomationRun, Grant, OwedReview

RUNS = 20  #: of each automation, all of them over
FEW = 3  #: of each kind of thing that is due
AGENTS = tuple(f"bench-{number}" for number in range(FEW))

_CAP = 1_000_000  # micro-dollars
_WEEK, _DAY, _MINUTE = timedelta(days=7), timedelta(days=1), timedelta(minutes=1)
_RUN = {"tenant": TENANT, "created_by": "agent", "outputs": '{"n":1}'}


@dataclass(frozen=True)
class Fixed:
    """The policy of the benchmark, which nothing changes; every automation is made by its first agent."""

    policy: Policy = field(default_factory=lambda: fleet_policy())
    hash: str = "fixed"

    def of(self, _tenant: str) -> Policy:
        """Return the policy of every tenant."""
        return self.policy


def fleet_policy() -> Policy:
    """Agents that are stopped at one dollar a week."""
    agents = {one: Agent(one, one, APPROVER, frozenset()) for one in AGENTS}
    return Policy(agents, {}, "C0APPROVALS", (APPROVER, "U0CAROL"), limits=Limits(weekly_spend_cap=_CAP))


async def fill(database: Database, automations: int) -> None:
    """Write so many idle automations and `RUNS` ended runs of each, in two statements."""
    await database.write(TENANT, lambda tx: _fill(tx, automations))
    async with database.writer.begin() as connection:
        await connection.execute(text("ANALYZE"))


async def _fill(tx: Tx, automations: int) -> None:
    row = await tx.add(_automation(tx, "aut_idle", expires_at=tx.now + 80 * _DAY, expiry_due_at=tx.now + 70 * _DAY))
    run = await tx.add(_run(tx, "run_idle", row.id, RunStatus.COMPLETED))
    if automations > 1:
        await _copies(tx, row, automations - 1)
    await _copies(tx, run, automations * RUNS - 1, automation_id=_spread(automations))


async def _copies(tx: Tx, row: SQLModel, count: int, **changed: Any) -> None:
    """Write copies of a row under ids of their own; `changed` has expressions over the number of the copy."""
    table: Table = type(row).__table__  # type: ignore[attr-defined]
    numbers = _numbers(count)
    number = numbers.c.number
    values = {one.name: one for one in table.columns}
    values |= {"id": table.c.id + literal("_") + func.substr(cast(10_000_000 + number, table.c.id.type), 2)}
    values |= {name: expression(number) for name, expression in changed.items()}
    every = table.join(numbers, true())
    copies = select(*values.values()).select_from(every).where(table.c.id == row.id)  # type: ignore[attr-defined]
    await tx.session.execute(insert(table).from_select(list(values), copies))


def _numbers(count: int) -> Any:
    first = select(literal(1, Integer).label("number")).cte("numbers", recursive=True)
    return first.union_all(select(first.c.number + 1).where(first.c.number < count))


def _spread(automations: int) -> Any:
    """Return which automation a copied run belongs to: one after the other, the first of them without a number."""

    def automation_of(number: Any) -> Any:
        turn = number % automations
        numbered = literal("aut_idle_") + func.substr(cast(10_000_000 + turn, Automation.__table__.c.id.type), 2)  # type: ignore[attr-defined]
        return func.coalesce(func.nullif(numbered, "aut_idle_0000000"), "aut_idle")

    return automation_of


async def make_due(database: Database, policy: Policy) -> int:
    """Add `FEW` of everything that the loop attends to, all due now; returns how many of them are no spend stops."""
    await database.write(TENANT, _due_automations)
    await database.write(TENANT, lambda tx: _owed(tx, policy))
    for agent in AGENTS:
        await database.write(TENANT, lambda tx, agent=agent: _overspend(tx, policy, agent))
    return 5 * FEW


async def _due_automations(tx: Tx) -> None:
    """Some to warn of, to end, to look at and to purge; and grants that have lapsed."""
    past = tx.now - _MINUTE
    for number in range(FEW):
        await _with_runs(tx, _automation(tx, f"aut_warn_{number}", expires_at=tx.now + _WEEK, expiry_due_at=past))
        await _with_runs(tx, _automation(tx, f"aut_end_{number}", expires_at=past, expiry_due_at=past))
        await _with_runs(tx, _automation(tx, f"aut_health_{number}", health_due_at=past), RunStatus.FAILED)
        await _with_runs(tx, _automation(tx, f"aut_gone_{number}", deleted_at=past - _WEEK, purge_at=past))
        granted: dict[str, Any] = {"agent_id": AGENTS[0], "granted_by": APPROVER}
        await tx.add(Grant(
            id=f"grt_{number}", tenant=TENANT, kind=GrantKind.CAPABILITY, capability=f"bench.{number}",
            created_at=past - _DAY, expires_at=past, **granted,
        ))  # fmt: skip


async def _with_runs(tx: Tx, row: Automation, status: RunStatus = RunStatus.COMPLETED) -> None:
    await tx.add(row)
    for number in range(RUNS):
        await tx.add(_run(tx, f"run_{row.id}_{number}", row.id, status))


async def _owed(tx: Tx, policy: Policy) -> None:
    """Reviews whose owner has to be reminded."""
    for number in range(FEW):
        row = await tx.add(_automation(tx, f"aut_owed_{number}"))
        await demand_review(tx, policy, row, ReviewKind.RUN_DRIFT, "It ran many times.", {})
    await tx.session.execute(update(OwedReview).values(nudge_at=tx.now - _MINUTE))


async def _overspend(tx: Tx, policy: Policy, agent: str) -> None:
    """Stop an agent at its cap, then leave a run going that the loop has to pause."""
    by = Actor(ActorKind.AGENT, agent)
    await report(tx, policy, policy.agents[agent], Spent("report-1", _CAP), by)
    row = await tx.add(_automation(tx, f"aut_spent_{agent}", creator_id=agent))
    await tx.add(_run(tx, f"run_spent_{agent}", row.id, RunStatus.RUNNING, ended_at=None))


def _automation(tx: Tx, id: str, **changed: Any) -> Automation:
    values: dict[str, Any] = {
        "name": "Nightly", "status": AutomationStatus.ACTIVE, "creator_kind": ActorKind.AGENT,
        "creator_id": AGENTS[0], "depth": 1, "owner": APPROVER, "agents": [AGENTS[0]], "tools": None,
        "created_at": tx.now - 90 * _DAY, "updated_at": tx.now - _DAY,
    }  # fmt: skip
    return Automation(id=id, tenant=TENANT, **{**values, **changed})


def _run(tx: Tx, id: str, automation_id: str, status: RunStatus, **changed: Any) -> AutomationRun:
    at = tx.now - _DAY
    values: dict[str, Any] = {"created_at": at, "updated_at": at, "ended_at": at, **_RUN}
    values |= {"stop_kind": StopKind.GUARDRAIL_STOPPED} if status is RunStatus.FAILED else {}
    return AutomationRun(id=id, automation_id=automation_id, status=status, **{**values, **changed})
