"""Taking a proposal back while people have not decided: its agent does, or a person it belongs to."""

from governance.errors import AlreadyDecided, Forbidden, NotFound
from governance.lifecycle import ProposalState, RequestStatus
from governance.policy import INTERNAL, Policy
from governance.questions import NOTHING_RUNS
from governance.text import storable
from operations.notify import note, tell_owners
from operations.question import answer_owed
from operations.resolved import owe_resolved
from operations.review import check_seen_version, winner_of
from storage import audit, proposals, requests, surfaces
from storage.database import Tx
from storage.outbox import Priority
from storage.tables import Door, Proposal


async def withdraw(tx: Tx, proposal_id: str, agent_id: str, reason: str | None) -> Proposal:
    """Withdraw a proposal that waits. Again is fine; raises NotFound, or AlreadyDecided where it is too late."""
    proposal = await tx.get(Proposal, proposal_id)
    if proposal is None or proposal.agent_id != agent_id:
        raise NotFound("There is no proposal of yours under this id.")
    if proposal.state is ProposalState.WITHDRAWN:
        return proposal
    await _take_back(tx, proposal, None, reason, None)
    return proposal


async def withdraw_by_person(
    tx: Tx, policy: Policy, proposal_id: str, person: str, reason: str | None, seen_version: int | None = None
) -> Proposal:
    """Withdraw a proposal as its requester, its agent's creator, or an admin; raises Forbidden for anybody else."""
    proposal = await tx.get(Proposal, proposal_id)
    if proposal is None:
        raise NotFound("There is no proposal under this id.")
    check_may_withdraw(policy, proposal, person)
    await _take_back(tx, proposal, person, reason, seen_version)
    await tell_owners(tx, proposal, "withdrawn")
    return proposal


def check_may_withdraw(policy: Policy, proposal: Proposal, person: str) -> None:
    """Raise Forbidden unless the proposal is this person's to take back; what Countersign asks itself is nobody's."""
    if proposal.connector == NOTHING_RUNS and proposal.agent_id == INTERNAL and proposal.requester is None:
        raise Forbidden("Countersign asks this because a rule demands it, so it is answered, not withdrawn.")
    if person not in (proposal.requester, proposal.on_behalf_of, proposal.creator, *policy.admins):
        raise Forbidden(
            "Only whoever this was asked for, the agent's creator and admins may withdraw it; reviewers may reject it."
        )


async def _take_back(
    tx: Tx, proposal: Proposal, person: str | None, reason: str | None, seen_version: int | None
) -> None:
    request = await requests.of_proposal(tx, proposal.id)
    if request is None:
        raise AlreadyDecided(f"This proposal is {proposal.state}; only one that waits for people can be withdrawn.")
    check_seen_version(request, seen_version)
    said = storable(reason.strip()) or None if reason else None
    decided = {"decided_by": person, "decided_via": Door.SLACK} if person else {}
    if not await requests.move(
        tx, request, RequestStatus.WITHDRAWN, decided_at=tx.now, reason=said, warn_at=None, reopen_at=None, **decided
    ):
        raise AlreadyDecided(details={"winner": winner_of(request)})
    await proposals.enter_state(tx, proposal.id, ProposalState.WITHDRAWN)
    if proposal.connector == NOTHING_RUNS:
        await answer_owed(tx, request.id)
    actor = f"person:{person}" if person else f"agent:{proposal.agent_id}"
    await audit.record(
        tx, "approval.withdrawn", actor, agent_id=proposal.agent_id, proposal_id=proposal.id,
        request_id=request.id, detail={"reason": said},
    )  # fmt: skip
    await surfaces.touch(tx, proposal.id, Priority.ANSWER)
    await note(tx, proposal.id, "taken_back" if person else "withdrawn", by=person, reason=said)
    await owe_resolved(tx, proposal)
    await tx.session.refresh(proposal)
