"""A reviewer replaces the arguments of a call that waits; everybody else then answers the edited call."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from governance.canonical import Json, canonical
from governance.errors import ArgumentsChanged, Conflict, Forbidden, Unprocessable
from governance.gates import judge
from governance.lifecycle import RequestStatus
from governance.policy import Agent, Policy, Problem, Tool
from governance.resolution import Scoping
from governance.reviewers import seat_of, voices
from governance.secret_fields import MASK, as_pointer, find, join, split
from governance.text import storable
from governance.verdict import Call, Outcome
from operations.attendance import owe_look
from operations.notify import note
from operations.review import (
    Members,
    check_open,
    check_seen_version,
    found_request,
    panel_of_request,
    proposal_of,
)
from operations.stored_call import arguments_of, as_stored, open_secrets
from operations.submission import Submission, call_hash_of, claim_of
from storage import audit, proposals, requests, surfaces
from storage.database import Tx
from storage.facts import facts_about
from storage.outbox import Priority
from storage.tables import ApprovalRequest, Delegation, Door, Proposal, RequestType

#: What `proposed_arguments` shows where an edit replaced a secret: that it did, and nothing else.
REPLACED = f"{MASK} (replaced)"


@dataclass(frozen=True, slots=True)
class Edit:
    """The arguments one reviewer wants the call to have. MASK at a secret field keeps the sealed value."""

    editor: str
    arguments: Json
    via: Door
    reason: str | None = None
    seen_version: int | None = None  #: the version of the card that was clicked
    seen_digest: str | None = None  #: the digest an operator sent along


@dataclass(frozen=True, slots=True)
class _Work:
    """One edit on its way through the verb."""

    policy: Policy
    agent: Agent
    tool: Tool
    edit: Edit
    request: ApprovalRequest
    proposal: Proposal
    before: Json
    after: Json = field(default=None)


async def edit_arguments(
    tx: Tx, policy: Policy, request_id: str, edit: Edit, members: Members, checked: Sequence[Problem] | None = None
) -> ApprovalRequest:
    """Replace the arguments, void what was answered so far, and raise the request's version.

    `checked` are the problems of the completed arguments where they were looked for before (see `completed`).
    Raises NotFound, SelfReview, NotAReviewer, Forbidden, AlreadyDecided, ApprovalExpired, ArgumentsChanged, Conflict
    or Unprocessable; then nothing is written.
    """
    request = await found_request(tx, request_id)
    givers = await requests.givers(tx, request.id, edit.editor)
    seat_of(panel_of_request(request), edit.editor, members, givers)
    check_open(request, tx.now)
    check_seen_version(request, edit.seen_version)
    if edit.seen_digest is not None and edit.seen_digest != request.digest:
        raise ArgumentsChanged()
    if request.request_type is not RequestType.TOOL_CALL:
        raise Unprocessable("Only tool calls have arguments that can be edited.")
    check_others(request, await requests.delegations(tx, request.id), edit.editor, members)
    proposal = await proposal_of(tx, request)
    agent, tool = live_parties(policy, proposal)
    after = completed(tx, proposal, tool, edit.arguments)
    work = _Work(policy, agent, tool, edit, request, proposal, arguments_of(tx, proposal), after)
    if canonical(work.after) == canonical(work.before):
        raise Unprocessable("arguments: nothing is changed; approve or reject the call as it is.")
    await _check_call(tx, work, checked)
    await _rewrite(tx, work)
    return request


def live_parties(policy: Policy, proposal: Proposal) -> tuple[Agent, Tool]:
    """Return agent and tool as the policy has them now. Raises Conflict where the tool is not the one proposed."""
    agent, tool = policy.agents.get(proposal.agent_id), policy.tools.get(proposal.tool)
    if agent is None or tool is None or tool.version != proposal.tool_version:
        raise Conflict(
            "The tool has changed since this was asked, so it cannot be edited; reject it and let the agent ask again.",
            code="TOOL_CHANGED",
        )
    return agent, tool


def completed(tx: Tx, proposal: Proposal, tool: Tool, arguments: Json) -> Json:
    """Return edited arguments with the sealed secrets back wherever they still stand masked. Raises Unprocessable."""
    if not isinstance(arguments, dict):
        raise Unprocessable("arguments: send a JSON object.")
    known = open_secrets(tx, proposal)
    masked = [
        one for one in {**known, **dict.fromkeys(map(as_pointer, tool.secret_fields))} if _is_masked(arguments, one)
    ]
    for pointer in masked:
        if pointer not in known:
            raise Unprocessable(f"arguments: {pointer} had no value to keep; write the secret, or leave it out.")
    after = join(arguments, {pointer: known[pointer] for pointer in masked})
    shown = split(after, tool.secret_fields, tx.keys.digest_key).masked
    if (bared := next((one for one in masked if not _is_masked(shown, one)), None)) is not None:
        raise Unprocessable(f"arguments: {bared} repeats a secret that you replace; write it anew.")
    if _count(after) > _count(join(json.loads(proposal.arguments), known)):
        raise Unprocessable(f"arguments: {MASK} stands where no secret was; write what is meant.")
    return after


def _is_masked(arguments: Json, pointer: str) -> bool:
    return find(arguments, pointer) == (MASK,)


def _count(arguments: Json) -> int:
    """Return how often the mask itself stands in arguments."""
    return canonical(arguments).count(MASK.encode())


def check_others(request: ApprovalRequest, delegations: Sequence[Delegation], editor: str, members: Members) -> None:
    """Raise Forbidden for an edit that nobody could countersign any more."""
    handed = {one.giver: one.taker for one in delegations if one.taker != editor}
    others = voices(panel_of_request(request), members, handed, silent=editor)
    if len(others) < request.quorum:
        raise Forbidden(
            f"Your own approval of an edited call does not count, and {len(others)} of the {request.quorum} people "
            "needed would be left; reject it and say what should be different.",
            code="NOT_ENOUGH_REVIEWERS",
        )


async def _check_call(tx: Tx, work: _Work, checked: Sequence[Problem] | None) -> None:
    """Ask the gates about the edited call: a reviewer may not carry it past what the policy or a rule denies."""
    proposal, submission = work.proposal, _submission(work)
    facts = await facts_about(tx, work.agent, proposal.tool, call_hash_of(tx, proposal.agent_id, submission))
    scoping = Scoping(proposal.automation_id, proposal.run_id, proposal.session_id)
    call = Call(proposal.tool, work.after, proposal.on_behalf_of, proposal.thread_channel, scoping)
    verdict = judge(work.policy, work.agent, call, facts, checked=checked)
    if verdict.outcome is Outcome.NEEDS_INPUT:
        problems = [{"field": one.field, "message": one.message} for one in verdict.problems]
        raise Unprocessable(f"arguments: {verdict.reason}.", details={"problems": problems})
    if verdict.outcome is not Outcome.TIER:
        raise Forbidden(f"The edited call would not be allowed: {verdict.reason}.", code=verdict.code or "")
    if work.tool.secret_fields and not tx.keys.sealer.ready:
        raise Conflict("Secrets cannot be kept: COUNTERSIGN_ENCRYPTION_KEY is not set.", code="NO_ENCRYPTION_KEY")


def _submission(work: _Work) -> Submission:
    proposal = work.proposal
    channel, thread_ts = proposal.thread_channel, proposal.thread_ts
    return Submission(
        proposal.tool, work.after, proposal.idempotency_key, proposal.session_id, proposal.trace_id,
        proposal.automation_id, proposal.run_id, proposal.rationale, proposal.on_behalf_of,
        (channel, thread_ts) if channel and thread_ts else None,
    )  # fmt: skip


async def _rewrite(tx: Tx, work: _Work) -> None:
    request, proposal, edit, submission = work.request, work.proposal, work.edit, _submission(work)
    call_hash = call_hash_of(tx, proposal.agent_id, submission)
    stored = as_stored(tx, proposal, work.tool, work.after)
    stored |= {"call_hash": call_hash, "claim_key": claim_of(tx, submission, call_hash, proposal.state),
               "proposed_arguments": _first_version(tx, work)}  # fmt: skip
    before = request.digest
    if (other := await proposals.change(tx, proposal, **stored)) is not None:
        raise Conflict(
            "The agent has proposed exactly this call already; answer that one.",
            code="ALREADY_OPEN", details={"proposal_id": other.id},
        )  # fmt: skip
    if request.status is RequestStatus.DEFERRED:
        await requests.move(tx, request, RequestStatus.PENDING, reopen_at=None)
    version = request.version + 1
    if not await requests.change(tx, request, digest=proposal.digest, version=version, editor=edit.editor):
        raise ArgumentsChanged()
    await requests.void_reviews(tx, request.id)
    await _tell(tx, work, before)


def _first_version(tx: Tx, work: _Work) -> str:
    """Return the arguments as first proposed, masked, with a mark at each secret that is another one by now."""
    shown = json.loads(work.proposal.proposed_arguments or work.proposal.arguments)
    for pointer in map(as_pointer, work.tool.secret_fields):
        old, new = find(work.before, pointer), find(work.after, pointer)
        if old is not None and new is not None and canonical(old[0]) != canonical(new[0]):
            shown = join(shown, {pointer: REPLACED})
    return canonical(shown).decode()


async def _tell(tx: Tx, work: _Work, before: str) -> None:
    request, proposal, edit = work.request, work.proposal, work.edit
    reason = storable(edit.reason.strip()) or None if edit.reason else None
    detail = {
        "status": request.status, "version": request.version, "digest_before": before, "digest": request.digest,
        "via": edit.via, "reason": reason,
    }  # fmt: skip
    await audit.record(
        tx, "approval.edited", f"person:{edit.editor}", agent_id=proposal.agent_id, proposal_id=proposal.id,
        request_id=request.id, detail=detail,
    )  # fmt: skip
    await surfaces.touch(tx, proposal.id, Priority.ANSWER)
    await note(tx, proposal.id, "edited", by=edit.editor, reason=reason)
    await owe_look(tx, request.id)
    tx.announce(proposals.topic(proposal.id))
