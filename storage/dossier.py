"""Everything stored about one proposal, read together: what cards and wire answers are made of."""

from dataclasses import dataclass

from governance.lifecycle import OPEN_REQUESTS
from storage import executions, requests
from storage.database import Tx
from storage.tables import ApprovalRequest, Delegation, Execution, Proposal, Review


@dataclass(frozen=True, slots=True)
class Dossier:
    """A proposal with its newest request, the reviews and delegations that hold, and its newest execution."""

    proposal: Proposal
    request: ApprovalRequest | None
    reviews: tuple[Review, ...]
    execution: Execution | None
    delegations: tuple[Delegation, ...] = ()


async def dossier(tx: Tx, proposal_id: str) -> Dossier | None:
    """Read a dossier, or None where there is no such proposal in this tenant."""
    proposal = await tx.get(Proposal, proposal_id)
    if proposal is None:
        return None
    request = await requests.of_proposal(tx, proposal_id)
    reviews = await requests.live_reviews(tx, request.id) if request else []
    delegations = await requests.delegations(tx, request.id) if request else []
    execution = await executions.of_proposal(tx, proposal_id)
    if request is not None and execution is not None and _is_past(request, execution):
        execution = None
    return Dossier(proposal, request, tuple(reviews), execution, tuple(delegations))


def _is_past(request: ApprovalRequest, execution: Execution) -> bool:
    """Whether an execution belongs to an earlier request: the call was invalidated and people are asked again."""
    return request.status in OPEN_REQUESTS or execution.queued_at < request.created_at
