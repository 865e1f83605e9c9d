"""The clock of requests: warn, reopen, expire whatever is due; a week switched off is caught up by one tick."""

import logging

from operations import expire
from storage import requests
from storage.database import Database

log = logging.getLogger(__name__)

_BATCH = 200


async def attend_due(database: Database) -> int:
    """Attend to every request that is due, one transaction each; returns how many."""
    attended = 0
    while True:
        async with database.read("") as tx:
            due = await requests.due(tx, tx.now, _BATCH)
        for request in due:
            try:
                await database.write(request.tenant, lambda tx, id=request.id: expire.attend(tx, id))  # type: ignore[misc]
            except Exception:  # the outer loop: one bad row stops nothing
                log.exception("attending to request %s failed", request.id)
                return attended
        attended += len(due)
        if len(due) < _BATCH:
            return attended
