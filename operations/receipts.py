"""Using up an approval that lets one thing happen once: an external post, an elevated capability."""

from governance.errors import Conflict
from storage import audit, requests, standing
from storage.database import Tx
from storage.tables import ApprovalRequest, StandingKind


async def consume(tx: Tx, request_id: str, digest: str) -> bool:
    """Use up an approved request for exactly what its digest stands for; False where it may not happen.

    Of several who try at once one reads True. Valid only while approved, unexpired and unused, and while its agent
    may do anything at all.
    """
    request = await tx.get(ApprovalRequest, request_id)
    if request is None or await _is_held(tx, request) or not await requests.consume(tx, request_id, digest):
        return False
    await tx.session.refresh(request)
    await audit.record(
        tx, "governance.consumed", "system", proposal_id=request.proposal_id, request_id=request.id,
        detail={"request_type": request.request_type, "digest": digest},
    )  # fmt: skip
    return True


async def spend_receipt(tx: Tx, request_id: str, digest: str) -> ApprovalRequest:
    """Use up a receipt, or raise Conflict (RECEIPT_INVALID) with the one reason why it cannot be used."""
    if not await consume(tx, request_id, digest):
        raise Conflict(
            "This approval lets nothing happen: it is not approved, has expired, was used, is about something else, or "
            "its agent is paused or stopped.",
            code="RECEIPT_INVALID",
        )
    found = await tx.get(ApprovalRequest, request_id)
    assert found is not None
    return found


async def _is_held(tx: Tx, request: ApprovalRequest) -> bool:
    found = await standing.live(tx, request.target_id) if request.target_id is not None else ()
    return any(one.kind in (StandingKind.PAUSE, StandingKind.SPEND) for one in found)
