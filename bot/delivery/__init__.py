"""Outbox handlers that speak to Slack: they draw surfaces and Homes, add lines to threads, and tell people."""

from bot.delivery.covering import Covering
from bot.delivery.digests import Digests
from bot.delivery.folds import Folds
from bot.delivery.homes import Homes
from bot.delivery.messages import Messages
from bot.delivery.posting import Poster
from bot.delivery.surfaces import Surfaces
from bot.office import Office
from scheduler.ports import Handler
from storage.outbox import Owed


class Delivery:
    """Pays what is owed to one Slack workspace."""

    def __init__(self, office: Office) -> None:
        poster = Poster(office)
        self._surfaces, self._messages = Surfaces(office, poster), Messages(office, poster)
        self._homes, self._covering = Homes(office), Covering(office)
        self._folds, self._digests = Folds(office, poster), Digests(office, poster)

    def handlers(self) -> dict[str, Handler]:
        """Return the handler of each kind of outbox message."""
        return {
            Owed.SHOW: self._surfaces.show,
            Owed.NOTE: self._messages.note,
            Owed.TELL: self._messages.tell,
            Owed.COVER: self._covering.cover,
            Owed.SAY: self._messages.say,
            Owed.HOMES: self._homes.look,
            Owed.WARN: self._messages.warn,
            Owed.DIGEST: self._digests.send,
            Owed.FOLD: self._folds.show,
        }
