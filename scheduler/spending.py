"""The clock of spend stops: lets agents go with a new week or a raised cap, stops them when a lift lapses or a cap
is lowered."""

import logging
from datetime import timedelta

from operations import spend_stop
from operations.spend import hold_to_caps
from scheduler.ports import HasPolicy
from storage import limits, spend
from storage.database import Database
from storage.tables import SpendStop

log = logging.getLogger(__name__)

_BATCH = 100

#: For how long the same report of spend is known to be the same.
REPORTS_KEPT = timedelta(days=90)


class SpendClock:
    """Attends to stops that are due; looks at all agents once whenever the caps may have changed."""

    def __init__(self, database: Database, policy: HasPolicy) -> None:
        self._database, self._policy = database, policy
        self._seen: object = None  # the caps' source when every stop was last looked at

    async def drain(self) -> None:
        """Attend to every stop that is due, one transaction each."""
        while True:
            async with self._database.read("") as tx:
                changed = [(one.tenant, one.changed) for one in await limits.all_changes(tx)]
                due = await spend.due_stops(tx, _BATCH)
            source = (self._policy.hash, changed)
            if source != self._seen:
                await self._look_again()
                self._seen = source
            elif not any([await self._attend(stop) for stop in due]):
                return

    async def _look_again(self) -> None:
        """Have every stop looked at, and everybody whose cap was lowered below what they have spent stopped."""
        await self._database.write("", spend_stop.look_again)
        async with self._database.read("") as tx:
            tenants = await spend.tenants(tx)
        for tenant in tenants:
            await self._hold(tenant)

    async def _hold(self, tenant: str) -> None:
        try:
            policy = self._policy.of(tenant)
            await self._database.write(tenant, lambda tx: hold_to_caps(tx, policy))
        except Exception:  # the outer loop: one workspace stops no other; its next report looks again
            log.exception("holding workspace %s to its caps failed", tenant)

    async def _attend(self, stop: SpendStop) -> bool:
        try:
            policy = self._policy.of(stop.tenant)
            await self._database.write(stop.tenant, lambda tx: spend_stop.attend(tx, policy, stop.id))
        except Exception:  # the outer loop: one bad row stops nothing
            log.exception("attending to spend stop %s failed; the next tick tries again", stop.id)
            return False
        return True


async def forget_reports(database: Database) -> None:
    """Drop reports whose ids nobody sends again."""
    await database.write("", lambda tx: spend.forget_reports(tx, REPORTS_KEPT))
