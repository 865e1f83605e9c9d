"""Keeping Home tabs true: after a change every one that somebody looks at is checked, and drawn where it differs."""

import logging
from time import monotonic

from bot.delivery.troubles import postponed
from bot.office import Office
from bot.office.homes import is_true, redraw_home
from bot.slack import Disconnected, SlackTrouble, TryLater
from bot.slack.pacing import Pacer
from operations.home import HomeBusy
from scheduler.ports import Postponed
from storage import homes, outbox
from storage.database import Tx
from storage.tables import OutboxMessage

log = logging.getLogger(__name__)

_PAGE = 20
_AT_A_TIME = 10.0  # seconds; the message's lease is longer
_LINE = "homes"  # they have one limit together, so they wait in one line
_BUSY_AGAIN = 1.0


class Homes:
    """Redraws the Homes of one workspace."""

    def __init__(self, office: Office) -> None:
        self._office, self._database = office, office.database
        self._pacer = Pacer()

    async def look(self, message: OutboxMessage) -> None:
        """Look at every Home that may have to change. One that cannot be drawn now holds up no other.

        What there is no time or no turn for is taken up again later, by the same message: `certain` says that it has
        not begun yet.
        """
        if message.certain:
            await self._database.write(message.tenant, lambda tx: _begin(tx, message.id))
        failed: dict[str, Postponed] = {}
        ends = monotonic() + _AT_A_TIME
        while page := await self._behind(message.tenant, failed):
            for person in page:
                if monotonic() > ends:
                    raise Postponed("more Homes are waiting", after=0.0, certain=False)
                later = await self._redraw(message, person)
                if later is not None:
                    failed[person] = later
        if failed:
            after = max(later.after for later in failed.values())
            raise Postponed(f"{len(failed)} Homes could not be drawn", after=after, certain=False)

    async def _behind(self, tenant: str, failed: dict[str, Postponed]) -> list[str]:
        async with self._database.read(tenant) as tx:
            return [one.person for one in await homes.behind(tx, failed, _PAGE)]

    async def _redraw(self, message: OutboxMessage, person: str) -> Postponed | None:
        """Bring one Home up to date; return when to try again where it could not be drawn now."""
        try:
            if await is_true(self._office, person):
                return None
            if (wait := self._pacer.wait(_LINE)) > 0:
                raise Postponed("pacing", after=wait, certain=False)
            await redraw_home(self._office, person)
        except HomeBusy:
            return Postponed("it is being drawn", after=_BUSY_AGAIN, certain=False)
        except TryLater as trouble:
            if trouble.error == "ratelimited":
                self._pacer.hold(_LINE, trouble.after)
                raise Postponed(trouble.error, after=trouble.after, certain=False) from trouble
            return Postponed(trouble.error, after=postponed(trouble, message, person).after, certain=False)
        except Disconnected as trouble:
            after = postponed(trouble, message, person).after
            raise Postponed(trouble.error, after=after, certain=False, blameless=True) from trouble
        except SlackTrouble as trouble:
            log.error("the Home of %s cannot be drawn: %s", person, trouble.error)
            await self._database.write(message.tenant, lambda tx: homes.forget(tx, person))
        return None


async def _begin(tx: Tx, message_id: str) -> None:
    await homes.mark(tx)
    await outbox.begin_sending(tx, message_id)
