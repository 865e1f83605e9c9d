"""Queries on what agents spent and on the stops that follow from it."""

from collections.abc import Collection

from sqlalchemy import select
from sqlmodel import col

from storage.database import Tx
from storage.tables import SpendStop


async def stopped(tx: Tx, agent_ids: Collection[str]) -> dict[str, SpendStop]:
    """Return the stops that hold now among some agents, by agent: neither ended nor lifted at present."""
    lifted = col(SpendStop.lifted_until).is_not(None) & (col(SpendStop.lifted_until) > tx.now)
    query = select(SpendStop).where(
        col(SpendStop.tenant) == tx.tenant, col(SpendStop.agent_id).in_(list(agent_ids)),
        col(SpendStop.ended_at).is_(None), ~lifted,
    )  # fmt: skip
    return {one.agent_id: one for one in await tx.session.scalars(query)}
