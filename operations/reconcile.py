"""A person answers for a call whose outcome nobody knows: it happened, it did not, or it shall run again."""

from governance.errors import Conflict, NotFound
from governance.lifecycle import ExecutionStatus, state_of_execution
from governance.policy import Policy
from governance.reconciling import STATUS_AFTER, Finding, check_may_reconcile
from governance.reviewers import Panel
from governance.text import storable
from operations.notify import note, tell_owners
from operations.review import Members, panel_of_request
from storage import audit, executions, proposals, requests, surfaces
from storage.database import Tx
from storage.outbox import Priority
from storage.tables import Execution, Proposal


async def reconcile(
    tx: Tx, policy: Policy, proposal_id: str, person: str, finding: Finding, reason: str | None,
    members: Members | None = None, *, seen_attempt: int | None = None,
) -> Execution:  # fmt: skip
    """Move an unknown execution to succeeded, failed, or back to queued for exactly one more attempt.

    `members` holds the live members of the user groups of its request; `seen_attempt` is the attempt that the card
    showed. That one more attempt carries the same idempotency key, is checked against the live policy like any other,
    and is never repeated by itself. Raises NotFound, Forbidden, SelfReview, or Conflict where it is not unknown.
    """
    proposal = await tx.get(Proposal, proposal_id)
    if proposal is None:
        raise NotFound("There is no proposal under this id.")
    panel = await panel_of_proposal(tx, proposal_id)
    check_may_reconcile(policy, panel, proposal.creator, proposal.tool, person, members or {})
    execution = await executions.locked(tx, proposal_id)
    execution = check_unknown(execution, proposal, seen_attempt)
    said = storable(reason.strip()) or None if reason else None
    if not await executions.move(
        tx, execution, STATUS_AFTER[finding], **_changes(tx, execution, person, finding, said)
    ):
        raise _not_unknown(execution.status)
    await _tell(tx, execution, proposal, person, finding, said)
    return execution


def check_unknown(execution: Execution | None, proposal: Proposal, seen_attempt: int | None) -> Execution:
    """Return an execution whose outcome is unknown. Raises Conflict for any other, or for one that ran again since."""
    if execution is None or execution.status is not ExecutionStatus.UNKNOWN:
        raise _not_unknown(execution.status if execution else proposal.state)
    if seen_attempt is not None and seen_attempt != execution.attempt:
        raise Conflict("It was run again since you saw it; look at the card as it is now.", code="RUN_SINCE")
    return execution


async def panel_of_proposal(tx: Tx, proposal_id: str) -> Panel | None:
    """Return who may decide the request about a call; None where nobody was asked."""
    request = await requests.of_proposal(tx, proposal_id)
    return panel_of_request(request) if request is not None else None


def _not_unknown(status: str) -> Conflict:
    return Conflict(
        f"This call is {status}; only one whose outcome is unknown can be answered for.",
        code="NOT_UNKNOWN",
        details={"status": status},
    )


def _changes(tx: Tx, execution: Execution, person: str, finding: Finding, said: str | None) -> dict[str, object]:
    """Return what changes beside the status. One that runs again yields to nobody: a person waits for it."""
    if finding is Finding.RUN_AGAIN:
        return {"queued_at": tx.now, "next_attempt_at": tx.now, "unasked": False, "finished_at": None}
    found = "it happened" if finding is Finding.HAPPENED else "it did not happen"
    because = f": {said}" if said else ""
    before = f"{execution.error}; " if execution.error else ""
    return {"error": f"{before}{person} found that {found}{because}"}


async def _tell(
    tx: Tx, execution: Execution, proposal: Proposal, person: str, finding: Finding, said: str | None
) -> None:
    await proposals.enter_state(tx, proposal.id, state_of_execution(execution.status))
    detail = {"status": execution.status, "attempt": execution.attempt, "error": execution.error,
              "digest": proposal.digest, "finding": finding, "reason": said}  # fmt: skip
    await audit.record(
        tx, "execution.reconciled", f"person:{person}", agent_id=proposal.agent_id, proposal_id=proposal.id,
        execution_id=execution.id, detail=detail,
    )  # fmt: skip
    await surfaces.touch(tx, proposal.id, Priority.ANSWER)
    await note(tx, proposal.id, finding.value, by=person, reason=said)
    if finding is Finding.RUN_AGAIN:
        tx.announce("executions")
        return
    await tell_owners(tx, proposal, execution.status.value)
