"""An agent proposes a tool call: it is judged, recorded, and allowed, asked about, noted or refused."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.exc import IntegrityError

from governance.canonical import Json
from governance.errors import IdempotencyConflict, TooMany
from governance.lifecycle import ProposalState
from governance.narrowing import withheld
from governance.policy import Agent, Policy, Problem
from governance.tiers import Tier
from governance.verdict import Outcome, Verdict
from operations.allow import queue_execution
from operations.ask import open_request, show_request
from operations.judging import judged
from operations.recording import proposal_row
from operations.repetition import earlier_of, is_same
from operations.submission import Submission, Work, call_hash_of
from storage import audit, proposals, standing
from storage.database import Tx
from storage.tables import ApprovalRequest, Proposal


@dataclass(frozen=True, slots=True)
class Proposed:
    """The answer to a submission. `proposal` is None where the tool is unknown, or nothing was to be recorded."""

    verdict: Verdict
    proposal: Proposal | None
    duplicate: bool = False


async def propose(
    tx: Tx, policy: Policy, agent: Agent, submission: Submission, checked: Sequence[Problem] | None = None
) -> Proposed:
    """Judge and record a submission. Raises IdempotencyConflict or TooMany, and then records nothing.

    `checked` are the problems of gate 1, where they have been looked for before (see governance.gates).
    """
    work = Work(policy, agent, submission, call_hash_of(tx, agent.id, submission))
    earlier = await earlier_of(tx, work)
    if earlier is not None and is_same(earlier, work):
        return Proposed(work.verdict, earlier, duplicate=True)
    work = replace(work, verdict=await judged(tx, policy, agent, submission, work.call_hash, checked))
    if work.verdict.outcome is Outcome.UNSUPPORTED:
        await audit.record(tx, "proposal.unsupported", f"agent:{agent.id}", agent_id=agent.id,
                           detail={"tool": submission.tool[:255], "trace_id": submission.trace_id})  # fmt: skip
        return Proposed(work.verdict, None)
    if work.verdict.outcome is not Outcome.TIER:
        return Proposed(work.verdict, await _block(tx, work))
    if earlier is not None:
        raise IdempotencyConflict(details={"proposal_id": earlier.id})
    return await _accept(tx, work)


async def _block(tx: Tx, work: Work) -> Proposal:
    proposal = proposal_row(tx, work, ProposalState.DENIED)
    proposal.problems = [{"field": problem.field, "message": problem.message} for problem in work.verdict.problems]
    await tx.add(proposal)
    await _note_down(tx, work, proposal, None)
    return proposal


async def _accept(tx: Tx, work: Work) -> Proposed:
    """Insert the proposal with what its tier calls for; of two identical ones at once, the second finds the first."""
    verdict = work.verdict
    await check_room(tx, work.policy, work.agent, verdict)
    proposal = proposal_row(tx, work, state_of(verdict))
    try:
        async with tx.session.begin_nested():
            await tx.add(proposal)
    except IntegrityError:
        return await _lost_race(tx, work)
    request = None
    if verdict.asks and verdict.panel is not None:
        ttl = work.submission.ttl
        request = await open_request(tx, work.policy, work.tool, proposal, verdict.panel, ttl=ttl)
        await show_request(tx, work.policy, proposal)
    if verdict.runs:
        await let_run(tx, work.agent, verdict, proposal)
    await _note_down(tx, work, proposal, request)
    return Proposed(verdict, proposal)


async def check_room(tx: Tx, policy: Policy, agent: Agent, verdict: Verdict) -> None:
    """Raise TooMany where people would be asked and the agent has as many requests open as it may."""
    limit = policy.limits.max_open_requests
    if verdict.asks and await proposals.count_waiting(tx, agent.id) >= limit:
        sentence = f"Agent {agent.id} already has {limit} requests open; wait for answers or withdraw some."
        raise TooMany(sentence, code="TOO_MANY_PENDING")


def state_of(verdict: Verdict) -> ProposalState:
    """Return the state of a call on which the answer is a tier."""
    assert verdict.tier is not None  # the outcome is a tier
    return ProposalState.ALLOWED if verdict.runs else _FIRST_STATE[verdict.tier]


_FIRST_STATE = {
    Tier.SHADOW: ProposalState.SHADOWED,
    Tier.SUGGEST: ProposalState.SUGGESTED,
    Tier.ACT_WITH_APPROVAL: ProposalState.PENDING,
}


async def let_run(tx: Tx, agent: Agent, verdict: Verdict, proposal: Proposal) -> None:
    """Queue a call that nobody is asked about, and count it where its agent has a budget of such calls."""
    await queue_execution(tx, proposal)
    has_budget = agent.budget_per_hour is not None or agent.budget_per_day is not None
    if has_budget and verdict.rule is None:
        await standing.count(tx, agent.id)


async def _lost_race(tx: Tx, work: Work) -> Proposed:
    earlier = await earlier_of(tx, work)
    if earlier is None or not is_same(earlier, work):
        raise IdempotencyConflict()
    return Proposed(work.verdict, earlier, duplicate=True)


async def _note_down(tx: Tx, work: Work, proposal: Proposal, request: ApprovalRequest | None) -> None:
    verdict, tool = work.verdict, work.tool
    detail: dict[str, Json] = {
        "tool": proposal.tool, "digest": proposal.digest, "outcome": verdict.outcome, "tier": verdict.tier,
        "reason": proposal.reason, "code": verdict.code, "action_class": tool.action_class,
        "capability": tool.capability, "trace_id": proposal.trace_id, "rule_id": proposal.rule_id,
    }  # fmt: skip
    if held := withheld(work.policy, work.agent):
        detail["scopes_withheld_by_key"] = sorted(held)
    detail |= {"rule_authors": list(verdict.rule.authors)} if verdict.rule else {}
    await audit.record(
        tx, f"proposal.{proposal.state}", f"agent:{proposal.agent_id}", agent_id=proposal.agent_id,
        proposal_id=proposal.id, request_id=request.id if request else None, detail=detail,
    )  # fmt: skip
