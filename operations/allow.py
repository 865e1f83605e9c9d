"""Allowing a call: the execution row, inserted only by the transaction that allows it."""

from datetime import datetime, timedelta

from governance.canonical import keyed_hash
from governance.clocks import start_by
from governance.lifecycle import ExecutionStatus
from storage import aap, proposals
from storage.database import Tx
from storage.tables import Execution, Proposal
from storage.tables.base import new_id

_AFTER = timedelta(milliseconds=1)


async def queue_execution(tx: Tx, proposal: Proposal, expires_at: datetime | None = None) -> Execution:
    """Insert the execution of a call that this transaction allows.

    What was asked over the Agent Approval Protocol starts when its agent consumes the approval; the executor looks at
    it once that is too late, or at once where people edited it, and ends it.
    """
    assert proposal.tier is not None  # only calls with a tier are ever allowed
    tx.announce("executions", proposals.topic(proposal.id))
    may_start_until = start_by(tx.now, expires_at)
    waits = proposal.proposed_arguments is None and await aap.of_proposal(tx, proposal) is not None
    execution = Execution(
        id=new_id("exe"),
        tenant=tx.tenant,
        proposal_id=proposal.id,
        tool=proposal.tool,
        status=ExecutionStatus.QUEUED,
        tier=proposal.tier,
        unasked=proposal.tier.runs_unasked or proposal.rule_id is not None,
        queued_at=tx.now,
        next_attempt_at=may_start_until + _AFTER if waits else tx.now,
        start_by=may_start_until,
    )
    execution.mac = mac_of(tx, execution, proposal)
    return await tx.add(execution)


def mac_of(tx: Tx, execution: Execution, proposal: Proposal) -> str | None:
    """Return the keyed proof that this program allowed exactly this call; None without a key to make it with.

    Someone who edits arguments and digest in the database cannot make it again.
    """
    if tx.keys.audit_key is None:
        return None
    allowed = {"execution": execution.id, "proposal": proposal.id, "agent": proposal.agent_id,
               "tool": proposal.tool, "digest": proposal.digest, "tier": execution.tier}  # fmt: skip
    return keyed_hash(tx.keys.audit_key, allowed)
