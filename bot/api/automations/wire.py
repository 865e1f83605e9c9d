"""The JSON shapes of automations and of what governs them, built from what is stored."""

from collections.abc import Sequence
from typing import Any

from typing_extensions import TypedDict

from bot.api.bodies import moment, moment_or_none
from bot.api.shapes import Instant
from bot.api.wire import stored
from governance.automations import ActorKind, AutomationStatus, ReviewKind, Right, Severity
from operations.automations import rights_of
from storage.tables import AgentReview, Automation, AutomationFinding


class CapabilitiesJson(TypedDict):
    """Which capabilities an automation declares."""

    creates_agents: bool
    modifies_grants: bool


class CreatorJson(TypedDict):
    """Who made something; the system alone has no id."""

    kind: ActorKind
    id: str | None


class AutomationJson(TypedDict):
    """A registered piece of recurring agent work. `tools` is null where it may use whatever its agents may."""

    id: str
    name: str
    status: AutomationStatus
    schedule: str | None
    tools: list[str] | None
    agents: list[str]
    capabilities: CapabilitiesJson
    metadata: dict[str, Any] | None
    creator: CreatorJson
    creator_id: str | None
    owner: str
    paused_reason: str | None
    created_at: Instant
    updated_at: Instant
    expires_at: Instant | None
    deleted_at: Instant | None
    restore_until: Instant | None


class LifecycleJson(TypedDict):
    """Where an automation stands in its life, and what people owe it."""

    status: AutomationStatus
    review_required: bool
    review_kind: ReviewKind | None
    review_requested_at: Instant | None
    review_request_id: str | None
    last_reviewed_at: Instant | None
    runs_since_review: int
    expires_at: Instant | None
    expired_at: Instant | None
    retired_at: Instant | None
    retire_reason: str | None
    paused_for_lifecycle: bool
    creation_paused: bool
    health_checked_at: Instant | None


class FindingJson(TypedDict):
    """Something that a health check, an expiry or a revocation noticed."""

    id: str
    kind: str
    severity: Severity
    summary: str
    evidence: Any
    run_id: str | None
    approval_id: str | None
    observed_at: Instant


class GovernanceJson(LifecycleJson):
    """What governs an automation: where it comes from, what is owed about it, what was found."""

    automation_id: str
    owner: str
    creator: CreatorJson
    ancestors: list[str]
    depth: int
    declared_capabilities: CapabilitiesJson
    health_findings: list[FindingJson]


class AgentReviewJson(TypedDict):
    """What people owe the agent that made an automation."""

    agent_id: str
    created_since_review: int
    review_required: bool
    review_request_id: str | None
    review_requested_at: Instant | None
    last_reviewed_at: Instant | None


def automation_json(row: Automation) -> AutomationJson:
    """Return an automation as callers read it."""
    return {
        "id": row.id, "name": row.name, "status": row.status, "schedule": row.schedule, "tools": row.tools,
        "agents": row.agents, "capabilities": _capabilities(row), "metadata": stored(row.about),
        "creator": {"kind": row.creator_kind, "id": row.creator_id}, "creator_id": row.creator_id,
        "owner": row.owner, "paused_reason": row.paused_reason,
        "created_at": moment(row.created_at), "updated_at": moment(row.updated_at),
        "expires_at": moment_or_none(row.expires_at), "deleted_at": moment_or_none(row.deleted_at),
        "restore_until": moment_or_none(row.purge_at),
    }  # fmt: skip


def _capabilities(row: Automation) -> CapabilitiesJson:
    declared = rights_of(row)
    return {
        "creates_agents": Right.CREATES_AGENTS in declared,
        "modifies_grants": Right.MODIFIES_GRANTS in declared,
    }


def governance_json(row: Automation, found: Sequence[AutomationFinding]) -> GovernanceJson:
    """Return what governs an automation: where it comes from, what is owed about it, what was found."""
    return {
        "automation_id": row.id, "owner": row.owner, "creator": {"kind": row.creator_kind, "id": row.creator_id},
        "ancestors": row.chain, "depth": row.depth, "declared_capabilities": _capabilities(row),
        **lifecycle_json(row), "health_findings": [finding_json(one) for one in found],
    }  # fmt: skip


def lifecycle_json(row: Automation) -> LifecycleJson:
    """Return where an automation stands in its life."""
    return {
        "status": row.status, "review_required": row.review_required, "review_kind": row.review_kind,
        "review_requested_at": moment_or_none(row.review_requested_at), "review_request_id": row.review_request_id,
        "last_reviewed_at": moment_or_none(row.last_reviewed_at), "runs_since_review": row.runs_since_review,
        "expires_at": moment_or_none(row.expires_at), "expired_at": moment_or_none(row.expired_at),
        "retired_at": moment_or_none(row.retired_at), "retire_reason": row.retire_reason,
        "paused_for_lifecycle": row.paused_for_lifecycle, "creation_paused": row.creation_paused,
        "health_checked_at": moment_or_none(row.health_checked_at),
    }  # fmt: skip


def agent_review_json(row: AgentReview) -> AgentReviewJson:
    """Return what people owe the agent that made an automation."""
    return {
        "agent_id": row.agent_id, "created_since_review": row.created_since_review,
        "review_required": row.review_required, "review_request_id": row.review_request_id,
        "review_requested_at": moment_or_none(row.review_requested_at),
        "last_reviewed_at": moment_or_none(row.last_reviewed_at),
    }  # fmt: skip


def finding_json(row: AutomationFinding) -> FindingJson:
    """Return one finding."""
    return {
        "id": row.id, "kind": row.kind, "severity": row.severity, "summary": row.summary,
        "evidence": stored(row.evidence), "run_id": row.run_id, "approval_id": row.request_id,
        "observed_at": moment(row.observed_at),
    }  # fmt: skip
