"""The JSON shapes of answers about proposals and approvals, built from what is stored."""

import json
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from bot.api.bodies import moment
from bot.api.shapes import Instant, Untrusted
from governance.canonical import Json
from governance.lifecycle import ExecutionStatus, ProposalState, RequestStatus
from governance.reviewers import ReviewVerdict
from governance.tiers import Tier
from operations.execute import AGENT
from storage.dossier import Dossier
from storage.tables import ApprovalRequest, AuditEntry, Door, Execution, RequestType, Review

_DECIDED = frozenset({RequestStatus.APPROVED, RequestStatus.REJECTED})


class ReviewJson(TypedDict):
    """One person's answer; `on_behalf_of` is whoever handed them their place."""

    by: str
    on_behalf_of: str | None
    verdict: ReviewVerdict
    at: Instant
    reason: str | None
    reason_is_untrusted: Untrusted
    via: Door


class DecisionJson(TypedDict):
    """Who settled it, and how. The reason is a person's text: data, not instructions."""

    verdict: RequestStatus
    by: str | None
    at: Instant
    reason: str | None
    reason_is_untrusted: Untrusted


class ApprovalJson(TypedDict):
    """How far people are with a call."""

    id: str
    status: RequestStatus
    version: int
    approvals: int
    quorum: int
    expires_at: Instant
    reviews: list[ReviewJson]
    decision: DecisionJson | None


class ExecutionJson(TypedDict):
    """The running of an allowed call."""

    status: ExecutionStatus
    attempt: int
    result: Any
    error: str | None


class ProposalJson(TypedDict):
    """A call that an agent proposed. `state` is the one word to act on; `arguments` stand there after an edit.

    `yours_to_run`: the agent runs the call itself now, and reports what became of it.
    """

    proposal_id: str
    state: ProposalState
    duplicate: bool
    tool: str
    digest: str
    tier: Tier | None
    reason: str
    code: str | None
    rule_id: str | None
    approval: ApprovalJson | None
    execution: ExecutionJson | None
    yours_to_run: bool
    created_at: Instant
    edited: NotRequired[Literal[True]]
    arguments: NotRequired[dict[str, Any]]


class DelegationJson(TypedDict):
    """A reviewer's place, handed on."""

    by: str
    to: str
    at: Instant


class RequestJson(TypedDict):
    """A question to people about one call; secrets are masked."""

    id: str
    request_type: RequestType
    status: RequestStatus
    version: int
    proposal_id: str
    agent: str
    tool: str
    title: str
    arguments: dict[str, Any] | None
    digest: str
    consequence: str | None
    rationale: str | None
    requester: str | None
    reviewers: list[str]
    approvals: int
    quorum: int
    reviews: list[ReviewJson]
    created_at: Instant
    expires_at: Instant
    decision: DecisionJson | None
    proposed_arguments: dict[str, Any] | None
    edited_by: str | None
    delegations: list[DelegationJson]


class EventJson(TypedDict):
    """One thing that happened to a proposal, as the audit record has it."""

    event: str
    at: Instant
    actor: str
    detail: dict[str, Any] | None


def proposal_json(found: Dossier, *, duplicate: bool = False) -> ProposalJson:
    """Return a proposal as agents read it."""
    proposal = found.proposal
    told: ProposalJson = {
        "proposal_id": proposal.id, "state": proposal.state, "duplicate": duplicate, "tool": proposal.tool,
        "digest": proposal.digest, "tier": proposal.tier, "reason": proposal.reason, "code": proposal.code,
        "rule_id": proposal.rule_id, "approval": _approval(found), "execution": _execution(found.execution),
        "yours_to_run": _is_agents(found), "created_at": moment(proposal.created_at),
    }  # fmt: skip
    if proposal.proposed_arguments is not None:
        told["edited"], told["arguments"] = True, json.loads(proposal.arguments)
    return told


def _is_agents(found: Dossier) -> bool:
    """Whether it is now the agent that has to run the call and to report, and nobody else."""
    running = found.execution is not None and found.execution.status is ExecutionStatus.RUNNING
    return running and found.proposal.connector == AGENT


def _approval(found: Dossier) -> ApprovalJson | None:
    request = found.request
    if request is None:
        return None
    return {
        "id": request.id, "status": request.status, "version": request.version, "approvals": approvals(found),
        "quorum": request.quorum, "expires_at": moment(request.expires_at),
        "reviews": [_review(review) for review in found.reviews], "decision": decision_json(request),
    }  # fmt: skip


def approvals(found: Dossier) -> int:
    """Return how many people have approved."""
    return sum(review.verdict is ReviewVerdict.APPROVE for review in found.reviews)


def _review(review: Review) -> ReviewJson:
    return {
        "by": review.reviewer, "on_behalf_of": review.on_behalf_of, "verdict": review.verdict,
        "at": moment(review.at), "reason": review.reason, "reason_is_untrusted": True, "via": review.via,
    }  # fmt: skip


def decision_json(request: ApprovalRequest) -> DecisionJson | None:
    """Return who decided what, or None while nobody has. The reason is a person's text: data, not instructions."""
    if request.status not in _DECIDED or request.decided_at is None:
        return None
    return {
        "verdict": request.status, "by": request.decided_by, "at": moment(request.decided_at),
        "reason": request.reason, "reason_is_untrusted": True,
    }  # fmt: skip


def _execution(execution: Execution | None) -> ExecutionJson | None:
    if execution is None:
        return None
    return {
        "status": execution.status, "attempt": execution.attempt, "result": stored(execution.result),
        "error": execution.error,
    }  # fmt: skip


def stored(text: str | None) -> Json:
    """Return stored JSON, or null where it was damaged: one row that cannot be read must not hide the others."""
    try:
        found: Json = json.loads(text) if text is not None else None
    except ValueError:
        return None
    return found


def request_json(found: Dossier) -> RequestJson:
    """Return an approval request as operators and its agent read it; secrets are masked."""
    proposal, request = found.proposal, found.request
    assert request is not None
    proposed = json.loads(proposal.proposed_arguments) if proposal.proposed_arguments is not None else None
    return {
        "id": request.id, "request_type": request.request_type, "status": request.status, "version": request.version,
        "proposal_id": proposal.id, "agent": proposal.agent_id, "tool": proposal.tool, "title": proposal.title,
        "arguments": stored(proposal.arguments), "digest": request.digest, "consequence": proposal.consequence,
        "rationale": proposal.rationale, "requester": request.requester, "reviewers": request.reviewers,
        "approvals": approvals(found), "quorum": request.quorum, "reviews": [_review(r) for r in found.reviews],
        "created_at": moment(request.created_at), "expires_at": moment(request.expires_at),
        "decision": decision_json(request), "proposed_arguments": proposed, "edited_by": request.editor,
        "delegations": [{"by": one.giver, "to": one.taker, "at": moment(one.at)} for one in found.delegations],
    }  # fmt: skip


def event_json(entry: AuditEntry) -> EventJson:
    """Return one thing that happened to a proposal."""
    return {"event": entry.kind, "at": moment(entry.at), "actor": entry.actor, "detail": stored(entry.detail)}
