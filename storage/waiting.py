"""What a Home shows of everybody's requests and calls, in few queries whatever their number."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, select
from sqlmodel import col

from governance.lifecycle import ProposalState, RequestStatus
from storage.database import Tx
from storage.tables import ApprovalRequest, Delegation, Proposal, Review

LOOKED_AT = 500  #: open requests, and calls of the last day, at most
#: Written out and in the order of the partial indexes, see storage.requests.
_OPEN: BindParameter[Any] = bindparam(
    "open", (RequestStatus.PENDING, RequestStatus.DEFERRED), expanding=True, literal_execute=True
)


@dataclass(frozen=True, slots=True)
class Open:
    """An open request with the agent it is about, and the places on it that were handed on."""

    request: ApprovalRequest
    agent_id: str
    creator: str
    delegations: tuple[Delegation, ...]


async def open_requests(tx: Tx) -> list[Open]:
    """Return the open requests of this tenant, the first to expire first."""
    query = (
        select(ApprovalRequest, col(Proposal.agent_id), col(Proposal.creator))
        .join(Proposal, col(Proposal.id) == col(ApprovalRequest.proposal_id))
        .where(
            col(ApprovalRequest.expires_at) > tx.now,
            col(ApprovalRequest.status).in_(_OPEN),
            col(ApprovalRequest.tenant) == tx.tenant,
        )
        .order_by(col(ApprovalRequest.expires_at), col(ApprovalRequest.id))
        .limit(LOOKED_AT)
    )
    found = list(await tx.session.execute(query))
    handed = await _delegations(tx, [request.id for request, _, _ in found])
    return [Open(request, agent, creator, tuple(handed.get(request.id, ()))) for request, agent, creator in found]


async def _delegations(tx: Tx, request_ids: Sequence[str]) -> dict[str, list[Delegation]]:
    if not request_ids:
        return {}
    query = select(Delegation).where(col(Delegation.request_id).in_(request_ids), col(Delegation.ended_at).is_(None))
    found: dict[str, list[Delegation]] = {}
    for one in await tx.session.scalars(query):
        found.setdefault(one.request_id, []).append(one)
    return found


async def reviews_by(tx: Tx, person: str, request_ids: Sequence[str]) -> list[Review]:
    """Return the answers that count among some requests, by a person or on their place."""
    query = select(Review).where(
        col(Review.request_id).in_(request_ids), col(Review.voided_at).is_(None),
        (col(Review.reviewer) == person) | (col(Review.on_behalf_of) == person),
    )  # fmt: skip
    return list(await tx.session.scalars(query))


async def states_since(tx: Tx, since: datetime) -> Mapping[str, Mapping[ProposalState, int]]:
    """Return how many of the newest calls since a moment are in each state, by agent; LOOKED_AT calls at most."""
    query = (
        select(col(Proposal.agent_id), col(Proposal.state))
        .where(col(Proposal.tenant) == tx.tenant, col(Proposal.created_at) >= since)
        .order_by(col(Proposal.created_at).desc(), col(Proposal.id).desc())
        .limit(LOOKED_AT)
    )
    found: dict[str, Counter[ProposalState]] = {}
    for agent, state in await tx.session.execute(query):
        found.setdefault(agent, Counter())[state] += 1
    return found
