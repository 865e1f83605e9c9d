"""What time does to automations, grants and owed reviews: each tick reads what is due and nothing else.

Every row is attended to in a transaction of its own that looks again, so replicas may tick at the same moment.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from governance.policy import Policy
from operations import ending, grants, health, timing
from storage import automations, owed
from storage import grants as stored_grants
from storage.database import Database, Tx

log = logging.getLogger(__name__)

_BATCH = 200

#: Returns the policy that holds for a tenant.
PolicyOf = Callable[[str], Policy]
_Due = Callable[[Tx, int], Awaitable[list[tuple[str, str]]]]
_Attend = Callable[[Tx, Policy, str], Awaitable[Any]]


async def _purge(tx: Tx, policy: Policy, automation_id: str) -> bool:
    return await ending.purge(tx, automation_id)


_TICKS: tuple[tuple[_Due, _Attend], ...] = (
    (automations.due_to_expire, timing.attend),
    (automations.due_for_health, health.check),
    (automations.due_to_purge, _purge),
    (stored_grants.lapsed, grants.lapse),
    (owed.due, timing.nudge),
)


async def attend_due(database: Database, policy_of: PolicyOf) -> int:
    """Attend to everything that is due; returns how many rows that were."""
    attended = 0
    while True:
        async with database.read("") as tx:
            found = [(attend, await due(tx, _BATCH)) for due, attend in _TICKS]
        done = sum([await _attend(database, policy_of, attend, *one) for attend, rows in found for one in rows])
        attended += done
        if not done or all(len(rows) < _BATCH for _, rows in found):
            return attended


async def _attend(database: Database, policy_of: PolicyOf, attend: _Attend, tenant: str, id: str) -> bool:
    try:
        await database.write(tenant, lambda tx: attend(tx, policy_of(tenant), id))
    except Exception:  # the outer loop: one bad row stops nothing
        log.exception("attending to %s failed; the next tick tries again", id)
        return False
    return True
