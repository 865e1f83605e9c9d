"""Queries on proposals, and the one place their state word is written."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from governance.lifecycle import OPEN_STATES, ProposalState, RequestStatus
from governance.prefixes import is_prefix
from governance.questions import NOTHING_RUNS
from storage.database import Tx
from storage.tables import ApprovalRequest, Proposal

KEY_LIFETIME = timedelta(days=30)
_DECIDED = (RequestStatus.APPROVED, RequestStatus.REJECTED)
_LOOKED_AT = 5000


async def state_of(tx: Tx, proposal_id: str) -> tuple[ProposalState, str] | None:
    """Return a proposal's state and its connector's kind alone, or None where this tenant has no such proposal."""
    query = select(col(Proposal.state), col(Proposal.connector)).where(
        col(Proposal.id) == proposal_id, col(Proposal.tenant) == tx.tenant
    )
    found = (await tx.session.execute(query)).first()
    return (found[0], found[1]) if found is not None else None


def topic(proposal_id: str) -> str:
    """Return the signal that is announced when a proposal changes."""
    return f"proposal:{proposal_id}"


async def page(
    tx: Tx,
    *,
    agent_id: str | None = None,
    creator: str | None = None,
    run_id: str | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int,
) -> list[Proposal]:
    """Return calls newest first, whatever became of them: all, an agent's, those of a person's agents, or of a run."""
    query = select(Proposal).where(col(Proposal.tenant) == tx.tenant, col(Proposal.connector) != NOTHING_RUNS)
    for column, wanted in ((Proposal.agent_id, agent_id), (Proposal.creator, creator), (Proposal.run_id, run_id)):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    if before is not None:
        at, id = before
        older = (col(Proposal.created_at) == at) & (col(Proposal.id) < id)
        query = query.where((col(Proposal.created_at) < at) | older)
    query = query.order_by(col(Proposal.created_at).desc(), col(Proposal.id).desc())
    return list(await tx.session.scalars(query.limit(limit)))


async def locked(tx: Tx, proposal_id: str) -> Proposal | None:
    """Return a proposal with its row locked, so that it is asked about again once.

    The weaker lock, as `requests.locked` says why.
    """
    if not proposal_id.isascii() or "\x00" in proposal_id:
        return None
    query = select(Proposal).where(col(Proposal.id) == proposal_id, col(Proposal.tenant) == tx.tenant)
    return (
        await tx.session.scalars(query.with_for_update(key_share=True).execution_options(populate_existing=True))
    ).first()


async def change(tx: Tx, proposal: Proposal, **changes: Any) -> Proposal | None:
    """Rewrite what a proposal calls; returns the other proposal where that one claims the same call already."""
    statement = (
        update(Proposal)
        .where(col(Proposal.id) == proposal.id, col(Proposal.tenant) == tx.tenant)
        .values(**changes)
        .execution_options(synchronize_session=False)
    )
    try:
        async with tx.session.begin_nested():
            await tx.session.execute(statement)
    except IntegrityError:
        return await _claiming(tx, proposal.agent_id, changes["claim_key"])
    await tx.session.refresh(proposal)
    return None


async def _claiming(tx: Tx, agent_id: str, claim: str) -> Proposal:
    query = select(Proposal).where(
        col(Proposal.tenant) == tx.tenant, col(Proposal.agent_id) == agent_id, col(Proposal.claim_key) == claim
    )
    return (await tx.session.scalars(query)).one()


async def by_idempotency_key(tx: Tx, agent_id: str, key: str) -> Proposal | None:
    """Return the agent's proposal that holds this caller's key within the last 30 days."""
    claim = f"key:{key}"
    query = select(Proposal).where(
        col(Proposal.tenant) == tx.tenant, col(Proposal.agent_id) == agent_id, col(Proposal.claim_key) == claim
    )
    found = (await tx.session.scalars(query)).first()
    if found is not None and found.created_at < tx.now - KEY_LIFETIME:
        await tx.session.execute(update(Proposal).where(col(Proposal.id) == found.id).values(claim_key=None))
        return None
    return found


async def open_calls(tx: Tx, agent_id: str, call_hash: str) -> list[Proposal]:
    """Return the agent's identical calls that are still open, oldest first."""
    query = select(Proposal).where(
        col(Proposal.tenant) == tx.tenant, col(Proposal.agent_id) == agent_id,
        col(Proposal.call_hash) == call_hash, col(Proposal.closed_at).is_(None),
    )  # fmt: skip
    return list(await tx.session.scalars(query.order_by(col(Proposal.id))))


async def decided_since(tx: Tx, agent_id: str, tool: str, since: datetime) -> list[tuple[Proposal, ApprovalRequest]]:
    """Return an agent's calls of a tool, or of all below a prefix, that people decided, with the requests."""
    named = col(Proposal.tool).startswith(tool[:-1], autoescape=True) if is_prefix(tool) else col(Proposal.tool) == tool
    query = (
        select(Proposal, ApprovalRequest)
        .join(ApprovalRequest, col(ApprovalRequest.proposal_id) == col(Proposal.id))
        .where(
            col(Proposal.tenant) == tx.tenant, col(Proposal.agent_id) == agent_id, named,
            col(Proposal.created_at) >= since, col(ApprovalRequest.status).in_(_DECIDED),
        )
        .order_by(col(Proposal.created_at).desc())
        .limit(_LOOKED_AT)
    )  # fmt: skip
    return [(proposal, request) for proposal, request in await tx.session.execute(query)]


async def count_waiting(tx: Tx, agent_id: str, *, questions: bool = False) -> int:
    """Return how many of the agent's calls, or else questions, wait for people.

    Until this transaction ends nobody else counts them.
    """
    if tx.session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time as it is
        who = {"who": f"{tx.tenant}:{agent_id}"}
        await tx.session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:who, 0))"), who)
    query = select(func.count()).where(
        col(Proposal.tenant) == tx.tenant, col(Proposal.agent_id) == agent_id, col(Proposal.closed_at).is_(None),
        col(Proposal.state).in_((ProposalState.PENDING, ProposalState.SUGGESTED)),
        (col(Proposal.connector) == NOTHING_RUNS) == questions,
    )  # fmt: skip
    return (await tx.session.scalar(query)) or 0


async def enter_state(tx: Tx, proposal_id: str, state: ProposalState) -> None:
    """Write the word the agent reads, after its request or execution has moved; closing frees the call's claim.

    A caller's own key stays claimed for its 30 days; the claim of an unkeyed call ends with the call.
    """
    closing = state not in OPEN_STATES
    values: dict[str, Any] = {"state": state, "closed_at": tx.now if closing else None}
    if closing:
        unkeyed = col(Proposal.idempotency_key).is_(None)
        values["claim_key"] = case((unkeyed, None), else_=col(Proposal.claim_key))
    mine = (col(Proposal.id) == proposal_id, col(Proposal.tenant) == tx.tenant)
    await tx.session.execute(update(Proposal).where(*mine).values(values).execution_options(synchronize_session=False))
    tx.announce(topic(proposal_id))
