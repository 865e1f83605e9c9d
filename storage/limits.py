"""The limits in force: what countersign.toml says, with what admins changed since."""

from dataclasses import replace

from sqlalchemy import select
from sqlmodel import col

from governance.changed_limits import with_changes
from governance.policy import Limits, Policy
from storage.database import Tx
from storage.tables import LimitsInForce


async def limits_in_force(tx: Tx, policy: Policy) -> Limits:
    """Return the limits that hold for this tenant now."""
    found = await changes(tx)
    return with_changes(policy.limits, found.changed) if found else policy.limits


async def policy_in_force(tx: Tx, policy: Policy) -> Policy:
    """Return the policy with the limits that hold for this tenant now."""
    return replace(policy, limits=await limits_in_force(tx, policy))


async def changes(tx: Tx, *, locked: bool = False) -> LimitsInForce | None:
    """Return what was changed, `locked` against everybody else who changes it."""
    query = select(LimitsInForce).where(col(LimitsInForce.tenant) == tx.tenant)
    query = query.with_for_update().execution_options(populate_existing=True) if locked else query
    return (await tx.session.scalars(query)).first()


async def all_changes(tx: Tx) -> list[LimitsInForce]:
    """Return what was changed for any tenant, in a fixed order."""
    return list(await tx.session.scalars(select(LimitsInForce).order_by(col(LimitsInForce.tenant))))
