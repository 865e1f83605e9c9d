"""Runs of automations: admitted one by one, moved along legal steps, ended once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from governance.authorising import Caller, check_change, check_room, check_start, check_works_on
from governance.automations import STARTS, TERMINAL_RUNS, ReviewKind, RunStatus, StopKind, sources_of_run
from governance.canonical import Json, canonical
from governance.errors import IllegalMove, NotFound
from governance.policy import Limits, Policy
from governance.text import storable
from operations.automations import found_locked
from operations.owing import demand_review
from operations.telling import note_down
from storage import runs
from storage.automation_facts import facts_of
from storage.database import Tx
from storage.limits import limits_in_force
from storage.tables import Automation, AutomationRun
from storage.tables.base import new_id


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a run. `outputs` None: none."""

    status: RunStatus
    outputs: Mapping[str, Json] | None = None
    stop_kind: StopKind | None = None
    detail: str | None = None


async def start(tx: Tx, policy: Policy, caller: Caller, automation_id: str) -> AutomationRun:
    """Admit a run and queue it. The automation's row is held, so that what pauses it meanwhile finds the run.

    Raises NotFound, Forbidden, Conflict or TooMany; then there is no run.
    """
    row = await found_locked(tx, automation_id)
    facts = await facts_of(tx, row, caller.actor)
    if caller.is_human or not facts.works_on_it:
        check_change(caller, facts)
    check_start(facts)
    check_room(await runs.count_open(tx, row.id))
    run = await tx.add(AutomationRun(
        id=new_id("run"), tenant=tx.tenant, automation_id=row.id, status=RunStatus.QUEUED,
        created_by=str(caller.actor), created_at=tx.now, updated_at=tx.now,
    ))  # fmt: skip
    await runs.note(tx, run.id, "run_queued")
    await note_down(tx, row, caller.actor, "run.created", {"run": run.id})
    return run


async def change(tx: Tx, policy: Policy, caller: Caller, run_id: str, step: Step) -> AutomationRun:
    """Move a run. What lets it do something again passes the same checks as a start; its end is counted once.

    The same end again changes nothing. Raises NotFound, Forbidden, Conflict (also IllegalMove), TooMany.
    """
    run, row = await _found(tx, run_id)
    facts = await facts_of(tx, row, caller.actor)
    check_works_on(caller, facts)
    if run.status is step.status:
        return run
    if step.status in STARTS:
        check_start(facts)
    step = replace(step, detail=storable(step.detail) if step.detail else None)
    await _move(tx, run, step)
    await runs.note(tx, run.id, f"run_{step.status}", step.detail)
    detail = {"run": run.id, "status": step.status, "stop_kind": step.stop_kind, "detail": step.detail}
    await note_down(tx, row, caller.actor, "run.changed", detail)
    if step.status in TERMINAL_RUNS:
        await _ended(tx, policy, row, run)
    return run


async def _found(tx: Tx, run_id: str) -> tuple[AutomationRun, Automation]:
    """Return a run with its automation, whose row is locked first as everywhere."""
    run = await tx.get(AutomationRun, run_id)
    if run is None:
        raise unknown_run()
    row = await found_locked(tx, run.automation_id)
    await tx.session.refresh(run)
    return run, row


def unknown_run() -> NotFound:
    """Return the refusal of a run's id that this caller cannot have."""
    return NotFound("There is no run under this id.", code="AUTOMATION_RUN_NOT_FOUND")


async def _move(tx: Tx, run: AutomationRun, step: Step) -> None:
    before = run.status
    changes = {
        "stop_kind": step.stop_kind, "stopped_for": None,
        "detail": step.detail,
        "outputs": canonical(dict(step.outputs)).decode() if step.outputs is not None else run.outputs,
        "ended_at": tx.now if step.status in TERMINAL_RUNS else None,
    }  # fmt: skip
    if not await runs.move(tx, run, step.status, **changes):
        ways = sorted(one for one in RunStatus if before in sources_of_run(one))
        says = f"it can become {', '.join(ways)}" if ways else "it has ended"
        raise IllegalMove(f"This run is {before} and cannot become {step.status}; {says}.", details={"status": before})


async def _ended(tx: Tx, policy: Policy, row: Automation, run: AutomationRun) -> None:
    """Count a run that has ended, once; after enough of them somebody has to look before the next."""
    limits = await limits_in_force(tx, policy)
    row.runs_since_review += 1
    if row.retired_at is None:
        row.health_due_at = row.health_due_at or _next_check(row, limits, tx.now)
    await tx.session.flush()
    if 0 < limits.run_review_threshold <= row.runs_since_review and row.retired_at is None and row.expired_at is None:
        why = f"{row.runs_since_review} runs have ended since somebody last looked."
        context: dict[str, Json] = {"run": run.id, "detail": run.detail, "runs_since_review": row.runs_since_review}
        await demand_review(tx, policy, row, ReviewKind.RUN_DRIFT, why, context)


def _next_check(row: Automation, limits: Limits, now: datetime) -> datetime:
    checked = row.health_checked_at
    return max(now, checked + limits.health_check_interval) if checked else now
