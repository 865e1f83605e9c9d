"""Automations read for people: their own, some by id, those of a name; and the questions that are open about them."""

from collections.abc import Collection

from sqlalchemy import func, select
from sqlmodel import col

from governance.lifecycle import OPEN_REQUESTS
from storage.database import Tx
from storage.tables import ApprovalRequest, Automation, Grant


async def owned(tx: Tx, owner: str, limit: int) -> list[Automation]:
    """Return the newest automations that one person owes the reviews of."""
    query = select(Automation).where(
        col(Automation.tenant) == tx.tenant, col(Automation.owner) == owner, col(Automation.deleted_at).is_(None)
    )
    query = query.order_by(col(Automation.created_at).desc(), col(Automation.id).desc())
    return list(await tx.session.scalars(query.limit(limit)))


async def named(tx: Tx, name: str, limit: int) -> list[Automation]:
    """Return the newest automations of this name, whatever the case."""
    query = select(Automation).where(
        col(Automation.tenant) == tx.tenant, func.lower(col(Automation.name)) == name.lower().replace("\x00", ""),
        col(Automation.deleted_at).is_(None),
    )  # fmt: skip
    query = query.order_by(col(Automation.created_at).desc(), col(Automation.id).desc())
    return list(await tx.session.scalars(query.limit(limit)))


async def names(tx: Tx, ids: Collection[str]) -> dict[str, str]:
    """Return the names of some automations, deleted ones included, by id."""
    query = select(col(Automation.id), col(Automation.name)).where(
        col(Automation.tenant) == tx.tenant, col(Automation.id).in_(ids)
    )
    found = await tx.session.execute(query) if ids else ()
    return {id: name for id, name in found}  # noqa: C416 - mypy knows rows as tuples only here


async def questions(tx: Tx, ids: Collection[str]) -> dict[str, ApprovalRequest]:
    """Return the newest open question about each of some agents or automations, by the id of what it is about."""
    query = select(ApprovalRequest).where(
        col(ApprovalRequest.tenant) == tx.tenant, col(ApprovalRequest.target_id).in_(ids),
        col(ApprovalRequest.status).in_(OPEN_REQUESTS),
    )  # fmt: skip
    found = await tx.session.scalars(query.order_by(col(ApprovalRequest.id))) if ids else ()
    return {one.target_id: one for one in found if one.target_id is not None}


async def proposals_of(tx: Tx, grants: Collection[Grant]) -> dict[str, str]:
    """Return the proposals that people countersigned when they made some grants, by the grant's id."""
    asked = {one.request_id: one.id for one in grants if one.request_id is not None}
    query = select(col(ApprovalRequest.id), col(ApprovalRequest.proposal_id)).where(
        col(ApprovalRequest.tenant) == tx.tenant, col(ApprovalRequest.id).in_(asked)
    )
    return {asked[id]: proposal for id, proposal in await tx.session.execute(query)} if asked else {}
