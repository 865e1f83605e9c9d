"""An agent proposes a tool call: it is judged, recorded, and allowed, asked about, noted or refused."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from governance.canonical import Json, call_digest, canonical, keyed_hash
from governance.clocks import start_by, warning_due
from governance.errors import IdempotencyConflict, TooMany
from governance.gates import Call, Outcome, Verdict, denied
from governance.lifecycle import OPEN_STATES, ExecutionStatus, ProposalState, RequestStatus
from governance.policy import Agent, Policy, Tool
from governance.secret_fields import Split, split
from governance.text import storable
from governance.tiers import Tier
from storage import audit, proposals, surfaces
from storage.database import Tx
from storage.tables import ApprovalRequest, Execution, Proposal, RequestType
from storage.tables.base import new_id


@dataclass(frozen=True, slots=True)
class Submission:
    """What an agent sent, parsed."""

    tool: str
    arguments: Json
    idempotency_key: str | None = None
    session_id: str | None = None
    trace_id: str | None = None
    rationale: str | None = None
    on_behalf_of: str | None = None
    thread: tuple[str, str] | None = None  #: channel and thread_ts

    @property
    def call(self) -> Call:
        """The part of it that is judged."""
        return Call(self.tool, self.arguments, self.on_behalf_of, self.thread[0] if self.thread else None)


@dataclass(frozen=True, slots=True)
class Proposed:
    """The answer to a submission. `proposal` is None only where the tool is unknown."""

    verdict: Verdict
    proposal: Proposal | None
    duplicate: bool = False


async def propose(tx: Tx, policy: Policy, agent: Agent, submission: Submission, verdict: Verdict) -> Proposed:
    """Record a judged submission. Raises IdempotencyConflict or TooMany, and then records nothing."""
    call_hash = keyed_hash(tx.keys.digest_key, [agent.id, submission.tool, submission.arguments])
    earlier = await _earlier(tx, agent, submission, call_hash)
    if earlier is not None and earlier.call_hash == call_hash:
        return Proposed(verdict, earlier, duplicate=True)
    if verdict.outcome is Outcome.UNSUPPORTED:
        await audit.record(tx, "proposal.unsupported", f"agent:{agent.id}", agent_id=agent.id,
                           detail={"tool": submission.tool[:255], "trace_id": submission.trace_id})  # fmt: skip
        return Proposed(verdict, None)
    tool = policy.tools[submission.tool]
    if tool.secret_fields and not tx.keys.sealer.ready and verdict.outcome is Outcome.TIER:
        verdict = denied("NO_ENCRYPTION_KEY", "the tool has secret fields and COUNTERSIGN_ENCRYPTION_KEY is not set")
    if verdict.outcome is not Outcome.TIER:
        return Proposed(verdict, await _block(tx, agent, tool, submission, call_hash, verdict))
    if earlier is not None:
        raise IdempotencyConflict(details={"proposal_id": earlier.id})
    return await _accept(tx, policy, agent, tool, submission, call_hash, verdict)


async def _earlier(tx: Tx, agent: Agent, submission: Submission, call_hash: str) -> Proposal | None:
    """Return the proposal this submission may repeat: under its key, or the same call while it is open."""
    if submission.idempotency_key is not None:
        return await proposals.by_idempotency_key(tx, agent.id, submission.idempotency_key)
    return await proposals.open_call(tx, agent.id, call_hash, submission.session_id)


async def _block(
    tx: Tx, agent: Agent, tool: Tool, submission: Submission, call_hash: str, verdict: Verdict
) -> Proposal:
    proposal = _row(tx, agent, tool, submission, call_hash, verdict, ProposalState.DENIED)
    proposal.problems = [{"field": problem.field, "message": problem.message} for problem in verdict.problems]
    await tx.add(proposal)
    await _note_down(tx, tool, proposal, None, verdict)
    return proposal


async def _accept(
    tx: Tx, policy: Policy, agent: Agent, tool: Tool, submission: Submission, call_hash: str, verdict: Verdict
) -> Proposed:
    """Insert the proposal with what its tier calls for; of two identical ones at once, the second finds the first."""
    assert verdict.tier is not None
    if verdict.tier.asks and await proposals.count_waiting(tx, agent.id) >= policy.limits.max_open_requests:
        raise TooMany(
            f"Agent {agent.id} already has {policy.limits.max_open_requests} requests open; "
            "wait for answers or withdraw some.",
            code="TOO_MANY_PENDING",
        )
    proposal = _row(tx, agent, tool, submission, call_hash, verdict, _FIRST_STATE[verdict.tier])
    try:
        async with tx.session.begin_nested():
            await tx.add(proposal)
    except IntegrityError:
        return await _lost_race(tx, agent, submission, call_hash, verdict)
    request = await _open_request(tx, policy, tool, proposal, verdict) if verdict.tier.asks else None
    if verdict.tier.runs_unasked:
        await queue_execution(tx, proposal)
    await _note_down(tx, tool, proposal, request, verdict)
    return Proposed(verdict, proposal)


_FIRST_STATE = {
    Tier.SHADOW: ProposalState.SHADOWED,
    Tier.SUGGEST: ProposalState.SUGGESTED,
    Tier.ACT_WITH_APPROVAL: ProposalState.PENDING,
    Tier.ACT_AND_NOTIFY: ProposalState.ALLOWED,
    Tier.ACT_AUTO: ProposalState.ALLOWED,
}


async def _lost_race(tx: Tx, agent: Agent, submission: Submission, call_hash: str, verdict: Verdict) -> Proposed:
    earlier = await _earlier(tx, agent, submission, call_hash)
    if earlier is None or earlier.call_hash != call_hash:
        raise IdempotencyConflict()
    return Proposed(verdict, earlier, duplicate=True)


def _row(
    tx: Tx, agent: Agent, tool: Tool, submission: Submission, call_hash: str, verdict: Verdict, state: ProposalState
) -> Proposal:
    parts = split(submission.arguments, tool.secret_fields, tx.keys.digest_key)
    accepted = verdict.outcome is Outcome.TIER
    proposal_id = new_id("prp")
    channel, thread_ts = submission.thread or (None, None)
    return Proposal(
        id=proposal_id,
        tenant=tx.tenant,
        agent_id=agent.id,
        agent_name=agent.name,
        creator=agent.creator,
        requester=verdict.panel.requester if verdict.panel else submission.on_behalf_of,
        tool=tool.name,
        tool_version=tool.version,
        title=tool.title,
        action_class=tool.action_class,
        connector=tool.connector.kind,
        risk=tool.risk,
        arguments=canonical(parts.masked).decode(),
        sealed_secrets=_sealed(tx, proposal_id, parts) if accepted else None,
        digest=call_digest(tool.name, tool.version, parts.hashed),
        call_hash=call_hash,
        idempotency_key=submission.idempotency_key if accepted else None,
        claim_key=_claim(tx, submission, call_hash, state) if accepted else None,
        session_id=submission.session_id,
        trace_id=submission.trace_id,
        rationale=storable(submission.rationale) if submission.rationale else None,
        on_behalf_of=submission.on_behalf_of,
        thread_channel=channel,
        thread_ts=thread_ts,
        consequence=storable(tool.tell_consequence(parts.masked)) if accepted else None,
        state=state,
        tier=verdict.tier,
        reason=storable(verdict.reason),
        code=verdict.code,
        created_at=tx.now,
        closed_at=tx.now if state in (ProposalState.DENIED, ProposalState.SHADOWED) else None,
    )


def _claim(tx: Tx, submission: Submission, call_hash: str, state: ProposalState) -> str | None:
    """Return what makes a repetition find this proposal: the caller's key, or the call itself while it is open."""
    if submission.idempotency_key is not None:
        return f"key:{submission.idempotency_key}"
    unique_call = keyed_hash(tx.keys.digest_key, [call_hash, submission.session_id])
    return f"call:{unique_call}" if state in OPEN_STATES else None


def _sealed(tx: Tx, proposal_id: str, parts: Split) -> str | None:
    return tx.keys.sealer.seal(canonical(parts.secrets), proposal_id) if parts.secrets else None


async def _open_request(tx: Tx, policy: Policy, tool: Tool, proposal: Proposal, verdict: Verdict) -> ApprovalRequest:
    assert verdict.panel is not None
    expires_at = tx.now + policy.ttl_of(tool)
    request = await tx.add(
        ApprovalRequest(
            id=new_id("apr"),
            tenant=tx.tenant,
            proposal_id=proposal.id,
            request_type=RequestType.TOOL_CALL,
            status=RequestStatus.PENDING,
            digest=proposal.digest,
            reviewers=list(verdict.panel.reviewers),
            quorum=verdict.panel.quorum,
            requester=verdict.panel.requester,
            created_at=tx.now,
            expires_at=expires_at,
            warn_at=warning_due(tx.now, expires_at, 0),
        )
    )
    if proposal.thread_channel is not None:
        await surfaces.open_one(tx, proposal.id, proposal.thread_channel, proposal.thread_ts)
    await surfaces.open_one(tx, proposal.id, policy.approvals_channel)
    return request


async def queue_execution(tx: Tx, proposal: Proposal, expires_at: datetime | None = None) -> Execution:
    """Insert the execution of a call that this transaction allows."""
    assert proposal.tier is not None
    tx.announce("executions", proposals.topic(proposal.id))
    return await tx.add(
        Execution(
            id=new_id("exe"),
            tenant=tx.tenant,
            proposal_id=proposal.id,
            tool=proposal.tool,
            status=ExecutionStatus.QUEUED,
            unasked=proposal.tier.runs_unasked,
            tier=proposal.tier,
            queued_at=tx.now,
            next_attempt_at=tx.now,
            start_by=start_by(tx.now, expires_at),
        )
    )


async def _note_down(tx: Tx, tool: Tool, proposal: Proposal, request: ApprovalRequest | None, verdict: Verdict) -> None:
    detail = {
        "tool": proposal.tool, "digest": proposal.digest, "outcome": verdict.outcome, "tier": verdict.tier,
        "reason": proposal.reason, "code": verdict.code, "action_class": tool.action_class,
        "capability": tool.capability, "trace_id": proposal.trace_id, "rule_id": proposal.rule_id,
    }  # fmt: skip
    await audit.record(
        tx, f"proposal.{proposal.state}", f"agent:{proposal.agent_id}", agent_id=proposal.agent_id,
        proposal_id=proposal.id, request_id=request.id if request else None, detail=detail,
    )  # fmt: skip
