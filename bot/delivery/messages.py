"""What is said besides cards: lines in threads, and direct messages."""

from bot.cards.alarms import alarm
from bot.cards.endings import direct_message
from bot.cards.invitations import invitation
from bot.cards.notes import trail
from bot.cards.notices import notice
from bot.delivery.posting import Poster
from bot.office import Office
from bot.office.queue import link_to_card
from scheduler.outbox import backoff
from scheduler.ports import Postponed, Undeliverable
from storage import surfaces
from storage.dossier import Dossier, dossier
from storage.tables import OutboxMessage, Surface, SurfaceStatus
from storage.trail import lines_of


class Messages:
    """Sends the lines and direct messages of one workspace."""

    def __init__(self, office: Office, poster: Poster) -> None:
        self._office, self._database, self._poster = office, office.database, poster

    async def note(self, message: OutboxMessage) -> None:
        """Add a line, or the lines that waited together, to the thread where a request is discussed."""
        payload = message.payload
        async with self._database.read(message.tenant) as tx:
            surface = await tx.get(Surface, payload["surface_id"])
            found = await dossier(tx, payload["proposal_id"])
        if surface is not None and surface.status is SurfaceStatus.GONE and surface.ts is None:
            return  # its request was over before anybody saw it
        if surface is None or found is None or surface.status is SurfaceStatus.GONE:
            raise Undeliverable("its card is gone")
        if surface.ts is None or surface.rendered < surface.desired:
            # The card first: drawing it finds out whether it is still there, and a reply to nothing would stand alone.
            after = max(backoff(message.attempts - 1), self._poster.pacer.backlog(surface.channel))
            raise Postponed("its card is not drawn yet", after=after, certain=message.certain)
        said = trail(lines_of(message), found)
        await self._poster.send_once(message, surface.channel, said, surface.thread_ts or surface.ts)

    async def tell(self, message: OutboxMessage) -> None:
        """Send one person a direct message: how a call of their agent ended, or that a place was handed to them."""
        async with self._database.read(message.tenant) as tx:
            found: Dossier | None = await dossier(tx, message.payload["proposal_id"])
            shown = await surfaces.of_proposal(tx, message.payload["proposal_id"])
        if found is None:
            raise Undeliverable("its proposal is gone")
        event = message.payload["event"]
        if event == "unreachable":
            said = alarm(message.payload, found, link_to_card(self._office, shown))
        elif event in ("delegated", "covered"):
            said = invitation(message.payload, found, link_to_card(self._office, shown))
        else:
            said = direct_message(event, found)
        await self._poster.send_once(message, message.payload["person"], said)

    async def say(self, message: OutboxMessage) -> None:
        """Send one person a direct message about something that is no call."""
        said = notice(message.payload["event"], message.payload)
        await self._poster.send_once(message, message.payload["person"], said)
