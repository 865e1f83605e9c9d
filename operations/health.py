"""Looking at the health of an automation whose runs have ended, and demanding a review of what stands out."""

from collections.abc import Mapping, Sequence

from governance.automations import ReviewKind, Severity
from governance.canonical import Json, canonical
from governance.health import KIND, Noticed, Ran, examine, window_of
from governance.policy import Policy
from operations.owing import SYSTEM, demand_review, find
from operations.telling import note_down
from storage import automations, runs
from storage.database import Tx
from storage.limits import limits_in_force
from storage.tables import Automation, AutomationFinding, AutomationRun


async def check(tx: Tx, policy: Policy, automation_id: str) -> int:
    """Look at the latest runs of an automation that is due; returns how many findings there were.

    Only runs since the last review count, so that what people have looked at is not held up to them again. What is
    critical stops new runs until they have. Whoever was first wins; being late is no error.
    """
    row = await automations.locked(tx, automation_id)
    if row is None or row.health_due_at is None or row.health_due_at > tx.now:
        return 0
    limits = await limits_in_force(tx, policy)
    latest = await runs.latest(tx, row.id, row.last_reviewed_at, window_of(limits))
    found = examine([_as_seen(run) for run in latest], limits)
    row.health_checked_at, row.health_due_at = tx.now, None
    await tx.session.flush()
    if found and row.retired_at is None and row.expired_at is None:
        await _raise(tx, policy, row, found)
    return len(found)


def _as_seen(run: AutomationRun) -> Ran:
    return Ran(run.id, run.status, run.stop_kind, run.outputs not in (None, "{}"))


async def _raise(tx: Tx, policy: Policy, row: Automation, found: Sequence[Noticed]) -> None:
    is_critical = any(one.severity is Severity.CRITICAL for one in found)
    row.creation_paused = row.creation_paused or is_critical
    why = f"Its latest runs stand out: {', '.join(one.summary for one in found)}."
    context: dict[str, Json] = {one.summary: dict(one.evidence) for one in found}
    earlier = {one.summary: one for one in await automations.findings(tx, row.id) if one.kind == KIND}
    is_news = any(one.summary not in earlier or one.severity is not earlier[one.summary].severity for one in found)
    kind = _heavier_owed(row) if is_critical else None
    is_new = await demand_review(tx, policy, row, kind or ReviewKind.HEALTH_DRIFT, why, context, is_news=is_news)
    await _write_findings(tx, row, found, earlier)
    if is_new:
        summaries = list[Json]([one.summary for one in found])
        await note_down(tx, row, SYSTEM, "automation.health_drift", {"findings": summaries, "critical": is_critical})


def _heavier_owed(row: Automation) -> ReviewKind | None:
    """Return the review that is owed already where it would clear what was found without saying so."""
    is_heavier = row.review_kind in (ReviewKind.RUN_DRIFT, ReviewKind.DEPENDENCY_REVOKED)
    return row.review_kind if row.review_required and is_heavier else None


async def _write_findings(
    tx: Tx, row: Automation, found: Sequence[Noticed], earlier: Mapping[str, AutomationFinding]
) -> None:
    """Bring what is still open up to date instead of writing it down again."""
    for one in found:
        known = earlier.get(one.summary)
        if known is None:
            await find(tx, row, KIND, one.severity, one.summary, one.evidence, one.run_id)
            continue
        known.severity, known.run_id, known.observed_at = one.severity, one.run_id, tx.now
        known.evidence = canonical(dict(one.evidence)).decode()
    await tx.session.flush()
