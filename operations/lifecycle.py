"""What people decide about an automation: that they have looked at it, that it ends, that it goes on."""

from datetime import datetime, timedelta

from governance.automations import Actor, AutomationStatus, ReviewKind, StopKind
from governance.canonical import Json
from governance.policy import Policy
from governance.questions import AUTOMATION
from operations.question import OWED, supersede
from storage import audit, governing
from storage.database import Tx
from storage.tables import AgentReview, Automation

_WARNED_BEFORE = timedelta(days=7)


async def acknowledge(tx: Tx, policy: Policy, automation: Automation, actor: Actor, notes: str | None) -> None:
    """Note that somebody looked at an automation: nothing is owed about it and nothing found any more."""
    if automation.review_kind is ReviewKind.DEPENDENCY_REVOKED:
        automation.paused_for_lifecycle = automation.creation_paused = False  # it may be resumed again
    _owe_nothing(automation)
    automation.last_reviewed_at = automation.health_checked_at = automation.updated_at = tx.now
    automation.runs_since_review = 0
    await governing.clear_findings(tx, automation.id)
    await _note_down(tx, automation, actor, "automation.review_acknowledged", {"notes": notes})


async def acknowledge_agent(tx: Tx, review: AgentReview, actor: Actor, notes: str | None) -> None:
    """Note that somebody looked at what an agent created: it may create again."""
    review.created_since_review, review.review_required = 0, False
    review.review_requested_at = review.review_request_id = None
    review.last_reviewed_at = review.updated_at = tx.now
    review.notes = notes or review.notes
    await tx.session.flush()
    await audit.record(tx, "agent.review_acknowledged", str(actor), agent_id=review.agent_id, detail={"notes": notes})


async def retire(tx: Tx, policy: Policy, automation: Automation, actor: Actor, reason: str | None) -> None:
    """End an automation: it is paused with its runs and starts nothing any more."""
    said = reason or "retired"
    _owe_nothing(automation)
    automation.status, automation.review_kind = AutomationStatus.PAUSED, ReviewKind.RETIRED
    automation.retired_at = automation.updated_at = tx.now
    automation.retire_reason = automation.paused_reason = said
    automation.paused_for_lifecycle = True
    automation.expiry_due_at = automation.health_due_at = None
    paused = await governing.pause_runs(tx, automation.id, StopKind.OPERATOR_STOPPED, said)
    await _end_questions(tx, automation, "the automation was retired")
    await _note_down(tx, automation, actor, "automation.retired", {"reason": said, "paused_runs": list[Json](paused)})


async def extend(
    tx: Tx, policy: Policy, automation: Automation, actor: Actor, until: datetime | None, reason: str | None
) -> None:
    """Let an automation go on until a moment; None: for as long as the limits say, which may be without an end."""
    length = policy.limits.default_expires_after
    until = until or (tx.now + length if length else None)
    _owe_nothing(automation)
    automation.status, automation.paused_reason = AutomationStatus.ACTIVE, None
    automation.expires_at, automation.expiry_warned = until, 0
    automation.expiry_due_at = max(until - _WARNED_BEFORE, tx.now) if until else None
    automation.expired_at = automation.retired_at = automation.retire_reason = None
    automation.paused_for_lifecycle = automation.creation_paused = False
    automation.last_reviewed_at = automation.health_checked_at = automation.updated_at = tx.now
    await _end_questions(tx, automation, "the automation was extended")
    detail: dict[str, Json] = {"until": until.isoformat() if until else None, "reason": reason}
    await _note_down(tx, automation, actor, "automation.extended", detail)


def _owe_nothing(automation: Automation) -> None:
    automation.review_required, automation.review_kind = False, None
    automation.review_requested_at = automation.review_request_id = None


async def _end_questions(tx: Tx, automation: Automation, reason: str) -> None:
    for kind in sorted(OWED):
        await supersede(tx, kind, (AUTOMATION, automation.id), reason)


async def _note_down(tx: Tx, automation: Automation, actor: Actor, kind: str, detail: dict[str, Json]) -> None:
    await tx.session.flush()
    await audit.record(tx, kind, str(actor), detail={"automation": automation.id, "name": automation.name, **detail})
