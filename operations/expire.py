"""What time does to a request: it escalates, warns, reopens and expires. Called with requests that are due."""

from datetime import datetime

from governance.automations import Actor, ActorKind
from governance.clocks import warning_due, warnings_passed
from governance.lifecycle import OPEN_REQUESTS, ProposalState, RequestStatus
from governance.policy import Policy
from operations.attendance import owe_look
from operations.effects import take_effect
from operations.escalate import escalate
from operations.notify import note, tell_owners
from operations.resolved import owe_resolved
from operations.review import named_type
from storage import audit, governing, proposals, requests, surfaces
from storage.database import Tx
from storage.outbox import Owed, Priority, owe
from storage.tables import ApprovalRequest, Proposal, RequestType


async def attend(tx: Tx, request_id: str, policy: Policy | None = None) -> None:
    """Do the one thing that is due for a request now. Whoever was first wins; being late is no error.

    What is owed and was not answered is asked again by `policy`; calls that expire need none.
    """
    await governing.hold_subject(tx, request_id)
    request = await requests.locked(tx, request_id)
    if request is None or request.status not in OPEN_REQUESTS:
        return
    if request.expires_at <= tx.now:
        await _expire(tx, policy, request)
    elif _is_due(request.escalate_at, tx.now):
        await escalate(tx, request)
    elif _is_due(request.reopen_at, tx.now):
        await _reopen(tx, request)
    elif _is_due(request.warn_at, tx.now):
        await _warn(tx, request)


def _is_due(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


async def _expire(tx: Tx, policy: Policy | None, request: ApprovalRequest) -> None:
    if not await requests.move(tx, request, RequestStatus.EXPIRED, decided_at=tx.now, warn_at=None, reopen_at=None):
        return
    proposal = await tx.get(Proposal, request.proposal_id)
    assert proposal is not None
    if request.request_type is not RequestType.TOOL_CALL:
        await take_effect(tx, policy, request, proposal, Actor(ActorKind.SYSTEM))
    await proposals.enter_state(tx, proposal.id, ProposalState.EXPIRED)
    await _note_down(tx, request, proposal, "approval.expired")
    await surfaces.touch(tx, proposal.id, Priority.ANSWER)
    await note(tx, proposal.id, "expired")
    await owe_resolved(tx, proposal)
    await tell_owners(tx, proposal, "expired")


async def _reopen(tx: Tx, request: ApprovalRequest) -> None:
    if not await requests.move(tx, request, RequestStatus.PENDING, reopen_at=None):
        return
    proposal = await tx.get(Proposal, request.proposal_id)
    assert proposal is not None
    await _note_down(tx, request, proposal, "approval.reopened")
    await surfaces.touch(tx, proposal.id, Priority.CARD)
    await note(tx, proposal.id, "reopened", priority=Priority.WARNING)
    await owe_look(tx, request.id)


async def _warn(tx: Tx, request: ApprovalRequest) -> None:
    """Warn once for each share of life that has passed; after a long silence that is one warning, the last."""
    passed = warnings_passed(request.created_at, request.expires_at, tx.now)
    request.warned, request.warn_at = passed, warning_due(request.created_at, request.expires_at, passed)
    await tx.session.flush()
    proposal = await tx.get(Proposal, request.proposal_id)
    assert proposal is not None
    await _note_down(tx, request, proposal, "approval.warned")
    await surfaces.touch(tx, proposal.id, Priority.WARNING)  # a card that was deleted is found out before its line
    await note(tx, proposal.id, "warned_last" if passed > 1 else "warned_half", priority=Priority.WARNING)
    await owe_look(tx, request.id)
    if passed > 1:
        await owe(tx, Owed.WARN, request.id, Priority.WARNING, {"proposal_id": proposal.id})


async def _note_down(tx: Tx, request: ApprovalRequest, proposal: Proposal, kind: str) -> None:
    await audit.record(
        tx, kind, "system", agent_id=proposal.agent_id, proposal_id=proposal.id, request_id=request.id,
        detail={"status": request.status, "warned": request.warned, **named_type(request)},
    )  # fmt: skip
