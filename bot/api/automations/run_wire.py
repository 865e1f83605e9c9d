"""The JSON shapes of runs and grants, built from what is stored."""

from datetime import datetime
from typing import Any, NotRequired

from typing_extensions import TypedDict

from bot.api.bodies import moment, moment_or_none
from bot.api.shapes import Instant
from bot.api.wire import stored
from governance.automations import GrantKind, RunStatus, StopKind
from storage.grants import is_live
from storage.tables import AutomationRun, Grant, RunEvent


class RunEventJson(TypedDict):
    """One step in the life of a run."""

    event: str
    reason: str | None
    at: Instant


class RunJson(TypedDict):
    """One run of an automation."""

    id: str
    automation_id: str
    status: RunStatus
    stop_kind: StopKind | None
    detail: str | None
    outputs: dict[str, Any] | None
    created_by: str
    created_at: Instant
    updated_at: Instant
    ended_at: Instant | None
    events: NotRequired[list[RunEventJson]]


class GrantJson(TypedDict):
    """A right given to an agent: to change an automation of somebody else, or a capability."""

    id: str
    kind: GrantKind
    agent: str
    automation_id: str | None
    capability: str | None
    granted_by: str
    reason: str | None
    live: bool
    approval_id: str | None
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None
    revoked_by: str | None
    revoke_reason: str | None


def run_json(row: AutomationRun) -> RunJson:
    """Return a run."""
    return {
        "id": row.id, "automation_id": row.automation_id, "status": row.status, "stop_kind": row.stop_kind,
        "detail": row.detail, "outputs": stored(row.outputs), "created_by": row.created_by,
        "created_at": moment(row.created_at), "updated_at": moment(row.updated_at),
        "ended_at": moment_or_none(row.ended_at),
    }  # fmt: skip


def run_event_json(row: RunEvent) -> RunEventJson:
    """Return one step in the life of a run."""
    return {"event": row.kind, "reason": row.reason, "at": moment(row.at)}


def grant_json(row: Grant, now: datetime) -> GrantJson:
    """Return a right given to an agent, whether it holds or not."""
    return {
        "id": row.id, "kind": row.kind, "agent": row.agent_id, "automation_id": row.automation_id,
        "capability": row.capability, "granted_by": row.granted_by, "reason": row.reason, "live": is_live(row, now),
        "approval_id": row.request_id, "created_at": moment(row.created_at),
        "expires_at": moment_or_none(row.expires_at), "revoked_at": moment_or_none(row.revoked_at),
        "revoked_by": row.revoked_by, "revoke_reason": row.revoke_reason,
    }  # fmt: skip
