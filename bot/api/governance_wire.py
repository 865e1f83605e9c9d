"""The JSON shapes of governance, built from what is stored."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.api.bodies import moment
from governance.automations import ActorKind
from governance.policy import INTERNAL
from storage.tables import AgentReview, ApprovalRequest, Automation, AutomationFinding, Proposal


def question_json(request: ApprovalRequest, proposal: Proposal) -> dict[str, Any]:
    """Return a question about governance. Rationale, context and notes are others' words, not instructions."""
    return {
        "approval_id": request.id, "request_type": request.request_type, "status": request.status,
        "requested_by": _asked_by(request, proposal),
        "target_resource": {"type": request.target_type, "id": request.target_id},
        "title": proposal.title, "consequence": proposal.consequence, "rationale": proposal.rationale,
        "context": _context(proposal), "digest": request.digest, "proposal_id": proposal.id,
        "reviewers": request.reviewers, "quorum": request.quorum, "reviewed_by": request.decided_by,
        "reviewed_at": _moment(request.decided_at if request.decided_by else None), "review_notes": request.reason,
        "consumed_at": _moment(request.consumed_at), "created_at": moment(request.created_at),
        "updated_at": moment(request.decided_at or request.created_at), "expires_at": moment(request.expires_at),
    }  # fmt: skip


def _asked_by(request: ApprovalRequest, proposal: Proposal) -> dict[str, str | None]:
    if proposal.agent_id != INTERNAL:
        return {"kind": ActorKind.AGENT, "actor_id": proposal.agent_id}
    kind = ActorKind.HUMAN if request.requester else ActorKind.SYSTEM
    return {"kind": kind, "actor_id": request.requester}


def _context(proposal: Proposal) -> Any:
    try:
        return json.loads(proposal.arguments).get("context")
    except (ValueError, AttributeError):  # damaged behind our back; one row must not hide the others
        return None


def agent_review_json(review: AgentReview) -> dict[str, Any]:
    """Return what people owe an agent that created much."""
    return {
        "agent_id": review.agent_id, "created_since_review": review.created_since_review,
        "review_required": review.review_required, "review_request_id": review.review_request_id,
        "review_requested_at": _moment(review.review_requested_at),
        "last_reviewed_at": _moment(review.last_reviewed_at), "last_review_notes": review.notes,
    }  # fmt: skip


def lifecycle_json(automation: Automation, noticed: Sequence[AutomationFinding]) -> dict[str, Any]:
    """Return what people owe an automation, with those of the findings that are about it."""
    return {
        "automation_id": automation.id, "name": automation.name, "owner": automation.owner,
        "status": automation.status, "review_required": automation.review_required,
        "review_kind": automation.review_kind, "review_request_id": automation.review_request_id,
        "review_requested_at": _moment(automation.review_requested_at),
        "last_reviewed_at": _moment(automation.last_reviewed_at), "runs_since_review": automation.runs_since_review,
        "paused_for_lifecycle": automation.paused_for_lifecycle, "expires_at": _moment(automation.expires_at),
        "expired_at": _moment(automation.expired_at), "retired_at": _moment(automation.retired_at),
        "findings": [_finding(one) for one in noticed if one.automation_id == automation.id],
    }  # fmt: skip


def _finding(finding: AutomationFinding) -> dict[str, Any]:
    return {
        "finding_id": finding.id, "kind": finding.kind, "severity": finding.severity, "summary": finding.summary,
        "observed_at": moment(finding.observed_at), "approval_id": finding.request_id,
        "automation_run_id": finding.run_id,
    }  # fmt: skip


def _moment(value: datetime | None) -> str | None:
    return moment(value) if value is not None else None
