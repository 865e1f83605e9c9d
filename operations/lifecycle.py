"""What people decide about an automation: that they have looked at it, that it ends, that it goes on."""

from datetime import datetime

from governance.authorising import check_cap
from governance.automations import Actor, ActorKind, AutomationStatus, ReviewKind, RunStatus, StopKind
from governance.canonical import Json
from governance.errors import Unprocessable
from governance.expiry import next_due, warnings_passed
from governance.policy import Limits, Policy
from governance.questions import AUTOMATION
from governance.text import storable
from operations.question import OWED, supersede
from operations.telling import note_down, tell_owner
from storage import audit, automations, governing, runs
from storage.database import Tx
from storage.limits import limits_in_force
from storage.tables import AgentReview, Automation


async def acknowledge(tx: Tx, policy: Policy, automation: Automation, actor: Actor, notes: str | None) -> None:
    """Note that somebody looked at an automation: nothing is owed about it and nothing found any more.

    What was paused stays paused until somebody resumes it, which nothing stands against now.
    """
    owe_nothing(automation)
    automation.creation_paused = False
    automation.last_reviewed_at = automation.health_checked_at = automation.updated_at = tx.now
    automation.runs_since_review = 0
    await governing.clear_findings(tx, automation.id)
    await note_down(tx, automation, actor, "automation.review_acknowledged", {"notes": notes})


async def acknowledge_agent(tx: Tx, review: AgentReview, actor: Actor, notes: str | None) -> None:
    """Note that somebody looked at what an agent created: it may create again."""
    review.created_since_review, review.review_required = 0, False
    review.review_requested_at = review.review_request_id = None
    review.last_reviewed_at = review.updated_at = tx.now
    review.notes = notes or review.notes
    await tx.session.flush()
    await audit.record(tx, "agent.review_acknowledged", str(actor), agent_id=review.agent_id, detail={"notes": notes})


async def retire(tx: Tx, policy: Policy, automation: Automation, actor: Actor, reason: str | None) -> None:
    """End an automation: it is paused with its runs and starts nothing any more, until somebody extends it."""
    said = storable(reason) if reason else "retired"
    owe_nothing(automation)
    automation.status, automation.review_kind = AutomationStatus.PAUSED, ReviewKind.RETIRED
    automation.retired_at = automation.updated_at = tx.now
    automation.retire_reason = automation.paused_reason = said
    automation.paused_for_lifecycle = True
    automation.expiry_due_at = automation.health_due_at = None
    paused = await pause_runs(tx, automation, StopKind.OPERATOR_STOPPED, said)
    await end_questions(tx, automation, "the automation was retired")
    await note_down(tx, automation, actor, "automation.retired", {"reason": said, "paused_runs": list[Json](paused)})
    await tell_owner(tx, automation, actor, "automation_retired", reason=reason)


async def extend(
    tx: Tx, policy: Policy, automation: Automation, actor: Actor, until: datetime | None, reason: str | None
) -> None:
    """Let an automation go on until a moment; None: for as long as the limits say, which may be without an end.

    Brings back what is retired or expired, if agents may have one more. Raises Unprocessable for a moment that has
    passed, TooMany where the cap of agents' automations is reached.
    """
    limits = await limits_in_force(tx, policy)
    until = until or (tx.now + limits.default_expires_after if limits.default_expires_after else None)
    if until is not None and until <= tx.now:
        raise Unprocessable("expires_at: name a moment from now on.")
    await _check_room(tx, limits, automation)
    owe_nothing(automation)
    automation.status, automation.paused_reason, automation.paused_by = AutomationStatus.ACTIVE, None, None
    set_expiry(automation, until, limits, tx.now)
    automation.expired_at = automation.retired_at = automation.retire_reason = None
    automation.paused_for_lifecycle = automation.creation_paused = False
    automation.last_reviewed_at = automation.health_checked_at = automation.updated_at = tx.now
    automation.runs_since_review = 0
    await governing.clear_findings(tx, automation.id)
    await end_questions(tx, automation, "the automation was extended")
    detail: dict[str, Json] = {"until": until.isoformat() if until else None, "reason": reason}
    await note_down(tx, automation, actor, "automation.extended", detail)
    await tell_owner(tx, automation, actor, "automation_extended", reason=reason)


async def _check_room(tx: Tx, limits: Limits, automation: Automation) -> None:
    """Hold what comes back against the cap: it was not counted while it was retired or expired."""
    is_back = automation.retired_at is not None or automation.expired_at is not None
    if is_back and automation.creator_kind is ActorKind.AGENT:
        await automations.hold_creations(tx)
        check_cap(limits, await automations.count_active(tx))


def set_expiry(automation: Automation, until: datetime | None, limits: Limits, now: datetime) -> None:
    """Let an automation end at a moment; warnings that would lie in the past are left out."""
    window = limits.expiration_warning_window
    automation.expires_at = until
    automation.expiry_warned = warnings_passed(until, window, now) if until else 0
    automation.expiry_due_at = next_due(until, window, automation.expiry_warned)


def owe_nothing(automation: Automation) -> None:
    """Mark that no review of an automation is owed."""
    automation.review_required, automation.review_kind = False, None
    automation.review_requested_at = automation.review_request_id = None


async def end_questions(tx: Tx, automation: Automation, reason: str) -> None:
    """End every open question about what is to become of an automation."""
    for kind in sorted(OWED):
        await supersede(tx, kind, (AUTOMATION, automation.id), reason)


async def pause_runs(tx: Tx, automation: Automation, kind: StopKind, reason: str) -> list[str]:
    """Pause every run of an automation that is queued or going on, however many; returns which."""
    paused = await runs.stop_all(tx, automation.id, RunStatus.PAUSED, kind, reason)
    for run_id in paused:
        await runs.note(tx, run_id, "run_paused_governance", reason)
    return paused
