"""Who is out of office is stood in for, and where nobody who may decide is there, somebody hears of it.

A delegate answers under the rules of `operations.delegate`: the circle does not widen. Only the places of people named
as reviewers are covered; of a user group the other members answer. Whoever is away may still answer, and so takes their
place back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from governance.coverage import Sight, stand_ins, within_reach
from governance.errors import Unprocessable
from governance.hours import Absence
from governance.lifecycle import OPEN_REQUESTS
from governance.policy import Policy
from governance.reviewers import Panel, ReviewVerdict, Seat, approvals_that_count, is_group
from operations.delegate import check_room, check_taker
from operations.notify import note
from operations.review import Members, panel_of_request, proposal_of
from storage import audit, people, requests, surfaces
from storage.database import Tx
from storage.outbox import Owed, Priority, owe
from storage.proposals import topic
from storage.tables import ApprovalRequest, Delegation, Proposal, Review
from storage.tables.base import new_id


@dataclass(frozen=True, slots=True)
class Seen:
    """What Slack said before the transaction: members of the request's groups, people, and handles of groups."""

    members: Members
    sights: Mapping[str, Sight]
    handles: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Work:
    """One look at one request; `handed` follows what it changes."""

    policy: Policy
    request: ApprovalRequest
    proposal: Proposal
    panel: Panel
    members: Members
    sights: Mapping[str, Sight]
    reviews: list[Review]
    delegations: list[Delegation]
    handed: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.handed = {one.giver: one.taker for one in self.delegations}

    def is_answered(self, place: str) -> bool:
        """Whether somebody has approved or rejected on a place."""
        spoken = [one for one in self.reviews if one.verdict is not ReviewVerdict.DEFER]
        return any(place == (one.on_behalf_of or one.reviewer) for one in spoken)

    def absence_of(self, person: str) -> Absence | None:
        """The absence of somebody that holds now."""
        sight = self.sights.get(person)
        return sight.absence if sight else None

    def is_there(self, person: str) -> bool:
        """Whether somebody could answer now."""
        sight = self.sights.get(person)
        return sight is not None and sight.is_there


async def cover(tx: Tx, policy: Policy, request_id: str, seen: Seen) -> ApprovalRequest | None:
    """See to it that an open request can be answered: hand on the places of those who are away, give places back to
    those who are there again, and say where too few people are within reach. Returns the request while it is open."""
    request = await requests.locked(tx, request_id)
    if request is None or request.status not in OPEN_REQUESTS or request.expires_at <= tx.now:
        return None
    work = _Work(
        policy, request, await proposal_of(tx, request), panel_of_request(request), seen.members,
        await _sights(tx, seen), await requests.live_reviews(tx, request.id),
        await requests.delegations(tx, request.id),
    )  # fmt: skip
    for delegation in work.delegations:
        if delegation.is_cover and work.is_there(delegation.giver) and not work.is_answered(delegation.giver):
            await _give_back(tx, request, work.proposal, delegation)
            del work.handed[delegation.giver]
    for place in work.panel.reviewers:
        if not is_group(place):
            await _cover_place(tx, work, place)
    await _watch(tx, work, seen.handles)
    return request


async def return_places(tx: Tx, person: str) -> None:
    """Give somebody who is back their places on open requests, except where a stand-in has answered already."""
    for delegation in await requests.covers_of(tx, person):
        request = await requests.locked(tx, delegation.request_id)
        if request is None or request.status not in OPEN_REQUESTS:
            continue
        spoken = [one for one in await requests.live_reviews(tx, request.id) if one.on_behalf_of == person]
        held = {one.id for one in await requests.delegations(tx, request.id)}
        if delegation.id in held and all(one.verdict is ReviewVerdict.DEFER for one in spoken):
            await _give_back(tx, request, await proposal_of(tx, request), delegation)


async def _sights(tx: Tx, seen: Seen) -> dict[str, Sight]:
    """Return what is known of people, where their own word about being away goes before their Slack status."""
    own = await people.absences(tx, seen.sights, tx.now)
    return {one: replace(sight, absence=own.get(one, sight.absence)) for one, sight in seen.sights.items()}


async def _cover_place(tx: Tx, work: _Work, place: str) -> None:
    holder = work.handed.get(place, place)
    is_moot = place not in work.panel.eligible(work.members) or work.is_answered(place) or work.is_there(place)
    chain = () if is_moot else stand_ins(holder, work.sights)
    if not chain or place in chain:
        return
    seat = Seat(holder, place)
    try:
        check_taker(work.policy, work.panel, work.request, work.proposal, seat, chain[-1], work.members)
        await check_room(tx, work.request, work.panel, seat, chain[-1], work.members)
    except Unprocessable:
        return  # the delegate may not stand in here; whether anybody else is there is looked at next
    await requests.end_delegation(tx, work.request.id, place)
    work.handed[place] = chain[-1]
    await _write_down(tx, work, place, holder, chain)


async def _write_down(tx: Tx, work: _Work, place: str, holder: str, chain: tuple[str, ...]) -> None:
    request, proposal, taker = work.request, work.proposal, chain[-1]
    row = Delegation(
        id=new_id("dlg"), tenant=tx.tenant, request_id=request.id, giver=place, taker=taker, is_cover=True, at=tx.now
    )
    await tx.add(row)
    absence = work.absence_of(place) or work.absence_of(holder)
    until = absence.until.isoformat() if absence and absence.until else None
    detail = {"place": place, "to": taker, "through": list(chain[:-1]), "until": until, "version": request.version}
    await _record(tx, request, proposal, "approval.covered", detail)
    await surfaces.touch(tx, proposal.id, Priority.CARD)
    await note(tx, proposal.id, "covered", by=place, to=taker, until=until)
    told = {"proposal_id": proposal.id, "person": taker, "event": "covered", "by": place}
    await owe(tx, Owed.TELL, f"{row.id}:{taker}", Priority.CARD, told | ({"until": until} if until else {}))
    tx.announce(topic(proposal.id))


async def _give_back(tx: Tx, request: ApprovalRequest, proposal: Proposal, delegation: Delegation) -> None:
    await requests.end_delegation(tx, request.id, delegation.giver)
    detail = {"place": delegation.giver, "from": delegation.taker, "version": request.version}
    await _record(tx, request, proposal, "approval.uncovered", detail)
    await surfaces.touch(tx, proposal.id, Priority.CARD)
    await note(tx, proposal.id, "uncovered", by=delegation.giver)
    tx.announce(topic(proposal.id))


async def _watch(tx: Tx, work: _Work, handles: Mapping[str, str]) -> None:
    """Say once that too few people are within reach; and once more when that came about anew."""
    request = work.request
    approved = approvals_that_count(work.panel, requests.approvers(work.reviews), work.members)
    near = within_reach(work.panel, work.members, work.handed, work.sights, approved=approved, silent=request.editor)
    is_short = len(near) < request.quorum
    if is_short and work.panel.eligible(work.members) - work.sights.keys():
        return  # enough were within reach when Slack was asked; whatever has changed since owes another look
    if is_short is (request.unreachable_since is not None):
        return
    await requests.change(tx, request, unreachable_since=tx.now if is_short else None)
    kind = "approval.unreachable" if is_short else "approval.reachable"
    detail = {"reachable": sorted(near), "quorum": request.quorum, "version": request.version}
    await _record(tx, request, work.proposal, kind, detail)
    await surfaces.touch(tx, work.proposal.id, Priority.CARD)
    if is_short:
        await _alert(tx, work, near, handles)
    tx.announce(topic(work.proposal.id))


async def _alert(tx: Tx, work: _Work, near: frozenset[str], handles: Mapping[str, str]) -> None:
    proposal, reachable = work.proposal, " ".join(sorted(near))
    await note(tx, proposal.id, "unreachable", to=reachable, priority=Priority.WARNING)
    asked = " ".join(handles.get(one, one) for one in work.request.reviewers)
    told = {"proposal_id": proposal.id, "event": "unreachable", "reachable": reachable, "asked": asked}
    for person in dict.fromkeys((*work.policy.admins, proposal.creator)):
        await owe(tx, Owed.TELL, new_id("tell"), Priority.CARD, told | {"person": person})


async def _record(
    tx: Tx, request: ApprovalRequest, proposal: Proposal, kind: str, detail: Mapping[str, object]
) -> None:
    await audit.record(
        tx, kind, "system", agent_id=proposal.agent_id, proposal_id=proposal.id, request_id=request.id, detail=detail
    )
