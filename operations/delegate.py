"""A reviewer hands their place on a request to somebody else who may decide here.

The circle does not widen: a place goes only to somebody who could answer anyway, or to an admin.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from governance.errors import Unprocessable
from governance.policy import Policy
from governance.reviewers import Panel, Seat, seat_of, voices
from governance.text import storable
from operations.notify import note
from operations.review import Members, check_open, check_seen_version, found_request, panel_of_request, proposal_of
from storage import audit, requests, surfaces
from storage.database import Tx
from storage.outbox import Owed, Priority, owe
from storage.proposals import topic
from storage.tables import ApprovalRequest, Delegation, Door, Proposal
from storage.tables.base import new_id

MAX_HANDS = 3  #: how often one place may change hands while a request is open


@dataclass(frozen=True, slots=True)
class Handing:
    """One person's wish to let somebody else answer for them."""

    giver: str
    taker: str
    via: Door
    reason: str | None = None
    seen_version: int | None = None  #: the version of the card that was clicked


async def delegate(tx: Tx, policy: Policy, request_id: str, handing: Handing, members: Members) -> ApprovalRequest:
    """Hand a place on. What was answered on it is void; a later answer of its owner takes it back.

    `members` holds the live members of the request's user groups; that the taker is a full member of the workspace is
    the door's to check. Raises NotFound, SelfReview, NotAReviewer, AlreadyDecided, ApprovalExpired, ArgumentsChanged
    or Unprocessable.
    """
    request = await found_request(tx, request_id)
    panel = panel_of_request(request)
    givers = await requests.givers(tx, request.id, handing.giver)
    seat = seat_of(panel, handing.giver, members, givers)
    check_open(request, tx.now)
    check_seen_version(request, handing.seen_version)
    proposal = await proposal_of(tx, request)
    check_taker(policy, panel, request, proposal, seat, handing.taker, members)
    await check_room(tx, request, panel, seat, handing.taker, members)
    await requests.void_reviews(tx, request.id, seat.person, seat.of)
    await requests.end_delegation(tx, request.id, seat.of)
    await _write_down(tx, request, proposal, seat, handing)
    return request


def check_taker(
    policy: Policy, panel: Panel, request: ApprovalRequest, proposal: Proposal, seat: Seat, taker: str,
    members: Members,
) -> None:  # fmt: skip
    """Raise Unprocessable where somebody may not take a place: they have a part in the call, or the circle widens."""
    if taker == request.editor:
        raise Unprocessable("to: they edited these arguments, so somebody else has to countersign them.")
    if taker in (seat.person, seat.of):
        raise Unprocessable("to: this place is yours or came from them; name somebody else.")
    if taker in (panel.requester, proposal.on_behalf_of):
        raise Unprocessable("to: this was asked for on their behalf, so somebody else has to countersign it.")
    if _is_barred(policy, proposal, taker):
        raise Unprocessable("to: they created the agent, and this tool keeps its creator from approving.")
    if taker not in policy.admins and not panel.admits(taker, members):
        raise Unprocessable("to: they may not answer this request; name one of its reviewers or an admin.")


def _is_barred(policy: Policy, proposal: Proposal, taker: str) -> bool:
    """A tool that has left the policy says nothing, so its agent's creator stays out."""
    tool = policy.tools.get(proposal.tool)
    return taker == proposal.creator and (tool is None or tool.creator_may_approve is False)


async def check_room(
    tx: Tx, request: ApprovalRequest, panel: Panel, seat: Seat, taker: str, members: Mapping[str, frozenset[str]]
) -> None:
    """Refuse an endless chain, and a handing after which too few different people would be left to agree."""
    if await requests.count_delegations(tx, request.id, seat.of) >= MAX_HANDS:
        raise Unprocessable(f"to: this place has changed hands {MAX_HANDS} times; answer yourself, or leave it.")
    handed = {one.giver: one.taker for one in await requests.delegations(tx, request.id)} | {seat.of: taker}
    if len(voices(panel, members, handed, silent=request.editor)) < request.quorum:
        raise Unprocessable(
            f"to: {request.quorum} different people must agree, and they have a place already; "
            "name somebody who has none."
        )


async def _write_down(tx: Tx, request: ApprovalRequest, proposal: Proposal, seat: Seat, handing: Handing) -> None:
    reason = storable(handing.reason.strip()) or None if handing.reason else None
    row = Delegation(
        id=new_id("dlg"), tenant=tx.tenant, request_id=request.id, giver=seat.of, taker=handing.taker, reason=reason,
        at=tx.now,
    )  # fmt: skip
    await tx.add(row)
    detail = {
        "status": request.status, "place": seat.of, "to": handing.taker, "via": handing.via, "reason": reason,
        "version": request.version,
    }  # fmt: skip
    await audit.record(
        tx, "approval.delegated", f"person:{seat.person}", agent_id=proposal.agent_id, proposal_id=proposal.id,
        request_id=request.id, detail=detail,
    )  # fmt: skip
    await surfaces.touch(tx, proposal.id, Priority.ANSWER)
    await note(tx, proposal.id, "delegated", by=seat.person, to=handing.taker, reason=reason)
    invitation = {"proposal_id": proposal.id, "person": handing.taker, "event": "delegated", "by": seat.person}
    invitation |= {"reason": reason} if reason else {}
    await owe(tx, Owed.TELL, f"{row.id}:{handing.taker}", Priority.CARD, invitation)
    tx.announce(topic(proposal.id))
