"""Paying what commits owe: claim messages, hand them to their handlers, settle them, back off."""

import logging
from collections.abc import Mapping
from datetime import timedelta

from scheduler.ports import Handler, Held, Postponed, Undeliverable
from scheduler.slots import Slots
from storage import outbox, trail
from storage.database import Database
from storage.tables import OutboxMessage

log = logging.getLogger(__name__)

_AT_ONCE = 10
_LONGEST_WAIT = 60.0
_GIVE_UP_AFTER = timedelta(hours=24)


class Outbox:
    """Delivers outbox messages of every tenant: those of one lane, so that no lane waits for the slots of another."""

    def __init__(
        self, database: Database, handlers: Mapping[str, Handler], *, lane: str = "outbox", at_once: int = _AT_ONCE
    ) -> None:
        self._database, self._handlers, self.lane = database, handlers, lane
        self._slots = Slots(at_once, lambda: database.signals.announce([lane]))

    async def drain(self) -> None:
        """Start delivering everything that is due and fits; the most urgent first."""
        while self._slots.free:
            claimed = await self._database.write("", lambda tx: outbox.claim(tx, self._slots.free, self.lane))
            for message in claimed:
                self._slots.run(self._deliver(message))
            if not claimed:
                return

    async def stop(self, grace: float = 5.0) -> None:
        """Let deliveries under way end; leases bring back what could not."""
        await self._slots.stop(grace)

    async def _deliver(self, message: OutboxMessage) -> None:
        try:
            await self._handlers[message.kind](message)
        except Postponed as postponed:
            await self._postpone(message, postponed)
        except Held:
            return
        except Undeliverable as never:
            why = str(never)
            log.error("gave up on %s for %s: %s", message.kind, message.subject, why)
            await self._database.write(message.tenant, lambda tx: outbox.dead(tx, message.id, why))
        except Exception:
            log.exception("delivering %s for %s failed; it will be tried again", message.kind, message.subject)
            await self._postpone(message, Postponed("internal error", after=5.0, certain=False))
        else:
            await self._database.write(message.tenant, lambda tx: outbox.sent(tx, message.id))

    async def _postpone(self, message: OutboxMessage, why: Postponed) -> None:
        now = self._database.clock()
        tried_since = max(message.created_at, message.held_until or message.created_at)
        if now - tried_since > _GIVE_UP_AFTER and not why.blameless:
            await self._database.write(message.tenant, lambda tx: outbox.dead(tx, message.id, str(why)))
            return
        at = now + timedelta(seconds=min(why.after, _LONGEST_WAIT * 10))
        certain = why.certain and message.certain  # once it may have arrived, only finding it says more
        if certain and trail.is_trail(message):
            await self._database.write(
                message.tenant, lambda tx: trail.again(tx, message, at, str(why), blameless=why.blameless)
            )
            return
        await self._database.write(
            message.tenant,
            lambda tx: outbox.again(tx, message, at, str(why), certain=certain, blameless=why.blameless),
        )


def backoff(attempts: int) -> float:
    """Return how many seconds to wait after the given number of tries."""
    return min(0.5 * float(2**attempts), _LONGEST_WAIT)
