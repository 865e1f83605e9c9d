"""Widening the circle of reviewers when nobody has answered for too long: once, and for everybody to see."""

from operations.attendance import owe_look
from operations.notify import note
from operations.review import proposal_of
from storage import audit, requests, surfaces
from storage.database import Tx
from storage.outbox import Priority
from storage.proposals import topic
from storage.tables import ApprovalRequest


async def escalate(tx: Tx, request: ApprovalRequest) -> None:
    """Add those to whom a silent request escalates. Where somebody has answered meanwhile, it is dropped for good."""
    if await requests.live_reviews(tx, request.id):
        await requests.change(tx, request, escalate_at=None, escalate_to=[])
        return
    added = [one for one in request.escalate_to if one not in request.reviewers]
    if not await requests.change(
        tx, request, escalate_at=None, unreachable_since=None, reviewers=[*request.reviewers, *added]
    ):
        return
    proposal = await proposal_of(tx, request)
    await audit.record(
        tx, "approval.escalated", "system", agent_id=proposal.agent_id, proposal_id=proposal.id,
        request_id=request.id, detail={"status": request.status, "added": added},
    )  # fmt: skip
    await surfaces.touch(tx, proposal.id, Priority.CARD)
    await note(tx, proposal.id, "escalated", to=" ".join(added), priority=Priority.WARNING)
    await owe_look(tx, request.id)
    tx.announce(topic(proposal.id))
