"""What time does to automations, grants and owed reviews: warnings and ends, lapsed grants, reminders."""

from dataclasses import replace

from governance.automations import AutomationStatus, ReviewKind, Severity, StopKind
from governance.canonical import Json
from governance.clocks import admins_are_nudged, next_nudge
from governance.expiry import next_due, time_left, warnings_passed
from governance.policy import Policy
from governance.questions import AUTOMATION
from operations.lifecycle import pause_runs
from operations.notify import say
from operations.owing import SYSTEM, find
from operations.question import raise_question, supersede
from operations.retirement import retirement_question
from operations.telling import note_down, tell_owner
from storage import automations, owed
from storage.database import Tx
from storage.limits import limits_in_force
from storage.tables import ApprovalRequest, Automation, OwedReview, Proposal, RequestType


async def attend(tx: Tx, policy: Policy, automation_id: str) -> None:
    """Warn that an automation will end, or end it, whichever is due. Whoever was first wins."""
    row = await automations.locked(tx, automation_id)
    if row is None or row.expires_at is None or row.expiry_due_at is None or row.expiry_due_at > tx.now:
        return
    policy = replace(policy, limits=await limits_in_force(tx, policy))
    if row.expires_at <= tx.now:
        await _expire(tx, policy, row)
    else:
        await _warn(tx, policy, row)


async def _expire(tx: Tx, policy: Policy, row: Automation) -> None:
    """End an automation with its runs; its owner or an admin says whether it is retired or goes on."""
    assert row.expires_at is not None
    reason = f"the automation expired at {row.expires_at.isoformat(timespec='minutes')}"
    row.status, row.paused_reason, row.paused_for_lifecycle = AutomationStatus.PAUSED, reason, True
    row.expired_at = row.updated_at = tx.now
    row.expiry_due_at = row.health_due_at = None
    await supersede(tx, RequestType.LIFECYCLE_REVIEW, (AUTOMATION, row.id), reason)
    paused = await pause_runs(tx, row, StopKind.GUARDRAIL_STOPPED, reason)
    context = {"trigger": "expired", "expires_at": row.expires_at.isoformat()}
    request = await raise_question(tx, policy, retirement_question(policy, row, "It has expired.", context))
    row.review_required, row.review_kind = True, ReviewKind.EXPIRED
    row.review_requested_at, row.review_request_id = tx.now, request.id
    await find(tx, row, "expired", Severity.CRITICAL, reason, context)
    await note_down(tx, row, SYSTEM, "automation.expired", {"paused_runs": list[Json](paused), **context})
    await tell_owner(tx, row, SYSTEM, "automation_expired")


async def _warn(tx: Tx, policy: Policy, row: Automation) -> None:
    """Warn once for each warning that has passed, and ask early whether it is to go on; it runs until it ends."""
    assert row.expires_at is not None
    window = policy.limits.expiration_warning_window
    row.expiry_warned = max(warnings_passed(row.expires_at, window, tx.now), row.expiry_warned)
    row.expiry_due_at = next_due(row.expires_at, window, row.expiry_warned)
    left = time_left(row.expires_at, tx.now)
    context = {"trigger": "expiration_soon", "expires_at": row.expires_at.isoformat()}
    await raise_question(tx, policy, retirement_question(policy, row, f"It expires in {left}.", context))
    await note_down(tx, row, SYSTEM, "automation.expiry_warned", {"warned": row.expiry_warned, **context})
    await tell_owner(tx, row, SYSTEM, "automation_expiring", left=left)


async def nudge(tx: Tx, policy: Policy, request_id: str) -> None:
    """Remind whoever owes a review, and after a week the admins, too; after a long silence once. Whoever was first
    wins."""
    row = await owed.locked(tx, request_id)
    if row is None or row.answered_at is not None or row.nudge_at > tx.now:
        return
    row.nudges, row.nudge_at = row.nudges + 1, next_nudge(row.since, tx.now)
    await tx.session.flush()
    asked = await _asked(tx, row)
    if asked is None:
        return
    people = [row.person, *(policy.admins if admins_are_nudged(row.since, tx.now) else ())]
    days = (tx.now - row.since).days
    told = {
        "title": asked,
        "request": row.request_id,
        "owner": row.person,
        "since": "a day" if days < 2 else f"{days} days",
    }
    await say(tx, "review_owed", people, told)


async def _asked(tx: Tx, row: OwedReview) -> str | None:
    """Return what is asked in a few words, None where the question is gone."""
    request = await tx.get(ApprovalRequest, row.request_id)
    proposal = await tx.get(Proposal, request.proposal_id) if request is not None else None
    return proposal.title if proposal is not None else None
