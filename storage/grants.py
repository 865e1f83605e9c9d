"""Queries and guarded changes of the rights given to agents. Expired and revoked ones count for nothing."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Select, select, update
from sqlmodel import col

from governance.automations import GrantKind
from governance.reviewers import ReviewVerdict
from governance.rules import Effect, Remembered
from storage.database import Tx
from storage.tables import ApprovalRequest, Grant, Review


def is_live(grant: Grant, now: datetime) -> bool:
    """Whether a grant holds at this moment."""
    return grant.revoked_at is None and (grant.expires_at is None or grant.expires_at > now)


def _live(tx: Tx) -> ColumnElement[bool]:
    in_time = col(Grant.expires_at).is_(None) | (col(Grant.expires_at) > tx.now)
    return (col(Grant.tenant) == tx.tenant) & col(Grant.revoked_at).is_(None) & in_time


async def rights(tx: Tx, agent_id: str) -> frozenset[str]:
    """Return the capabilities an agent holds now."""
    query = select(col(Grant.capability)).where(
        _live(tx), col(Grant.agent_id) == agent_id, col(Grant.kind) == GrantKind.CAPABILITY
    )
    return frozenset(one for one in await tx.session.scalars(query) if one is not None)


async def answering(tx: Tx, agent_id: str, tool: str, capability: str) -> list[Remembered]:
    """Return the grants of a capability that may answer an agent's calls of a tool, with who approved them."""
    query = (
        select(Grant, col(ApprovalRequest.quorum), col(Review.reviewer))
        .join(ApprovalRequest, col(ApprovalRequest.id) == col(Grant.request_id))
        .join(Review, col(Review.request_id) == col(Grant.request_id))
        .where(
            _live(tx), col(Grant.agent_id) == agent_id, col(Grant.kind) == GrantKind.CAPABILITY,
            col(Grant.capability) == capability, col(Review.verdict) == ReviewVerdict.APPROVE,
            col(Review.voided_at).is_(None),
        )
    )  # fmt: skip
    found: dict[str, Remembered] = {}
    for grant, agreed, person in await tx.session.execute(query.order_by(col(Grant.id), col(Review.id))):
        earlier = found[grant.id].authors if grant.id in found else ()
        found[grant.id] = Remembered(
            grant.id, Effect.ALLOW, tool, {"any": True}, (*earlier, person), expires_at=grant.expires_at, agreed=agreed
        )
    return list(found.values())


async def holds(tx: Tx, grant_id: str) -> bool:
    """Whether there is a grant under this id and it holds now."""
    grant = await tx.get(Grant, grant_id)
    return grant is not None and is_live(grant, tx.now)


async def approvers(tx: Tx, grants: Sequence[Grant]) -> dict[str, tuple[str, ...]]:
    """Return who approved some grants, by the request that they come from."""
    wanted = [one.request_id for one in grants if one.request_id is not None]
    query = select(col(Review.request_id), col(Review.reviewer)).where(
        col(Review.request_id).in_(wanted),
        col(Review.verdict) == ReviewVerdict.APPROVE,
        col(Review.voided_at).is_(None),
    )
    found: dict[str, tuple[str, ...]] = {}
    for request_id, person in await tx.session.execute(query.order_by(col(Review.id))) if wanted else ():
        found[request_id] = (*found.get(request_id, ()), person)
    return found


async def named(tx: Tx, ids: Collection[str]) -> list[Grant]:
    """Return grants of this tenant by their ids."""
    query = select(Grant).where(col(Grant.tenant) == tx.tenant, col(Grant.id).in_(ids))
    return list(await tx.session.scalars(query)) if ids else []


async def to_modify(tx: Tx, agent_id: str, automation_id: str) -> Grant | None:
    """Return the live grant by which an agent may change an automation."""
    query = select(Grant).where(
        _live(tx), col(Grant.agent_id) == agent_id, col(Grant.automation_id) == automation_id,
        col(Grant.kind) == GrantKind.MODIFY,
    )  # fmt: skip
    return (await tx.session.scalars(query)).first()


async def page(
    tx: Tx,
    *,
    agent_id: str | None = None,
    automation_id: str | None = None,
    kind: GrantKind | None = None,
    live_only: bool = False,
    before: tuple[datetime, str] | None = None,
    limit: int,
) -> Sequence[Grant]:
    """Return grants newest first: of one agent, of one automation, or of all."""
    query: Select[Any] = select(Grant).where(col(Grant.tenant) == tx.tenant)
    if live_only:
        query = query.where(_live(tx))
    for column, wanted in ((Grant.agent_id, agent_id), (Grant.automation_id, automation_id), (Grant.kind, kind)):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    if before is not None:
        at, id = before
        query = query.where((col(Grant.created_at) < at) | ((col(Grant.created_at) == at) & (col(Grant.id) < id)))
    query = query.order_by(col(Grant.created_at).desc(), col(Grant.id).desc())
    return (await tx.session.scalars(query.limit(limit))).all()


async def revoke(tx: Tx, grant: Grant, by: str, reason: str | None) -> bool:
    """Revoke a grant; False where it was revoked before. The object is brought up to date either way."""
    statement = (
        update(Grant)
        .where(col(Grant.id) == grant.id, col(Grant.revoked_at).is_(None))
        .values(revoked_at=tx.now, revoked_by=by, revoke_reason=reason)
        .execution_options(synchronize_session=False)
    )
    revoked = cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1
    await tx.session.refresh(grant)
    return revoked


async def lapsed(tx: Tx, limit: int) -> list[tuple[str, str]]:
    """Return tenant and id of grants of every tenant whose time is over and which have not been ended yet."""
    query = select(col(Grant.tenant), col(Grant.id)).where(
        col(Grant.expires_at) <= tx.now, col(Grant.revoked_at).is_(None)
    )
    return [(tenant, id) for tenant, id in await tx.session.execute(query.order_by(col(Grant.expires_at)).limit(limit))]
