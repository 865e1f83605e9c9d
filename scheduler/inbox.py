"""Answering what people said without a button: claim it, hand it to the bot, settle it, back off."""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from scheduler.outbox import backoff
from scheduler.ports import Postponed, Undeliverable
from scheduler.slots import Slots
from storage import inbox
from storage.database import Database
from storage.tables import InboxEvent

log = logging.getLogger(__name__)

#: Answers one reply or reaction; raises Postponed to have it again, Undeliverable to give it up.
Answerer = Callable[[InboxEvent], Awaitable[None]]

_AT_ONCE = 5
_GIVE_UP_AFTER = timedelta(hours=1)


class Inbox:
    """Has every event answered that was taken in, of every tenant, whichever process took it in."""

    def __init__(self, database: Database, answer: Answerer) -> None:
        self._database, self._answer = database, answer
        self._slots = Slots(_AT_ONCE, lambda: database.signals.announce(["inbox"]))

    async def drain(self) -> None:
        """Start answering everything that is due and fits, the oldest first."""
        while self._slots.free:
            claimed = await self._database.write("", lambda tx: inbox.claim(tx, self._slots.free))
            for event in claimed:
                self._slots.run(self._attend(event))
            if not claimed:
                return

    async def stop(self, grace: float = 5.0) -> None:
        """Let what is under way end; leases bring back what could not."""
        await self._slots.stop(grace)

    async def _attend(self, event: InboxEvent) -> None:
        try:
            await self._answer(event)
        except Postponed as postponed:
            await self._later(event, str(postponed), max(postponed.after, backoff(event.attempts)))
        except Undeliverable as never:
            await self._give_up(event, str(never))
        except Exception:  # the outer loop: what broke is tried again, and given up in the end
            log.exception("answering %s of %s failed; it will be tried again", event.way, event.person)
            await self._later(event, "internal error", backoff(event.attempts + 3))
        else:
            await self._database.write(event.tenant, lambda tx: inbox.done(tx, event.id))

    async def _later(self, event: InboxEvent, why: str, after: float) -> None:
        now = self._database.clock()
        if now - event.received_at > _GIVE_UP_AFTER:
            await self._give_up(event, why)
            return
        at = now + timedelta(seconds=after)
        await self._database.write(event.tenant, lambda tx: inbox.again(tx, event.id, at, why))

    async def _give_up(self, event: InboxEvent, why: str) -> None:
        log.error("gave up on the %s of %s in %s: %s", event.way, event.person, event.channel, why)
        await self._database.write(event.tenant, lambda tx: inbox.dead(tx, event.id, why))
