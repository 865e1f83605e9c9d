"""A person answers an approval request; the answer that completes the quorum, or rejects, settles it."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime

from governance.automations import Actor, ActorKind
from governance.errors import AlreadyDecided, ApprovalExpired, ArgumentsChanged, NotFound, SelfReview, Unprocessable
from governance.lifecycle import OPEN_REQUESTS, ProposalState, RequestStatus
from governance.policy import Policy
from governance.reviewers import Panel, ReviewVerdict, Seat, approvals_that_count, seat_of
from governance.rules import Remember
from governance.text import storable
from operations.allow import queue_execution
from operations.effects import take_effect
from operations.notify import note, tell_owners
from operations.question import KEEPING, why_over
from operations.remember import Wish, check_wish, remember
from operations.resolved import owe_resolved
from storage import audit, governing, proposals, requests, surfaces
from storage.database import Tx
from storage.outbox import Priority
from storage.tables import ApprovalRequest, Door, Proposal, RequestType, Review
from storage.tables.base import new_id

Members = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One person's answer as it came in at one door."""

    reviewer: str
    verdict: ReviewVerdict
    via: Door
    reason: str | None = None
    until: datetime | None = None
    seen_version: int | None = None  #: the version of the card that was clicked
    seen_digest: str | None = None  #: the digest an operator sent along
    wish: Wish = field(default_factory=Wish)  #: for how long, and for what else, it is to hold
    said: Mapping[str, str] = field(default_factory=dict)  #: the reply or reaction it was, for the record


async def review(
    tx: Tx, request_id: str, answer: Answer, members: Members, left: Set[str] = frozenset(),
    policy: Policy | None = None,
) -> ApprovalRequest:  # fmt: skip
    """Record an answer and settle the request where it does; `members` holds the live members of its user groups,
    `left` whoever approved before and may no longer decide at all. What settles a question about governance takes
    effect at once, by `policy`; calls need none here, they are judged again when they run.

    Raises NotFound, SelfReview, NotAReviewer, AlreadyDecided, ApprovalExpired, ArgumentsChanged or Unprocessable;
    then nothing is written. The same answer by the same person again changes nothing.
    """
    await governing.hold_subject(tx, request_id)
    request = await found_request(tx, request_id)
    panel = panel_of_request(request)
    seat = seat_of(panel, answer.reviewer, members, await requests.givers(tx, request.id, answer.reviewer))
    reviews = await requests.live_reviews(tx, request.id)
    if _is_repetition(request, reviews, answer):
        return request
    check_open(request, tx.now)
    _check_seen(request, answer)
    _check_words(tx, request, answer)
    proposal = await proposal_of(tx, request)
    check_wish(proposal, request, answer.wish, tx.now)
    _check_place(seat, answer)
    await _write_down(tx, request, answer, seat)
    if answer.verdict is ReviewVerdict.DEFER:
        return await _defer(tx, request, answer)
    if answer.verdict is ReviewVerdict.REJECT:
        await _settle(tx, policy, request, answer, RequestStatus.REJECTED)
        await remember(tx, proposal, request, answer.wish, {answer.reviewer: answer.wish.remember})
        return request
    earlier = [review for review in reviews if review.reviewer not in (*left, seat.person, seat.of)]
    counted = approvals_that_count(panel, [*requests.approvers(earlier), seat], members)
    if len(counted) < request.quorum:
        return await _keep_waiting(tx, request, answer, len(counted))
    await _settle(tx, policy, request, answer, RequestStatus.APPROVED, counted)
    wishes = {review.reviewer: review.remember for review in earlier if review.reviewer in counted}
    await remember(tx, proposal, request, answer.wish, wishes | {answer.reviewer: answer.wish.remember})
    return request


async def found_request(tx: Tx, request_id: str) -> ApprovalRequest:
    """Return a request with its row locked. Raises NotFound."""
    request = await requests.locked(tx, request_id)
    if request is None:
        raise NotFound("There is no approval request under this id.")
    return request


def panel_of_request(request: ApprovalRequest) -> Panel:
    """Return who may answer a request, from the snapshot taken when it was asked."""
    return Panel(tuple(request.reviewers), request.quorum, request.requester, request.barred)


def winner_of(request: ApprovalRequest) -> dict[str, str | None]:
    """Return who settled a request, how, when and why, as losers of a race are told."""
    at = request.decided_at.isoformat().replace("+00:00", "Z") if request.decided_at else None
    return {"by": request.decided_by, "verdict": request.status.value, "at": at, "reason": request.reason}


def _is_repetition(request: ApprovalRequest, reviews: list[Review], answer: Answer) -> bool:
    """Whether this person has said so already. On a deferred request any answer is news; a request that reopened
    may be put off again, and who approved may still have it remembered."""
    if request.status is RequestStatus.DEFERRED:
        return False
    if answer.verdict is ReviewVerdict.DEFER and request.status in OPEN_REQUESTS:
        return False
    if answer.wish.remember is not Remember.ONCE and request.status in OPEN_REQUESTS:
        reviews = [review for review in reviews if review.remember is answer.wish.remember]
    return any(r.reviewer == answer.reviewer and r.verdict is answer.verdict for r in reviews)


def check_answerable(request: ApprovalRequest, now: datetime, seen_version: int) -> None:
    """Raise what an answer to this rendering would meet, before anybody is asked for words."""
    check_open(request, now)
    check_seen_version(request, seen_version)


def check_seen_version(request: ApprovalRequest, seen_version: int | None) -> None:
    """Raise ArgumentsChanged for a click on an older rendering than the current one."""
    if seen_version is not None and seen_version != request.version:
        raise ArgumentsChanged()


def check_open(request: ApprovalRequest, now: datetime) -> None:
    """Raise ApprovalExpired or AlreadyDecided where a request can no longer be answered."""
    if request.status is RequestStatus.EXPIRED or (request.status in OPEN_REQUESTS and now >= request.expires_at):
        raise ApprovalExpired(why_over(request))
    if request.status is RequestStatus.WITHDRAWN:
        how = "This request was withdrawn." if request.decided_by else "The agent withdrew this request."
        raise AlreadyDecided(how, details={"winner": winner_of(request)})
    if request.status not in OPEN_REQUESTS:
        raise AlreadyDecided(details={"winner": winner_of(request)})


def _check_seen(request: ApprovalRequest, answer: Answer) -> None:
    """Refuse an answer to another rendering than the current one; above version 1 it must name what it saw."""
    check_seen_version(request, answer.seen_version)
    if answer.seen_digest is not None and answer.seen_digest != request.digest:
        raise ArgumentsChanged()
    if request.version > 1 and answer.seen_version is None and answer.seen_digest is None:
        raise ArgumentsChanged("The arguments were edited; send the digest you have looked at.")


def _check_words(tx: Tx, request: ApprovalRequest, answer: Answer) -> None:
    if answer.verdict is ReviewVerdict.APPROVE:
        check_not_editor(request, answer.reviewer)
        return
    keeps = answer.verdict is ReviewVerdict.REJECT and request.request_type in KEEPING
    if not keeps and not (answer.reason or "").strip():
        raise Unprocessable(f"reason: say why you {answer.verdict}; the agent and the requester read it.")
    if answer.verdict is ReviewVerdict.DEFER and not (answer.until and tx.now < answer.until < request.expires_at):
        raise Unprocessable("until: name a moment from now on and before the request expires.")


def _check_place(seat: Seat, answer: Answer) -> None:
    """Refuse a rule by somebody who was handed a place: they speak for this call, and the rule would outlive that."""
    lasting = answer.wish.remember is not Remember.ONCE
    if seat.giver is not None and answer.verdict is ReviewVerdict.APPROVE and lasting:
        raise Unprocessable("remember: your place was handed to you for this call only; send `once`.")


def check_not_editor(request: ApprovalRequest, person: str) -> None:
    """Raise SelfReview where a person edited what they would approve."""
    if person == request.editor:
        raise SelfReview(
            "You edited these arguments, so somebody else has to countersign them.",
            details={"reviewers": [one for one in request.reviewers if one != person], "editor": person},
        )


async def _write_down(tx: Tx, request: ApprovalRequest, answer: Answer, seat: Seat) -> None:
    """Add the answer in place of what was said before on this place; whoever answers takes a delegation back."""
    await requests.void_reviews(tx, request.id, seat.person, seat.of)
    if seat.giver is None:
        await requests.end_delegation(tx, request.id, seat.person)
    await tx.add(
        Review(
            id=new_id("rev"),
            tenant=tx.tenant,
            request_id=request.id,
            request_version=request.version,
            reviewer=answer.reviewer,
            on_behalf_of=seat.giver,
            remember=answer.wish.remember,
            verdict=answer.verdict,
            reason=_clean(answer.reason),
            via=answer.via,
            at=tx.now,
        )
    )


async def _settle(
    tx: Tx, policy: Policy | None, request: ApprovalRequest, answer: Answer, status: RequestStatus,
    approvers: Set[str] = frozenset(),
) -> ApprovalRequest:  # fmt: skip
    """Move the request to its end; what was decided takes effect, or is queued to run, in the same commit."""
    await _move(
        tx, request, status, decided_at=tx.now, decided_by=answer.reviewer, decided_via=answer.via,
        reason=_clean(answer.reason), warn_at=None, reopen_at=None,
    )  # fmt: skip
    proposal = await proposal_of(tx, request)
    await proposals.enter_state(tx, proposal.id, await _carried_out(tx, policy, request, proposal, answer))
    await _note_down(tx, request, proposal, answer, "approval.decided", approvers)
    await surfaces.touch(tx, proposal.id, Priority.ANSWER)
    await note(tx, proposal.id, status.value, by=answer.reviewer, reason=_clean(answer.reason))
    await owe_resolved(tx, proposal)
    if status is RequestStatus.REJECTED:
        await tell_owners(tx, proposal, "rejected")
    return request


async def _carried_out(
    tx: Tx, policy: Policy | None, request: ApprovalRequest, proposal: Proposal, answer: Answer
) -> ProposalState:
    """Do what the decision means, and return what the proposal reads from now on."""
    if request.request_type is not RequestType.TOOL_CALL:
        return await take_effect(tx, policy, request, proposal, Actor(ActorKind.HUMAN, answer.reviewer))
    if request.status is RequestStatus.APPROVED:
        await queue_execution(tx, proposal, request.expires_at)
    return _STATE_AFTER[request.status]


_STATE_AFTER = {
    RequestStatus.APPROVED: ProposalState.ALLOWED,
    RequestStatus.REJECTED: ProposalState.REJECTED,
}


async def _keep_waiting(tx: Tx, request: ApprovalRequest, answer: Answer, votes: int) -> ApprovalRequest:
    if request.status is RequestStatus.DEFERRED:
        await _move(tx, request, RequestStatus.PENDING, reopen_at=None)
    proposal = await proposal_of(tx, request)
    await _note_down(tx, request, proposal, answer, "review.recorded")
    await surfaces.touch(tx, proposal.id, Priority.ANSWER)
    await note(tx, proposal.id, "vote", by=answer.reviewer, votes=str(votes))
    tx.announce(proposals.topic(proposal.id))
    return request


async def _defer(tx: Tx, request: ApprovalRequest, answer: Answer) -> ApprovalRequest:
    if request.status is RequestStatus.DEFERRED:  # deferring again just moves the moment
        await _move(tx, request, RequestStatus.PENDING, reopen_at=None)
    await _move(tx, request, RequestStatus.DEFERRED, reopen_at=answer.until)
    proposal = await proposal_of(tx, request)
    await _note_down(tx, request, proposal, answer, "approval.deferred")
    await surfaces.touch(tx, proposal.id, Priority.ANSWER)
    await note(tx, proposal.id, "deferred", by=answer.reviewer, reason=_clean(answer.reason))
    return request


async def _move(tx: Tx, request: ApprovalRequest, status: RequestStatus, **changes: object) -> None:
    if not await requests.move(tx, request, status, **changes):
        raise AlreadyDecided(details={"winner": winner_of(request)})


async def proposal_of(tx: Tx, request: ApprovalRequest) -> Proposal:
    """Return the proposal a request is about."""
    proposal = await tx.get(Proposal, request.proposal_id)
    assert proposal is not None  # the foreign key says so
    return proposal


async def _note_down(
    tx: Tx, request: ApprovalRequest, proposal: Proposal, answer: Answer, kind: str, approvers: Set[str] = frozenset()
) -> None:
    detail = {
        "verdict": answer.verdict, "status": request.status, "via": answer.via, "version": request.version,
        "reason": _clean(answer.reason), "digest": request.digest, "quorum": request.quorum,
        "expires_at": request.expires_at.isoformat(), "approvers": sorted(approvers), **answer.said,
        **named_type(request),
    }  # fmt: skip
    await audit.record(
        tx,
        kind,
        f"person:{answer.reviewer}",
        agent_id=proposal.agent_id,
        proposal_id=proposal.id,
        request_id=request.id,
        detail=detail,
    )


def named_type(request: ApprovalRequest) -> dict[str, str]:
    """Return what an entry says of the type of request it is about: nothing where that is a call."""
    return {"request_type": request.request_type} if request.request_type is not RequestType.TOOL_CALL else {}


def _clean(reason: str | None) -> str | None:
    return storable(reason.strip()) or None if reason else None
