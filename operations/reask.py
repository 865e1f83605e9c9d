"""Asking again about a call that nobody answered in time, or that was invalidated before it ran."""

from dataclasses import dataclass

from governance.errors import AlreadyDecided, Conflict, Forbidden, NotFound
from governance.lifecycle import ProposalState
from governance.policy import Agent, Policy, Tool
from governance.questions import NOTHING_RUNS
from governance.reviewers import Panel, voices
from governance.text import storable
from governance.verdict import Outcome, Verdict
from operations.ask import open_request, show_request
from operations.judging import judged
from operations.notify import note
from operations.propose import check_room, let_run, state_of
from operations.review import Members, panel_of_request
from operations.stored_call import arguments_of, as_stored, open_secrets
from operations.submission import Submission, call_hash_of, claim_of
from storage import aap, audit, proposals, requests, surfaces
from storage.database import Tx
from storage.outbox import Priority
from storage.tables import ApprovalRequest, Proposal, SurfaceStatus

_IS_TOLD = (
    "The agent asked over the Agent Approval Protocol and has been told how that ended, which is final there; "
    "the agent may ask anew."
)
_AGAIN = frozenset({ProposalState.EXPIRED, ProposalState.INVALIDATED})


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks again: an agent by its own key, or a person."""

    agent_id: str | None = None
    person: str | None = None

    def __str__(self) -> str:
        return f"person:{self.person}" if self.person else f"agent:{self.agent_id}"


@dataclass(frozen=True, slots=True)
class _Work:
    """One call on its way through the verb."""

    policy: Policy
    agent: Agent
    tool: Tool
    proposal: Proposal
    submission: Submission
    call_hash: str
    verdict: Verdict
    editor: str | None


async def ask_again(tx: Tx, policy: Policy, proposal_id: str, asker: Asker, members: Members) -> Proposal:
    """Judge a call anew and ask people about it again, or let it run where a rule or the policy answers by now.

    `members` holds the live members of the earlier request's user groups. Raises NotFound, Forbidden (with the code of
    the gate that denies it now), AlreadyDecided, Conflict (ALREADY_OPEN) or TooMany; then nothing is written.
    """
    proposal = await proposals.locked(tx, proposal_id)
    if proposal is None or asker.agent_id not in (None, proposal.agent_id):
        raise NotFound("There is no proposal of yours under this id.")
    earlier = await requests.of_proposal(tx, proposal.id)
    if asker.person is not None:
        check_may_ask_again(policy, proposal, earlier, asker.person, members)
    check_can_be_asked_again(proposal)
    if await aap.of_proposal(tx, proposal) is not None:
        raise Conflict(_IS_TOLD, code="AAP_REQUEST_IS_OVER")
    work = await _judged(tx, policy, proposal, earlier)
    await check_room(tx, policy, work.agent, work.verdict)
    before = proposal.state, proposal.digest
    await _take_up(tx, work)
    await _go_on(tx, work, members)
    await _tell(tx, work, asker, before)
    await tx.session.refresh(proposal)
    return proposal


def check_may_ask_again(
    policy: Policy, proposal: Proposal, earlier: ApprovalRequest | None, person: str, members: Members
) -> None:
    """Raise Forbidden unless it is the requester, the creator, an operator, an admin, or one of its reviewers."""
    insiders = {proposal.requester, proposal.on_behalf_of, proposal.creator, *policy.admins, *policy.operators}
    if person in insiders or (earlier is not None and panel_of_request(earlier).admits(person, members)):
        return
    raise Forbidden("Only its requester, its reviewers, the agent's creator and operators may have this asked again.")


def check_can_be_asked_again(proposal: Proposal) -> None:
    """Raise AlreadyDecided unless nobody answered, or what was answered no longer held; Conflict for no call."""
    if proposal.connector == NOTHING_RUNS:
        raise Conflict("Only calls are asked about again; what is still owed is asked by itself, the rest filed anew.")
    if proposal.state in _AGAIN:
        return
    if proposal.state in (ProposalState.PENDING, ProposalState.SUGGESTED):
        raise AlreadyDecided("People are being asked about this; answer it on its card.")
    raise AlreadyDecided(
        f"This call is {proposal.state}; only one that expired or was invalidated can be asked about again. "
        "The agent may propose a new one."
    )


async def _judged(tx: Tx, policy: Policy, proposal: Proposal, earlier: ApprovalRequest | None) -> _Work:
    agent, tool = policy.agents.get(proposal.agent_id), policy.tools.get(proposal.tool)
    if agent is None or tool is None:
        missing = f"agent {proposal.agent_id}" if agent is None else f"tool {proposal.tool}"
        raise Forbidden(f"It cannot be asked again: {missing} is no longer in the policy.", code="POLICY_CHANGED")
    submission = _submission(tx, proposal)
    call_hash = call_hash_of(tx, agent.id, submission)
    verdict = await judged(tx, policy, agent, submission, call_hash)
    if verdict.outcome is not Outcome.TIER or not (verdict.asks or verdict.runs):
        raise Forbidden(f"It cannot be asked again: {verdict.reason}.", code=verdict.code or "POLICY_DENIED")
    editor = earlier.editor if earlier else None
    _check_edit(verdict, editor)
    return _Work(policy, agent, tool, proposal, submission, call_hash, verdict, editor)


def _check_edit(verdict: Verdict, editor: str | None) -> None:
    """Refuse to let an edited call run on its editor's word alone; a rule of others speaks for it, theirs does not."""
    alone = verdict.rule is None or editor in verdict.rule.authors
    if editor is not None and verdict.runs and alone:
        raise Forbidden(
            "It cannot be asked again as it was edited: nobody but its editor would speak for the edit. "
            "The agent may propose it.",
            code="NOT_ENOUGH_REVIEWERS",
        )


def _submission(tx: Tx, proposal: Proposal) -> Submission:
    channel, thread_ts = proposal.thread_channel, proposal.thread_ts
    return Submission(
        proposal.tool, arguments_of(tx, proposal), proposal.idempotency_key, proposal.session_id, proposal.trace_id,
        proposal.automation_id, proposal.run_id, proposal.rationale, proposal.on_behalf_of,
        (channel, thread_ts) if channel and thread_ts else None,
    )  # fmt: skip


async def _take_up(tx: Tx, work: _Work) -> None:
    """Bring the proposal up to the live tool and verdict, and claim its call again."""
    tool, verdict, proposal = work.tool, work.verdict, work.proposal
    state = state_of(verdict)
    changes = as_stored(tx, proposal, tool, work.submission.arguments, also=open_secrets(tx, proposal)) | {
        "tool_version": tool.version, "title": tool.title, "action_class": tool.action_class,
        "connector": tool.connector.kind, "risk": tool.risk, "creator": work.agent.creator,
        "agent_name": work.agent.name, "call_hash": work.call_hash, "tier": verdict.tier,
        "requester": verdict.panel.requester if verdict.panel else proposal.on_behalf_of,
        "reason": storable(verdict.reason), "code": verdict.code,
        "rule_id": verdict.rule.id if verdict.rule else None,
        "claim_key": claim_of(tx, work.submission, work.call_hash, state),
    }  # fmt: skip
    if (other := await proposals.change(tx, proposal, **changes)) is not None:
        raise Conflict(
            "The agent has opened this call again already; look at that proposal.",
            code="ALREADY_OPEN", details={"proposal_id": other.id},
        )  # fmt: skip
    await proposals.enter_state(tx, proposal.id, state)


async def _go_on(tx: Tx, work: _Work, members: Members) -> None:
    verdict, proposal = work.verdict, work.proposal
    if verdict.runs:
        await let_run(tx, work.agent, verdict, proposal)
        await surfaces.touch(tx, proposal.id, Priority.CARD)
        return
    assert verdict.panel is not None  # people are asked
    _check_others(work, verdict.panel, members)
    await open_request(tx, work.policy, work.tool, proposal, verdict.panel, work.editor)
    shown = await surfaces.of_proposal(tx, proposal.id)
    if any(one.status is not SurfaceStatus.GONE for one in shown):
        await surfaces.touch(tx, proposal.id, Priority.CARD)
    else:
        await show_request(tx, work.policy, proposal)


def _check_others(work: _Work, panel: Panel, members: Members) -> None:
    """Refuse to ask about an edited call that only its editor could approve; groups are counted at the click."""
    if work.editor is None or panel.groups():
        return
    if len(voices(panel, members, {}, silent=work.editor)) < panel.quorum:
        raise Forbidden(
            "It cannot be asked again as it was edited: too few people would be left to countersign the edit.",
            code="NOT_ENOUGH_REVIEWERS",
        )


async def _tell(tx: Tx, work: _Work, asker: Asker, before: tuple[ProposalState, str]) -> None:
    proposal, verdict = work.proposal, work.verdict
    request = await requests.of_proposal(tx, proposal.id) if verdict.asks else None
    detail = {"was": before[0], "digest_before": before[1], "digest": proposal.digest, "tier": verdict.tier,
              "reason": proposal.reason}  # fmt: skip
    await audit.record(
        tx, "proposal.rerequested", str(asker), agent_id=proposal.agent_id, proposal_id=proposal.id,
        request_id=request.id if request else None, detail=detail,
    )  # fmt: skip
    event = "reasked_runs" if verdict.runs else "reasked" if asker.person else "reasked_by_agent"
    await note(tx, proposal.id, event, by=asker.person)
