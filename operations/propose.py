"""An agent proposes a tool call: it is judged, recorded, and allowed, asked about, noted or refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.exc import IntegrityError

from governance.canonical import Json, call_digest, canonical
from governance.errors import IdempotencyConflict, TooMany
from governance.facts import Facts
from governance.gates import judge
from governance.lifecycle import ProposalState
from governance.policy import Agent, Policy, Problem, Tool
from governance.secret_fields import Split, split
from governance.text import storable
from governance.tiers import Tier
from governance.verdict import Outcome, Verdict, denied
from operations.allow import queue_execution
from operations.ask import open_request, show_request
from operations.first_version import is_first_version
from operations.submission import Submission, call_hash_of, claim_of
from storage import audit, proposals, rules, standing
from storage.database import Tx
from storage.facts import facts_about
from storage.tables import ApprovalRequest, Proposal
from storage.tables.base import new_id


@dataclass(frozen=True, slots=True)
class Proposed:
    """The answer to a submission. `proposal` is None where the tool is unknown, or nothing was to be recorded."""

    verdict: Verdict
    proposal: Proposal | None
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class _Work:
    """One submission on its way through the verb."""

    policy: Policy
    agent: Agent
    submission: Submission
    call_hash: str
    verdict: Verdict = field(default=Verdict(Outcome.UNSUPPORTED, ""))

    @property
    def tool(self) -> Tool:
        return self.policy.tools[self.submission.tool]


async def propose(
    tx: Tx, policy: Policy, agent: Agent, submission: Submission, checked: Sequence[Problem] | None = None
) -> Proposed:
    """Judge and record a submission. Raises IdempotencyConflict or TooMany, and then records nothing.

    `checked` are the problems of gate 1, where they have been looked for before (see governance.gates).
    """
    work = _Work(policy, agent, submission, call_hash_of(tx, agent.id, submission))
    earlier = await _earlier(tx, work)
    if earlier is not None and _is_same(earlier, work):
        return Proposed(work.verdict, earlier, duplicate=True)
    work = replace(work, verdict=await judged(tx, policy, agent, submission, work.call_hash, checked))
    if work.verdict.outcome is Outcome.UNSUPPORTED:
        await audit.record(tx, "proposal.unsupported", f"agent:{agent.id}", agent_id=agent.id,
                           detail={"tool": submission.tool[:255]})  # fmt: skip
        return Proposed(work.verdict, None)
    if work.verdict.outcome is not Outcome.TIER:
        return Proposed(work.verdict, await _block(tx, work))
    if earlier is not None:
        raise IdempotencyConflict(details={"proposal_id": earlier.id})
    return await _accept(tx, work)


async def consider(tx: Tx, policy: Policy, agent: Agent, submission: Submission) -> Verdict:
    """Return what `propose` would answer to a new submission now; nothing is written."""
    facts = await facts_about(tx, agent, submission.tool, call_hash_of(tx, agent.id, submission))
    return _sealable(tx, policy, submission, judge(policy, agent, submission.call, facts))


async def judged(
    tx: Tx,
    policy: Policy,
    agent: Agent,
    submission: Submission,
    call_hash: str,
    checked: Sequence[Problem] | None = None,
) -> Verdict:
    """Judge on what is known now; a rule that answers is used up by one, or is not asked again."""
    facts: Facts = await facts_about(tx, agent, submission.tool, call_hash, holding=True)
    verdict = judge(policy, agent, submission.call, facts, checked=checked)
    if verdict.rule is not None and not await rules.use(tx, verdict.rule.id):
        others = tuple(rule for rule in facts.rules if rule.id != verdict.rule.id)
        verdict = judge(policy, agent, submission.call, replace(facts, rules=others), checked=checked)
    return _sealable(tx, policy, submission, verdict)


def _sealable(tx: Tx, policy: Policy, submission: Submission, verdict: Verdict) -> Verdict:
    """Refuse what could not be kept: secrets, where there is no key to seal them under."""
    if verdict.outcome is not Outcome.TIER or tx.keys.sealer.ready:
        return verdict
    if not policy.tools[submission.tool].secret_fields:
        return verdict
    return denied("NO_ENCRYPTION_KEY", "the tool has secret fields and COUNTERSIGN_ENCRYPTION_KEY is not set")


async def _earlier(tx: Tx, work: _Work) -> Proposal | None:
    """Return the proposal this submission may repeat: under its key, or the same call while it is open."""
    key = work.submission.idempotency_key
    if key is not None:
        return await proposals.by_idempotency_key(tx, work.agent.id, key)
    found = await proposals.open_calls(tx, work.agent.id, work.call_hash)
    return next((one for one in found if _is_same(one, work)), None)


def _is_same(earlier: Proposal, work: _Work) -> bool:
    """Whether a submission repeats an earlier one: the same call, for the same person, in the same place."""
    submission, thread = work.submission, work.submission.thread or (None, None)
    same_session = submission.idempotency_key is not None or earlier.session_id == submission.session_id
    return (
        same_session
        and (earlier.call_hash == work.call_hash or _is_its_first_version(earlier, work))
        and earlier.on_behalf_of == submission.on_behalf_of
        and (earlier.thread_channel, earlier.thread_ts) == thread
    )


def _is_its_first_version(earlier: Proposal, work: _Work) -> bool:
    """Whether a caller's own key comes with the call as it was before a reviewer edited it: it still means that one."""
    if work.submission.idempotency_key is None or work.submission.tool != earlier.tool:
        return False
    return is_first_version(work.policy.tools.get(earlier.tool), earlier, work.submission.arguments)


async def _block(tx: Tx, work: _Work) -> Proposal:
    proposal = _row(tx, work, ProposalState.DENIED)
    proposal.problems = [{"field": problem.field, "message": problem.message} for problem in work.verdict.problems]
    await tx.add(proposal)
    await _note_down(tx, proposal, None, work.verdict)
    return proposal


async def _accept(tx: Tx, work: _Work) -> Proposed:
    """Insert the proposal with what its tier calls for; of two identical ones at once, the second finds the first."""
    verdict = work.verdict
    await check_room(tx, work.policy, work.agent, verdict)
    proposal = _row(tx, work, state_of(verdict))
    try:
        async with tx.session.begin_nested():
            await tx.add(proposal)
    except IntegrityError:
        return await _lost_race(tx, work)
    request = None
    if verdict.asks and verdict.panel is not None:
        request = await open_request(tx, work.policy, work.tool, proposal, verdict.panel)
        await show_request(tx, work.policy, proposal)
    if verdict.runs:
        await let_run(tx, work.agent, verdict, proposal)
    await _note_down(tx, proposal, request, verdict)
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


async def _lost_race(tx: Tx, work: _Work) -> Proposed:
    earlier = await _earlier(tx, work)
    if earlier is None or not _is_same(earlier, work):
        raise IdempotencyConflict()
    return Proposed(work.verdict, earlier, duplicate=True)


def _row(tx: Tx, work: _Work, state: ProposalState) -> Proposal:
    agent, tool, submission, verdict = work.agent, work.tool, work.submission, work.verdict
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
        call_hash=work.call_hash,
        idempotency_key=submission.idempotency_key if accepted else None,
        claim_key=claim_of(tx, submission, work.call_hash, state) if accepted else None,
        session_id=submission.session_id,
        trace_id=submission.trace_id,
        automation_id=submission.automation_id,
        run_id=submission.run_id,
        rationale=storable(submission.rationale) if submission.rationale else None,
        on_behalf_of=submission.on_behalf_of,
        thread_channel=channel,
        thread_ts=thread_ts,
        consequence=storable(tool.tell_consequence(parts.masked)) if accepted else None,
        state=state,
        tier=verdict.tier,
        reason=storable(verdict.reason),
        code=verdict.code,
        rule_id=verdict.rule.id if verdict.rule else None,
        created_at=tx.now,
        closed_at=tx.now if state in (ProposalState.DENIED, ProposalState.SHADOWED) else None,
    )


def _sealed(tx: Tx, proposal_id: str, parts: Split) -> str | None:
    return tx.keys.sealer.seal(canonical(parts.secrets), proposal_id) if parts.secrets else None


async def _note_down(tx: Tx, proposal: Proposal, request: ApprovalRequest | None, verdict: Verdict) -> None:
    detail: dict[str, Json] = {
        "tool": proposal.tool, "digest": proposal.digest, "outcome": verdict.outcome, "tier": verdict.tier,
        "reason": proposal.reason, "code": verdict.code,
    }  # fmt: skip
    detail |= {"rule": verdict.rule.id, "rule_authors": list(verdict.rule.authors)} if verdict.rule else {}
    await audit.record(
        tx, f"proposal.{proposal.state}", f"agent:{proposal.agent_id}", agent_id=proposal.agent_id,
        proposal_id=proposal.id, request_id=request.id if request else None, detail=detail,
    )  # fmt: skip
