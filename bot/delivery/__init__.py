"""Outbox handlers that speak to Slack: they draw surfaces, add lines to threads, and tell people."""

from bot.delivery.digests import Digests
from bot.delivery.folds import Folds
from bot.delivery.messages import Messages
from bot.delivery.posting import Poster
from bot.delivery.surfaces import Surfaces
from bot.office import Office
from scheduler.ports import Handler, Postponed
from storage.outbox import Owed
from storage.tables import OutboxMessage


class Delivery:
    """Pays what is owed to one Slack workspace."""

    def __init__(self, office: Office) -> None:
        poster = Poster(office)
        self._surfaces, self._messages = Surfaces(office, poster), Messages(office, poster)
        self._folds, self._digests = Folds(office, poster), Digests(office, poster)

    def handlers(self) -> dict[str, Handler]:
        """Return the handler of each kind of outbox message."""
        return {
            Owed.SHOW: self._surfaces.show,
            Owed.NOTE: self._messages.note,
            Owed.TELL: self._messages.tell,
            Owed.SAY: self._messages.say,
            Owed.WARN: self._messages.warn,
            Owed.DIGEST: self._digests.send,
            Owed.FOLD: self._folds.show,
        }

    def held_back(self) -> dict[str, Handler]:
        """Return handlers for a server without a workspace: everything waits until one is connected."""

        async def wait(_message: OutboxMessage) -> None:
            raise Postponed("no Slack workspace is connected", after=60.0, certain=True, blameless=True)

        return dict.fromkeys(self.handlers(), wait)
