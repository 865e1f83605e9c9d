"""Asking people: the approval request about a call, and the cards that show it."""

from datetime import datetime, timedelta

from governance.clocks import warning_due
from governance.lifecycle import RequestStatus
from governance.policy import Policy, Tool
from governance.reviewers import Panel
from operations.attendance import owe_look
from storage import surfaces
from storage.database import Tx
from storage.tables import ApprovalRequest, Proposal, RequestType
from storage.tables.base import new_id


async def open_request(
    tx: Tx, policy: Policy, tool: Tool, proposal: Proposal, panel: Panel, editor: str | None = None,
    *, ttl: timedelta | None = None,
) -> ApprovalRequest:  # fmt: skip
    """Insert the question about a call to its panel. `editor` is who edited its arguments when it was asked before,
    `ttl` how long its agent waits at most.
    """
    longest = policy.ttl_of(tool)
    expires_at = tx.now + (longest if ttl is None else min(ttl, longest))
    escalate_at, escalate_to = _escalation(tx, tool, panel, expires_at)
    request = await tx.add(
        ApprovalRequest(
            id=new_id("apr"),
            tenant=tx.tenant,
            proposal_id=proposal.id,
            request_type=RequestType.TOOL_CALL,
            status=RequestStatus.PENDING,
            digest=proposal.digest,
            reviewers=list(panel.reviewers),
            quorum=panel.quorum,
            requester=panel.requester,
            barred=panel.barred,
            created_at=tx.now,
            expires_at=expires_at,
            warn_at=warning_due(tx.now, expires_at, 0),
            escalate_at=escalate_at,
            escalate_to=escalate_to,
            editor=editor,
        )
    )
    await owe_look(tx, request.id)
    return request


def _escalation(tx: Tx, tool: Tool, panel: Panel, expires_at: datetime) -> tuple[datetime | None, list[str]]:
    """Return when silence widens the panel and to whom; nobody who is on it already, nor a creator who is barred."""
    if tool.escalate_after is None or tx.now + tool.escalate_after >= expires_at:
        return None, []
    fresh = [one for one in tool.escalate_to if one not in (*panel.reviewers, panel.requester, panel.barred)]
    return (tx.now + tool.escalate_after, fresh) if fresh else (None, [])


async def show_request(tx: Tx, policy: Policy, proposal: Proposal) -> None:
    """Owe the cards: one where the work is discussed, one in the approvals channel."""
    if proposal.thread_channel is not None:
        await surfaces.open_one(tx, proposal.id, proposal.thread_channel, proposal.thread_ts)
    await surfaces.open_one(tx, proposal.id, policy.approvals_channel)
