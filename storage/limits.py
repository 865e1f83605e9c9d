"""The limits in force: what countersign.toml says, and what an admin changed at run time on top."""

from governance.policy import Limits, Policy
from storage.database import Tx


async def limits_in_force(tx: Tx, policy: Policy) -> Limits:
    """Return the limits of this tenant as they are now."""
    return policy.limits
