"""Everything stored about one proposal, read together: what cards and wire answers are made of."""

from dataclasses import dataclass

from storage import executions, requests
from storage.database import Tx
from storage.tables import ApprovalRequest, Execution, Proposal, Review


@dataclass(frozen=True, slots=True)
class Dossier:
    """A proposal with its newest request, the reviews that count, and its newest execution."""

    proposal: Proposal
    request: ApprovalRequest | None
    reviews: tuple[Review, ...]
    execution: Execution | None


async def dossier(tx: Tx, proposal_id: str) -> Dossier | None:
    """Read a dossier, or None where there is no such proposal in this tenant."""
    proposal = await tx.get(Proposal, proposal_id)
    if proposal is None:
        return None
    request = await requests.of_proposal(tx, proposal_id)
    reviews = await requests.live_reviews(tx, request.id) if request else []
    return Dossier(proposal, request, tuple(reviews), await executions.of_proposal(tx, proposal_id))
