"""Losing something an automation relied on: it stops at once and waits for people."""

from collections.abc import Mapping

from governance.automations import Actor, AutomationStatus, ReviewKind, Severity, StopKind
from governance.canonical import Json
from governance.policy import Policy
from operations.lifecycle import pause_runs
from operations.owing import demand_review, find
from operations.telling import note_down, tell_owner
from storage import automations
from storage.database import Tx
from storage.tables import Automation


async def revoke_dependency(
    tx: Tx, policy: Policy, automation: Automation, actor: Actor, reason: str, evidence: Mapping[str, Json]
) -> None:
    """Pause an automation and every run of it, and demand a review. Nothing of it starts before that was given and
    somebody has resumed it; both is open from here on."""
    automation.status, automation.paused_reason = AutomationStatus.PAUSED, reason
    automation.paused_for_lifecycle, automation.updated_at = True, tx.now
    automation.creation_paused = True
    paused = await pause_runs(tx, automation, StopKind.GUARDRAIL_STOPPED, reason)
    context: dict[str, Json] = {"reason": reason, "evidence": dict(evidence), "paused_runs": list[Json](paused)}
    if earlier := [one.summary for one in await automations.findings(tx, automation.id)]:
        context["noticed_before"] = list[Json](earlier)  # a yes clears that as well
    why = f"It lost something it relied on: {reason}. {len(paused)} of its runs were paused."
    if automation.retired_at is None and automation.expired_at is None:
        await demand_review(tx, policy, automation, ReviewKind.DEPENDENCY_REVOKED, why, context, is_news=True)
    await find(tx, automation, ReviewKind.DEPENDENCY_REVOKED, Severity.CRITICAL, reason, context)
    await note_down(tx, automation, actor, "automation.dependency_revoked", context)
    await tell_owner(tx, automation, actor, "automation_dependency_revoked", reason=reason)
