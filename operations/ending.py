"""How automations end and come back: retiring and extending, deleting, restoring and purging them."""

from datetime import datetime, timedelta

from governance.authorising import Caller, check_cap
from governance.automations import ActorKind, RunStatus, StopKind
from governance.canonical import Json
from governance.errors import Forbidden, NotFound
from governance.expiry import next_due
from governance.policy import Limits, Policy
from governance.roles import Role
from operations.automations import found_for_change, found_locked
from operations.lifecycle import end_questions, extend, owe_nothing, retire
from operations.owing import SYSTEM, demand_review
from operations.question import raise_question
from operations.retirement import retirement_question
from operations.telling import note_down, tell_owner
from storage import automations, grants, runs
from storage.database import Tx
from storage.limits import policy_in_force
from storage.tables import Automation

RETENTION = timedelta(days=7)
_MANY = 500


async def retire_by(tx: Tx, policy: Policy, caller: Caller, automation_id: str, reason: str | None) -> Automation:
    """Retire an automation: its owner and admins may. Again is fine. Raises NotFound or Forbidden."""
    row = await found_locked(tx, automation_id)
    _check_may_end(caller, row, "RETIRE")
    if row.retired_at is None:
        await retire(tx, policy, row, caller.actor, reason)
    return row


async def extend_by(
    tx: Tx, policy: Policy, caller: Caller, automation_id: str, until: datetime | None, reason: str | None
) -> Automation:
    """Let an automation go on, also one that is retired or expired: its owner and admins may.

    Raises NotFound, Forbidden, Unprocessable, TooMany.
    """
    row = await found_locked(tx, automation_id)
    _check_may_end(caller, row, "EXTEND")
    await extend(tx, policy, row, caller.actor, until, reason)
    return row


def _check_may_end(caller: Caller, row: Automation, what: str) -> None:
    if not (caller.covers(Role.ADMIN) or (caller.is_human and caller.actor.id == row.owner)):
        raise Forbidden(
            f"Only its owner and admins may {what.lower()} an automation.",
            code=f"AUTOMATION_GOVERNANCE_{what}_FORBIDDEN",
        )


async def delete(tx: Tx, policy: Policy, caller: Caller, automation_id: str) -> Automation:
    """Delete an automation: its runs are cancelled, grants for it end; for a week it can be restored.

    Raises NotFound or Forbidden; agents delete only what they made themselves.
    """
    row, _ = await found_for_change(tx, caller, automation_id, destructive=True)
    row.deleted_at = row.updated_at = tx.now
    row.deleted_by, row.purge_at = str(caller.actor), tx.now + RETENTION
    row.expiry_due_at = row.health_due_at = None
    stopped = await runs.stop_all(
        tx, row.id, RunStatus.CANCELLED, StopKind.OPERATOR_STOPPED, "the automation was deleted", paused=True
    )
    for run_id in stopped:
        await runs.note(tx, run_id, "run_cancelled", "the automation was deleted")
    for grant in await grants.page(tx, automation_id=row.id, live_only=True, limit=_MANY):
        await grants.revoke(tx, grant, str(caller.actor), "the automation was deleted")
    await end_questions(tx, row, "the automation was deleted")
    await note_down(tx, row, caller.actor, "automation.deleted", {"cancelled_runs": list[Json](stopped)})
    await tell_owner(tx, row, caller.actor, "automation_deleted")
    return row


async def restore(tx: Tx, policy: Policy, caller: Caller, automation_id: str) -> Automation:
    """Bring a deleted automation back within its week: admins may. It comes back as it was, its runs do not.

    Raises Forbidden, NotFound once it is too late, TooMany where agents have as many as they may.
    """
    if not caller.covers(Role.ADMIN):
        raise Forbidden("Only admins may restore an automation.", code="AUTOMATION_GOVERNANCE_RESTORE_FORBIDDEN")
    row = await automations.locked(tx, automation_id, deleted=True)
    if row is None or row.purge_at is None or row.purge_at <= tx.now:
        raise NotFound(
            "There is no deleted automation under this id that can still be restored.",
            code="AUTOMATION_GOVERNANCE_RESTORE_NOT_FOUND",
        )
    policy = await policy_in_force(tx, policy)
    limits = policy.limits
    await _check_cap(tx, limits, row)
    row.deleted_at = row.deleted_by = row.purge_at = None
    row.updated_at = tx.now
    has_ended = row.retired_at is not None or row.expired_at is not None
    window = limits.expiration_warning_window
    row.expiry_due_at = None if has_ended else next_due(row.expires_at, window, row.expiry_warned)
    await note_down(tx, row, caller.actor, "automation.restored")
    await _owe_again(tx, policy, row)
    await tell_owner(tx, row, caller.actor, "automation_restored")
    return row


async def _check_cap(tx: Tx, limits: Limits, row: Automation) -> None:
    if row.creator_kind is ActorKind.AGENT and row.retired_at is None and row.expired_at is None:
        await automations.hold_creations(tx)
        check_cap(limits, await automations.count_active(tx))


async def _owe_again(tx: Tx, policy: Policy, row: Automation) -> None:
    """Demand anew what was owed when it was deleted, because its question ended then."""
    kind, why = row.review_kind, "It was deleted and restored before anybody had looked at it."
    if not row.review_required or kind is None:
        return
    owe_nothing(row)
    if row.expired_at is None:
        await demand_review(tx, policy, row, kind, why, {})
        return
    asked = retirement_question(await policy_in_force(tx, policy), row, why, {"trigger": kind})
    row.review_required, row.review_kind = True, kind
    row.review_requested_at, row.review_request_id = tx.now, (await raise_question(tx, policy, asked)).id
    await tx.session.flush()


async def purge(tx: Tx, automation_id: str) -> bool:
    """Delete for good what can no longer be restored; False where somebody was first."""
    row = await automations.locked(tx, automation_id, deleted=True)
    if row is None or row.purge_at is None or row.purge_at > tx.now:
        return False
    await note_down(tx, row, SYSTEM, "automation.purged")
    await automations.purge(tx, row.id)
    return True
