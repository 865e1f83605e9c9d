"""Requests read for lists: in a bounded number of statements, however many there are."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Select, func, or_, select
from sqlmodel import col

from governance.lifecycle import RequestStatus
from governance.prefixes import is_prefix
from governance.tiers import Tier
from storage.database import Tx
from storage.dossier import Dossier
from storage.requests import OPEN
from storage.tables import ApprovalRequest, Delegation, Proposal, Review, Surface

Row = TypeVar("Row", Review, Delegation)

#: The fields of a call that a search looks into. Not its arguments: they are long, and the consequence line says what
#: the operator wants to be read of them.
_SEARCHED = (Proposal.title, Proposal.tool, Proposal.agent_id, Proposal.agent_name, Proposal.consequence)


@dataclass(frozen=True, slots=True)
class Filters:
    """What narrows a list; None leaves it as wide as it is."""

    agent: str | None = None  #: its id or its name, in any case
    tool: str | None = None  #: a name or a prefix, in any case
    risk: str | None = None
    status: RequestStatus | None = None
    asked_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with what decides to which lists it belongs."""

    request: ApprovalRequest
    tool: str
    risk: str | None
    tier: Tier | None


@dataclass(frozen=True, slots=True)
class Answers:
    """What people have answered to some requests and whose places they hold, by request id."""

    reviews: dict[str, list[Review]] = field(default_factory=dict)
    delegations: dict[str, list[Delegation]] = field(default_factory=dict)


async def open_requests(tx: Tx, filters: Filters, limit: int) -> list[Asked]:
    """Return the newest requests that can still be answered."""
    query: Select[*tuple[Any, ...]] = (
        select(ApprovalRequest, col(Proposal.tool), col(Proposal.risk), col(Proposal.tier))
        .join(Proposal, col(Proposal.id) == col(ApprovalRequest.proposal_id))
        .where(
            col(ApprovalRequest.tenant) == tx.tenant, col(ApprovalRequest.status).in_(OPEN),
            col(ApprovalRequest.expires_at) > tx.now,
        )
    )  # fmt: skip
    found = await tx.session.execute(_newest_first(_narrowed(query, filters)).limit(limit))
    return [Asked(request, tool, risk, tier) for request, tool, risk, tier in found]


async def search(tx: Tx, words: Iterable[str], filters: Filters, *, window: int, limit: int) -> list[ApprovalRequest]:
    """Return those of the newest `window` requests, open or past, in which every word is found, newest first."""
    newest = _newest_first(select(col(ApprovalRequest.id)).where(col(ApprovalRequest.tenant) == tx.tenant))
    looked_at = newest.limit(window).subquery()
    query: Select[*tuple[Any, ...]] = (
        select(ApprovalRequest)
        .join(looked_at, looked_at.c.id == col(ApprovalRequest.id))
        .join(Proposal, col(Proposal.id) == col(ApprovalRequest.proposal_id))
    )
    for word in words:
        ids = (col(one).startswith(word.lower(), autoescape=True) for one in (ApprovalRequest.id, Proposal.id))
        query = query.where(or_(*(col(one).icontains(word, autoescape=True) for one in _SEARCHED), *ids))
    return list(await tx.session.scalars(_newest_first(_narrowed(query, filters)).limit(limit)))


def _newest_first(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return query.order_by(col(ApprovalRequest.created_at).desc(), col(ApprovalRequest.id).desc())


def _narrowed(query: Select[*tuple[Any, ...]], filters: Filters) -> Select[*tuple[Any, ...]]:
    if filters.agent is not None:
        named = (func.lower(col(one)) == filters.agent.lower() for one in (Proposal.agent_id, Proposal.agent_name))
        query = query.where(or_(*named))
    if filters.tool is not None:
        tool, name = filters.tool.lower(), func.lower(col(Proposal.tool))
        query = query.where(name.startswith(tool[:-1], autoescape=True) if is_prefix(tool) else name == tool)
    if filters.risk is not None:
        query = query.where(col(Proposal.risk) == filters.risk)
    if filters.status is not None:
        query = query.where(col(ApprovalRequest.status) == filters.status)
    if filters.asked_before is not None:
        query = query.where(col(ApprovalRequest.created_at) < filters.asked_before)
    return query


async def answers(tx: Tx, request_ids: Sequence[str]) -> Answers:
    """Return the reviews and delegations that hold on some requests, oldest first."""
    reviews = select(Review).where(col(Review.request_id).in_(request_ids), col(Review.voided_at).is_(None))
    handed = select(Delegation).where(col(Delegation.request_id).in_(request_ids), col(Delegation.ended_at).is_(None))
    return Answers(
        _by_request(await tx.session.scalars(reviews.order_by(col(Review.at), col(Review.id)))),
        _by_request(await tx.session.scalars(handed.order_by(col(Delegation.at), col(Delegation.id)))),
    )


def _by_request(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.request_id].append(row)
    return found


async def dossiers(tx: Tx, requests: Sequence[ApprovalRequest]) -> list[Dossier]:
    """Return what is stored about some requests, in their order, except what became of the call afterwards."""
    asked = select(Proposal).where(col(Proposal.id).in_([one.proposal_id for one in requests]))
    proposals = {one.id: one for one in await tx.session.scalars(asked)}
    given = await answers(tx, [one.id for one in requests])
    return [
        Dossier(
            proposals[one.proposal_id], one, tuple(given.reviews.get(one.id, ())), None,
            tuple(given.delegations.get(one.id, ())),
        )
        for one in requests
    ]  # fmt: skip


async def by_id(tx: Tx, request_ids: Sequence[str], status: RequestStatus) -> list[ApprovalRequest]:
    """Return those of some requests that have a status now, in the order of their ids."""
    query = select(ApprovalRequest).where(
        col(ApprovalRequest.id).in_(request_ids), col(ApprovalRequest.tenant) == tx.tenant,
        col(ApprovalRequest.status) == status,
    )  # fmt: skip
    return list(await tx.session.scalars(query.order_by(col(ApprovalRequest.id))))


async def surfaces(tx: Tx, proposal_ids: Iterable[str]) -> dict[str, list[Surface]]:
    """Return the surfaces of some proposals, for each the one where the work is discussed first."""
    query = select(Surface).where(col(Surface.proposal_id).in_(list(proposal_ids)), col(Surface.tenant) == tx.tenant)
    found: dict[str, list[Surface]] = defaultdict(list)
    for surface in sorted(await tx.session.scalars(query), key=lambda one: (one.thread_ts is None, one.id)):
        found[surface.proposal_id].append(surface)
    return found
