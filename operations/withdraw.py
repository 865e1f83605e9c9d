"""An agent takes its own proposal back while people have not decided."""

from governance.errors import AlreadyDecided, NotFound
from governance.lifecycle import ProposalState, RequestStatus
from governance.text import storable
from operations.notify import note
from operations.review import winner_of
from storage import audit, proposals, requests, surfaces
from storage.database import Tx
from storage.outbox import Priority
from storage.tables import Proposal


async def withdraw(tx: Tx, proposal_id: str, agent_id: str, reason: str | None) -> Proposal:
    """Withdraw a proposal that waits. Again is fine; raises NotFound, or AlreadyDecided where it is too late."""
    proposal = await tx.get(Proposal, proposal_id)
    if proposal is None or proposal.agent_id != agent_id:
        raise NotFound("There is no proposal of yours under this id.")
    if proposal.state is ProposalState.WITHDRAWN:
        return proposal
    request = await requests.of_proposal(tx, proposal.id)
    if request is None:
        raise AlreadyDecided(f"This proposal is {proposal.state}; only one that waits for people can be withdrawn.")
    said = storable(reason.strip()) if reason else None
    if not await requests.move(
        tx, request, RequestStatus.WITHDRAWN, decided_at=tx.now, reason=said, warn_at=None, reopen_at=None
    ):
        raise AlreadyDecided(details={"winner": winner_of(request)})
    await proposals.enter_state(tx, proposal.id, ProposalState.WITHDRAWN)
    await audit.record(
        tx, "approval.withdrawn", f"agent:{agent_id}", agent_id=agent_id, proposal_id=proposal.id,
        request_id=request.id, detail={"reason": said},
    )  # fmt: skip
    await surfaces.touch(tx, proposal.id, Priority.ANSWER)
    await note(tx, proposal.id, "withdrawn", reason=said)
    await tx.session.refresh(proposal)
    return proposal
