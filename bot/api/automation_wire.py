"""The JSON shapes of automations, runs, grants and findings, built from what is stored."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.api.bodies import moment
from bot.api.wire import stored
from governance.automations import Right
from operations.automations import rights_of
from storage.grants import is_live
from storage.tables import AgentReview, Automation, AutomationFinding, AutomationRun, Grant, RunEvent


def automation_json(row: Automation) -> dict[str, Any]:
    """Return an automation as callers read it."""
    declared = rights_of(row)
    return {
        "id": row.id, "name": row.name, "status": row.status, "schedule": row.schedule, "tools": row.tools,
        "agents": row.agents, "capabilities": {right.value: right in declared for right in Right},
        "metadata": stored(row.about), "creator": {"kind": row.creator_kind, "id": row.creator_id},
        "creator_id": row.creator_id, "owner": row.owner, "paused_reason": row.paused_reason,
        "created_at": moment(row.created_at), "updated_at": moment(row.updated_at),
        "expires_at": _moment(row.expires_at), "deleted_at": _moment(row.deleted_at),
        "restore_until": _moment(row.purge_at),
    }  # fmt: skip


def governance_json(row: Automation, found: Sequence[AutomationFinding]) -> dict[str, Any]:
    """Return what governs an automation: where it comes from, what is owed about it, what was found."""
    return {
        "automation_id": row.id, "owner": row.owner, "creator": {"kind": row.creator_kind, "id": row.creator_id},
        "ancestors": row.chain, "depth": row.depth,
        "declared_capabilities": {right.value: right in rights_of(row) for right in Right},
        **lifecycle_json(row), "health_findings": [finding_json(one) for one in found],
    }  # fmt: skip


def lifecycle_json(row: Automation) -> dict[str, Any]:
    """Return where an automation stands in its life."""
    return {
        "status": row.status, "review_required": row.review_required, "review_kind": row.review_kind,
        "review_requested_at": _moment(row.review_requested_at), "review_request_id": row.review_request_id,
        "last_reviewed_at": _moment(row.last_reviewed_at), "runs_since_review": row.runs_since_review,
        "expires_at": _moment(row.expires_at), "expired_at": _moment(row.expired_at),
        "retired_at": _moment(row.retired_at), "retire_reason": row.retire_reason,
        "paused_for_lifecycle": row.paused_for_lifecycle, "creation_paused": row.creation_paused,
        "health_checked_at": _moment(row.health_checked_at),
    }  # fmt: skip


def agent_review_json(row: AgentReview) -> dict[str, Any]:
    """Return what people owe the agent that made an automation."""
    return {
        "agent_id": row.agent_id, "created_since_review": row.created_since_review,
        "review_required": row.review_required, "review_request_id": row.review_request_id,
        "review_requested_at": _moment(row.review_requested_at), "last_reviewed_at": _moment(row.last_reviewed_at),
    }  # fmt: skip


def finding_json(row: AutomationFinding) -> dict[str, Any]:
    """Return one finding."""
    return {
        "id": row.id, "kind": row.kind, "severity": row.severity, "summary": row.summary,
        "evidence": stored(row.evidence), "run_id": row.run_id, "approval_id": row.request_id,
        "observed_at": moment(row.observed_at),
    }  # fmt: skip


def run_json(row: AutomationRun) -> dict[str, Any]:
    """Return a run."""
    return {
        "id": row.id, "automation_id": row.automation_id, "status": row.status, "stop_kind": row.stop_kind,
        "detail": row.detail, "outputs": stored(row.outputs), "created_by": row.created_by,
        "created_at": moment(row.created_at), "updated_at": moment(row.updated_at), "ended_at": _moment(row.ended_at),
    }  # fmt: skip


def run_event_json(row: RunEvent) -> dict[str, Any]:
    """Return one step in the life of a run."""
    return {"event": row.kind, "reason": row.reason, "at": moment(row.at)}


def grant_json(row: Grant, now: datetime) -> dict[str, Any]:
    """Return a right given to an agent, whether it holds or not."""
    return {
        "id": row.id, "kind": row.kind, "agent": row.agent_id, "automation_id": row.automation_id,
        "capability": row.capability, "granted_by": row.granted_by, "reason": row.reason, "live": is_live(row, now),
        "approval_id": row.request_id, "created_at": moment(row.created_at), "expires_at": _moment(row.expires_at),
        "revoked_at": _moment(row.revoked_at), "revoked_by": row.revoked_by, "revoke_reason": row.revoke_reason,
    }  # fmt: skip


def _moment(value: datetime | None) -> str | None:
    return moment(value) if value is not None else None
