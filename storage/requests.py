"""Queries and guarded moves of approval requests and their reviews."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    CursorResult,
    Select,
    Text,
    bindparam,
    exists,
    func,
    select,
    update,
)
from sqlalchemy import (
    cast as sql_cast,
)
from sqlmodel import col

from governance.lifecycle import OPEN_REQUESTS, RequestStatus, sources_of_request
from governance.reviewers import ReviewVerdict, Seat
from storage.database import Tx
from storage.proposals import topic
from storage.tables import ApprovalRequest, Delegation, Proposal, RequestType, Review

#: Written out and in the order of the partial indexes: with parameters no database finds that they apply.
OPEN: BindParameter[Any] = bindparam(
    "open", (RequestStatus.PENDING, RequestStatus.DEFERRED), expanding=True, literal_execute=True
)


#: Approvals of these types let one thing happen once, and are used up by it.
SINGLE_USE = (RequestType.EXTERNAL_POST, RequestType.ELEVATED_CAPABILITY)


async def locked(tx: Tx, request_id: str) -> ApprovalRequest | None:
    """Return a request with its row locked, so that two votes of one quorum see each other.

    The weaker lock lets a rendering refer to the request meanwhile; the stronger one would deadlock with drawing.
    """
    query = select(ApprovalRequest).where(
        col(ApprovalRequest.id) == request_id, col(ApprovalRequest.tenant) == tx.tenant
    )
    return (
        await tx.session.scalars(query.with_for_update(key_share=True).execution_options(populate_existing=True))
    ).first()


async def of_proposal(tx: Tx, proposal_id: str) -> ApprovalRequest | None:
    """Return the newest request about a proposal."""
    query = select(ApprovalRequest).where(
        col(ApprovalRequest.proposal_id) == proposal_id, col(ApprovalRequest.tenant) == tx.tenant
    )
    return (await tx.session.scalars(query.order_by(col(ApprovalRequest.id).desc()).limit(1))).first()


async def asked_under(tx: Tx, key: str) -> ApprovalRequest | None:
    """Return the open question that was asked under this key, with its row locked."""
    query = select(ApprovalRequest).where(
        col(ApprovalRequest.tenant) == tx.tenant, col(ApprovalRequest.asked_key) == key,
        col(ApprovalRequest.status).in_(OPEN),
    )  # fmt: skip
    return (
        await tx.session.scalars(query.with_for_update(key_share=True).execution_options(populate_existing=True))
    ).first()


async def open_about(tx: Tx, request_type: RequestType, target: tuple[str, str]) -> list[ApprovalRequest]:
    """Return the open questions of a type about one agent or automation, oldest first."""
    query = select(ApprovalRequest).where(
        col(ApprovalRequest.tenant) == tx.tenant, col(ApprovalRequest.target_type) == target[0],
        col(ApprovalRequest.target_id) == target[1], col(ApprovalRequest.request_type) == request_type,
        col(ApprovalRequest.status).in_(OPEN),
    )  # fmt: skip
    return list(await tx.session.scalars(query.order_by(col(ApprovalRequest.id))))


async def consume(tx: Tx, request_id: str, digest: str) -> bool:
    """Use up an approved single-use request that is about exactly this digest; False where it cannot be used."""
    statement = (
        update(ApprovalRequest)
        .where(
            col(ApprovalRequest.id) == request_id, col(ApprovalRequest.tenant) == tx.tenant,
            col(ApprovalRequest.request_type).in_(SINGLE_USE), col(ApprovalRequest.digest) == digest,
            col(ApprovalRequest.status) == RequestStatus.APPROVED, col(ApprovalRequest.expires_at) > tx.now,
            col(ApprovalRequest.consumed_at).is_(None),
        )
        .values(consumed_at=tx.now)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1


async def move(tx: Tx, request: ApprovalRequest, to: RequestStatus, **changes: Any) -> bool:
    """Move a request to another status if the lifecycle allows it from where it stands now.

    One guarded UPDATE; False means that somebody else was first. The object is brought up to date either way.
    """
    statement = (
        update(ApprovalRequest)
        .where(col(ApprovalRequest.id) == request.id, col(ApprovalRequest.status).in_(sources_of_request(to)))
        .values(status=to, **changes)
        .execution_options(synchronize_session=False)
    )
    moved = cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1
    if moved:
        tx.announce(topic(request.proposal_id))
    await tx.session.refresh(request)
    return moved


async def change(tx: Tx, request: ApprovalRequest, **changes: Any) -> bool:
    """Change an open request that is still at the version the caller looked at, without moving it.

    One guarded UPDATE; False means that somebody else was first. The object is brought up to date either way.
    """
    statement = (
        update(ApprovalRequest)
        .where(
            col(ApprovalRequest.id) == request.id,
            col(ApprovalRequest.status).in_(OPEN_REQUESTS),
            col(ApprovalRequest.version) == request.version,
        )
        .values(**changes)
        .execution_options(synchronize_session=False)
    )
    changed = cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1
    await tx.session.refresh(request)
    return changed


async def live_reviews(tx: Tx, request_id: str) -> list[Review]:
    """Return the reviews that count at present, oldest first."""
    query = select(Review).where(col(Review.request_id) == request_id, col(Review.voided_at).is_(None))
    return list(await tx.session.scalars(query.order_by(col(Review.at), col(Review.id))))


async def void_reviews(tx: Tx, request_id: str, *people: str) -> None:
    """Make room for a changed mind: void what these people answered, and what was answered on their places.

    Without people, void every answer: the call they were about has been edited.
    """
    query = update(Review).where(col(Review.request_id) == request_id, col(Review.voided_at).is_(None))
    if people:
        query = query.where(col(Review.reviewer).in_(people) | col(Review.on_behalf_of).in_(people))
    await tx.session.execute(query.values(voided_at=tx.now).execution_options(synchronize_session=False))


def approvers(reviews: Sequence[Review]) -> list[Seat]:
    """Return who has approved, each with the place it was on."""
    return [
        Seat(review.reviewer, review.on_behalf_of or review.reviewer)
        for review in reviews
        if review.verdict is ReviewVerdict.APPROVE
    ]


async def givers(tx: Tx, request_id: str, taker: str) -> list[str]:
    """Return who delegated their place on a request to this person, oldest first."""
    query = select(col(Delegation.giver)).where(
        col(Delegation.request_id) == request_id, col(Delegation.taker) == taker, col(Delegation.ended_at).is_(None)
    )
    return list(await tx.session.scalars(query.order_by(col(Delegation.at))))


async def delegations(tx: Tx, request_id: str) -> list[Delegation]:
    """Return the delegations of a request that hold now, oldest first."""
    query = select(Delegation).where(col(Delegation.request_id) == request_id, col(Delegation.ended_at).is_(None))
    return list(await tx.session.scalars(query.order_by(col(Delegation.at), col(Delegation.id))))


async def count_delegations(tx: Tx, request_id: str, giver: str) -> int:
    """Return how often a place has been handed to somebody, whatever became of it."""
    query = select(func.count()).where(col(Delegation.request_id) == request_id, col(Delegation.giver) == giver)
    return (await tx.session.scalar(query)) or 0


async def concerning(tx: Tx, person: str, limit: int) -> list[str]:
    """Return the ids of open requests that ask a person: by name, in somebody's place, or perhaps through a user group;
    in one order for everybody, and of very many those that expire first."""
    asked, request = sql_cast(col(ApprovalRequest.reviewers), Text), ApprovalRequest
    holds_place = exists().where(
        col(Delegation.request_id) == col(request.id), col(Delegation.taker) == person,
        col(Delegation.ended_at).is_(None),
    )  # fmt: skip
    named = asked.contains(f'"{person}"', autoescape=True) | asked.contains('"S', autoescape=True)
    query = select(col(request.id)).where(
        col(request.tenant) == tx.tenant, col(request.status).in_(OPEN), named | holds_place
    )
    return sorted(await tx.session.scalars(query.order_by(col(request.expires_at)).limit(limit)))


async def covers_of(tx: Tx, giver: str) -> list[Delegation]:
    """Return the places of a person that others hold on open requests because that person was out of office."""
    query = select(Delegation).join(ApprovalRequest, col(ApprovalRequest.id) == col(Delegation.request_id))
    query = query.where(
        col(ApprovalRequest.tenant) == tx.tenant, col(ApprovalRequest.status).in_(OPEN),
        col(Delegation.giver) == giver, col(Delegation.is_cover), col(Delegation.ended_at).is_(None),
    )  # fmt: skip
    return list(await tx.session.scalars(query.order_by(col(Delegation.request_id))))


async def end_delegation(tx: Tx, request_id: str, giver: str) -> None:
    """End a delegation: it was taken back, or handed on."""
    await tx.session.execute(
        update(Delegation)
        .where(
            col(Delegation.request_id) == request_id, col(Delegation.giver) == giver,
            col(Delegation.ended_at).is_(None),
        )
        .values(ended_at=tx.now)
        .execution_options(synchronize_session=False)
    )  # fmt: skip


async def page(
    tx: Tx,
    *,
    status: RequestStatus | None = None,
    request_type: RequestType | None = None,
    agent_id: str | None = None,
    only_open: bool = False,
    before: tuple[datetime, str] | None = None,
    limit: int,
) -> list[ApprovalRequest]:
    """Return requests newest first: those of one agent or of all, before a place in the list."""
    query: Select[Any] = select(ApprovalRequest).where(col(ApprovalRequest.tenant) == tx.tenant)
    if status is not None:
        query = query.where(col(ApprovalRequest.status) == status)
    if only_open:
        query = query.where(col(ApprovalRequest.status).in_(OPEN))
    if request_type is not None:
        query = query.where(col(ApprovalRequest.request_type) == request_type)
    if agent_id is not None:
        query = query.join(Proposal, col(Proposal.id) == col(ApprovalRequest.proposal_id))
        query = query.where(col(Proposal.agent_id) == agent_id)
    if before is not None:
        created_at, request_id = before
        query = query.where(
            (col(ApprovalRequest.created_at) < created_at)
            | ((col(ApprovalRequest.created_at) == created_at) & (col(ApprovalRequest.id) < request_id))
        )
    query = query.order_by(col(ApprovalRequest.created_at).desc(), col(ApprovalRequest.id).desc())
    return list(await tx.session.scalars(query.limit(limit)))


async def due(tx: Tx, now: datetime, limit: int) -> list[ApprovalRequest]:
    """Return open requests of every tenant whose warning, expiry, reopening or escalation is due."""
    is_open = col(ApprovalRequest.status).in_(OPEN)
    columns = (
        ApprovalRequest.expires_at, ApprovalRequest.warn_at, ApprovalRequest.reopen_at, ApprovalRequest.escalate_at,
    )  # fmt: skip
    found: dict[str, ApprovalRequest] = {}
    for column in columns:
        query = select(ApprovalRequest).where(col(column) <= now, is_open).order_by(col(column)).limit(limit)
        found.update({request.id: request for request in await tx.session.scalars(query)})
    return list(found.values())
