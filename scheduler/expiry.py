"""The clock of requests: warn, reopen, expire whatever is due; a week switched off is caught up by one tick."""

import logging

from governance.policy import Policy
from operations import expire
from storage import requests
from storage.database import Database
from storage.tables import ApprovalRequest

log = logging.getLogger(__name__)

_BATCH = 200


async def attend_due(database: Database, policy: Policy | None = None) -> int:
    """Attend to every request that is due, one transaction each; returns how many."""
    attended = 0
    while True:
        async with database.read("") as tx:
            due = await requests.due(tx, tx.now, _BATCH)
        done = sum([await _attend(database, policy, request) for request in due])
        attended += done
        if len(due) < _BATCH or not done:
            return attended


async def _attend(database: Database, policy: Policy | None, request: ApprovalRequest) -> bool:
    try:
        await database.write(request.tenant, lambda tx: expire.attend(tx, request.id, policy))
    except Exception:  # the outer loop: one bad row stops nothing
        log.exception("attending to request %s failed; the next tick tries again", request.id)
        return False
    return True
