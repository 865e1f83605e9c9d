"""Asking people about governance: a request that is shown, decided, reminded of and recorded like any other."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from governance.automations import Actor, ActorKind
from governance.canonical import Json, call_digest, canonical, content_hash
from governance.clocks import warning_due
from governance.lifecycle import ProposalState, RequestStatus
from governance.policy import INTERNAL, Policy
from governance.questions import AGENT, AUTOMATION, NOTHING_RUNS, capability_in, hours_in, panel_for, quorum_for
from governance.reviewers import Panel
from governance.text import cut, storable
from governance.tiers import Tier
from operations.ask import show_request
from operations.attendance import owe_look
from operations.notify import note
from storage import audit, proposals, requests, surfaces
from storage.database import Tx
from storage.limits import policy_in_force
from storage.outbox import Priority
from storage.tables import ApprovalRequest, OwedReview, Proposal, RequestType
from storage.tables.base import NAME_LENGTH, new_id

#: What lifecycle rules demand of a person; whoever owes it is reminded until it is answered.
OWED = frozenset({RequestType.LIFECYCLE_REVIEW, RequestType.RETIREMENT_ACTION})

#: Where a no keeps something going as it is, so that nobody has to say why.
KEEPING = frozenset({RequestType.RETIREMENT_ACTION})

_FIRST_NUDGE = timedelta(days=1)
_TIME_BOXED = frozenset({RequestType.CAPABILITY_REQUEST, RequestType.DEPTH_OVERRIDE})


@dataclass(frozen=True, slots=True)
class Question:
    """What people are asked. `target` is ("agent" | "automation", id); `title` names what is asked in a few words,
    `consequence` says in one line what a yes does (and a no, where that does something, too).

    `reviewers` are asked besides the admins: the owner, for what an owner may decide. They never include who asks.
    """

    kind: RequestType
    target: tuple[str, str]
    title: str
    consequence: str
    rationale: str
    context: Mapping[str, Json]
    asked_by: Actor
    reviewers: tuple[str, ...] = ()
    ttl: timedelta | None = None  #: how long it waits for people; None: as the limits say


async def raise_question(tx: Tx, policy: Policy, question: Question) -> ApprovalRequest:
    """Open a question, or return the one that is open already: what Countersign asks by itself is open once for each
    kind and target, what people and agents ask once for each asker and context.

    Raises Forbidden (NO_REVIEWER) where nobody could answer, Unprocessable for a context that means nothing; then
    nothing is written.
    """
    return (await open_question(tx, policy, question))[0]


async def open_question(tx: Tx, policy: Policy, question: Question) -> tuple[ApprovalRequest, bool]:
    """Do what `raise_question` does, and say besides whether the question is new."""
    policy = await policy_in_force(tx, policy)
    question = _completed(policy, question)
    key = _key_of(question)
    earlier = await requests.asked_under(tx, key)
    if earlier is not None and earlier.expires_at > tx.now:
        return earlier, False
    panel = _panel(policy, question)
    if earlier is not None:
        await _close(tx, earlier, "nobody answered in time; it is asked again")
    proposal = await tx.add(_proposal(tx, policy, question, panel))
    request = await tx.add(_request(tx, policy, question, panel, proposal, key))
    if question.kind in OWED:
        await _owe(tx, request, question, panel)
    await show_request(tx, policy, proposal)
    await owe_look(tx, request.id)
    await _note_down(tx, request, proposal, "governance.requested", str(question.asked_by), question.context)
    return request, True


async def supersede(tx: Tx, kind: RequestType, target: tuple[str, str], reason: str) -> int:
    """End the open questions of a kind about a target, because `reason`; returns how many. They read expired."""
    found = await requests.open_about(tx, kind, target)
    closed = [await _close(tx, one, reason) for one in found]
    return sum(closed)


async def _close(tx: Tx, request: ApprovalRequest, reason: str) -> bool:
    moved = await requests.move(
        tx, request, RequestStatus.EXPIRED, decided_at=tx.now, reason=reason, warn_at=None, reopen_at=None
    )
    if not moved:
        return False
    proposal = await tx.get(Proposal, request.proposal_id)
    assert proposal is not None  # the foreign key says so
    await proposals.enter_state(tx, proposal.id, ProposalState.EXPIRED)
    await answer_owed(tx, request.id)
    await _note_down(tx, request, proposal, "governance.superseded", "system", {"reason": reason})
    await surfaces.touch(tx, proposal.id, Priority.ANSWER)
    await note(tx, proposal.id, "superseded", reason=reason)
    return True


def why_over(request: ApprovalRequest) -> str:
    """Say why a question that nobody answered is over, which need not be for its time; nothing about a call."""
    if request.target_id is None:
        return ""
    if request.status is RequestStatus.EXPIRED and request.reason:
        return f"This question no longer stands: {request.reason}."
    return "This question expired before anybody answered; what is still owed is asked again by itself."


async def answer_owed(tx: Tx, request_id: str) -> OwedReview | None:
    """Note that a review is owed no more; returns what was owed, or None."""
    owed = await tx.get(OwedReview, request_id)
    if owed is None or owed.answered_at is not None:
        return None
    owed.answered_at = tx.now
    await tx.session.flush()
    return owed


def _completed(policy: Policy, question: Question) -> Question:
    """Return the question with what its context leaves open written into it, so that the card shows it."""
    context = dict(question.context)
    if question.kind is RequestType.CAPABILITY_REQUEST:
        context = {**context, "capability_key": capability_in(context)}
    if question.kind in _TIME_BOXED:
        length = hours_in(context, policy.limits.approval_ttl)
        assert length is not None
        context["hours"] = _hours(length)
    else:
        hours_in(context, None)
    return replace(question, context=context)


def _hours(length: timedelta) -> float | int:
    hours = length / timedelta(hours=1)
    return int(hours) if hours == int(hours) else hours


def _key_of(question: Question) -> str:
    asked: dict[str, Json] = {"kind": question.kind, "target": list(question.target)}
    if question.asked_by.kind is not ActorKind.SYSTEM:
        asked |= {"by": str(question.asked_by), "context": dict(question.context)}
    return content_hash(asked)


def _panel(policy: Policy, question: Question) -> Panel:
    by, context = question.asked_by, question.context
    asks_for_capability = question.kind is RequestType.CAPABILITY_REQUEST
    quorum = quorum_for(policy, capability_in(context)) if asks_for_capability else 1
    person = by.id if by.kind is ActorKind.HUMAN else None
    return panel_for(policy, question.reviewers, person, _belongs_to(policy, question), quorum)


def _belongs_to(policy: Policy, question: Question) -> str | None:
    """Return the person whose matter it is: the agent's creator, else who is asked besides the admins."""
    kind, target_id = question.target
    agent = policy.agents.get(target_id) if kind == AGENT else None
    named = (agent.creator if agent else None, *question.reviewers, *policy.admins, question.asked_by.id)
    return next((one for one in named if one is not None), None)


def _proposal(tx: Tx, policy: Policy, question: Question, panel: Panel) -> Proposal:
    kind, target_id = question.target
    by = question.asked_by
    tool = f"{INTERNAL}.{question.kind}"
    arguments = {"target": {"type": kind, "id": target_id}, "context": dict(question.context)}
    version = content_hash({"governance": question.kind, "consequence": question.consequence})
    asker = policy.agents.get(by.id or "") if by.kind is ActorKind.AGENT else None
    digest = call_digest(tool, version, arguments)
    return Proposal(
        id=new_id("prp"), tenant=tx.tenant,
        agent_id=asker.id if asker else INTERNAL, agent_name=asker.name if asker else "Countersign",
        creator=_belongs_to(policy, question) or panel.reviewers[0], requester=panel.requester,
        on_behalf_of=panel.requester, tool=tool, tool_version=version, title=cut(storable(question.title), NAME_LENGTH),
        action_class=tool, connector=NOTHING_RUNS, arguments=canonical(arguments).decode(), digest=digest,
        call_hash=digest, automation_id=target_id if kind == AUTOMATION else None,
        rationale=storable(question.rationale), consequence=storable(question.consequence),
        state=ProposalState.PENDING, tier=Tier.ACT_WITH_APPROVAL, reason="people decide about this", created_at=tx.now,
    )  # fmt: skip


def _request(tx: Tx, policy: Policy, question: Question, panel: Panel, proposal: Proposal, key: str) -> ApprovalRequest:
    expires_at = tx.now + (question.ttl or policy.limits.approval_ttl)
    target_type, target_id = question.target
    return ApprovalRequest(
        id=new_id("apr"), tenant=tx.tenant, proposal_id=proposal.id, request_type=question.kind,
        status=RequestStatus.PENDING, digest=proposal.digest, target_type=target_type, target_id=target_id,
        asked_key=key, reviewers=list(panel.reviewers), quorum=panel.quorum, requester=panel.requester,
        created_at=tx.now, expires_at=expires_at, warn_at=warning_due(tx.now, expires_at, 0),
    )  # fmt: skip


async def _owe(tx: Tx, request: ApprovalRequest, question: Question, panel: Panel) -> None:
    """Note who owes this review: its owner, or the first who may give it."""
    person = next((one for one in question.reviewers if one in panel.reviewers), panel.reviewers[0])
    await tx.add(
        OwedReview(request_id=request.id, tenant=tx.tenant, person=person, since=tx.now, nudge_at=tx.now + _FIRST_NUDGE)
    )


async def _note_down(
    tx: Tx, request: ApprovalRequest, proposal: Proposal, kind: str, actor: str, more: Mapping[str, Json]
) -> None:
    detail = {
        "request_type": request.request_type, "target": {"type": request.target_type, "id": request.target_id},
        "digest": request.digest, "expires_at": request.expires_at.isoformat(), "context": dict(more),
    }  # fmt: skip
    await audit.record(
        tx, kind, actor, agent_id=proposal.agent_id if proposal.agent_id != INTERNAL else None,
        proposal_id=proposal.id, request_id=request.id, detail=detail,
    )  # fmt: skip
