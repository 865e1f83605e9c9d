"""The feed: sealed audit entries of a workspace in their one order, as events for the outside."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from governance.events import About, Happening, happening, is_public
from storage import audit
from storage.database import Tx
from storage.tables import ApprovalRequest, AuditEntry, Proposal

#: An agent, a tool, and the requests about a call with the moment each was opened, oldest first.
_Told = tuple[str, str, list[tuple[str, datetime]]]


async def head(tx: Tx) -> int:
    """Return the place of this workspace's newest sealed entry, 0 where there is none."""
    seal = await audit.last_seal(tx)
    return seal.chain_index if seal else 0


async def after(tx: Tx, place: int, limit: int) -> tuple[list[Happening], int]:
    """Return the events among the `limit` entries after a place, in order, and the place that was read up to."""
    page = [(seal.chain_index, entry) for seal, entry in await audit.sealed_after(tx, place, limit)]
    return await happenings(tx, page), page[-1][0] if page else place


async def happenings(tx: Tx, page: list[tuple[int, AuditEntry]]) -> list[Happening]:
    """Return the events that some entries of this workspace are, each entry with its place."""
    public = [(index, entry) for index, entry in page if is_public(entry.kind) and entry.proposal_id]
    told = await _told(tx, {entry.proposal_id or "" for _, entry in public})
    found = [
        happening(index, audit.event_of(entry), _about(told[entry.proposal_id or ""], entry.at))
        for index, entry in public if entry.proposal_id in told
    ]  # fmt: skip
    return [one for one in found if one is not None]


async def _told(tx: Tx, proposal_ids: Collection[str]) -> dict[str, _Told]:
    """Return what is known of some calls; two queries however many they are."""
    if not proposal_ids:
        return {}
    calls = select(col(Proposal.id), col(Proposal.agent_id), col(Proposal.tool)).where(
        col(Proposal.tenant) == tx.tenant, col(Proposal.id).in_(proposal_ids)
    )
    told: dict[str, _Told] = {id: (agent, tool, []) for id, agent, tool in await tx.session.execute(calls)}
    asked = select(col(ApprovalRequest.proposal_id), col(ApprovalRequest.id), col(ApprovalRequest.created_at)).where(
        col(ApprovalRequest.tenant) == tx.tenant, col(ApprovalRequest.proposal_id).in_(proposal_ids)
    )
    for proposal_id, id, at in await tx.session.execute(asked.order_by(col(ApprovalRequest.id))):
        told[proposal_id][2].append((id, at))
    return told


def _about(told: _Told, at: datetime) -> About:
    agent, tool, asked = told
    return About(agent, tool, next((id for id, since in reversed(asked) if since <= at), None))
