"""What is said besides cards: lines in threads, and direct messages."""

from bot.cards.alarms import alarm
from bot.cards.endings import direct_message
from bot.cards.invitations import invitation, last_call
from bot.cards.message import Message
from bot.cards.notes import trail
from bot.cards.notices import notice
from bot.delivery.posting import Poster, ThreadGone
from bot.delivery.quiet import hold_in_quiet_hours
from bot.delivery.troubles import postponed
from bot.office import Office
from bot.office.asked import asked_now, is_asked
from bot.office.queue import link_to_card
from bot.slack import SlackTrouble
from operations.warn import LAST_CALL, ask_each
from scheduler.outbox import backoff
from scheduler.ports import Postponed, Undeliverable
from storage import surfaces
from storage.dossier import Dossier, dossier
from storage.outbox import Priority
from storage.tables import OutboxMessage, Surface, SurfaceStatus
from storage.trail import lines_of

_LOOKS = 8  #: how often a line looks for its card before it is given up

_ASKED_AT_LAST = 20


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
            if surface is not None and surface.status is SurfaceStatus.GONE:  # the copy that is left has the trail
                surface = await surfaces.talked_about_on(tx, payload["proposal_id"]) or surface
        if surface is not None and surface.status is SurfaceStatus.GONE and surface.ts is None:
            return  # its request was over before anybody saw it
        if surface is None or found is None or surface.status is SurfaceStatus.GONE:
            raise Undeliverable("its card is gone")
        if surface.ts is None or surface.rendered < surface.desired:
            # The card first: drawing it finds out whether it is still there, and a reply to nothing would stand alone.
            after = max(backoff(message.attempts - 1), self._poster.pacer.backlog(surface.channel))
            cut_off = self._office.identity.trouble is not None
            raise Postponed("its card is not drawn yet", after=after, certain=message.certain, blameless=cut_off)
        said = trail(lines_of(message), found)
        try:
            await self._poster.send_once(message, surface.channel, said, surface.thread_ts or surface.ts)
        except ThreadGone as gone:
            await self._look_for_card(message, found, gone)

    async def _look_for_card(self, message: OutboxMessage, found: Dossier, gone: ThreadGone) -> None:
        """Have a card drawn that a reply did not find: where somebody deleted it, it is posted again or given up."""
        if message.attempts > _LOOKS:
            raise gone
        await self._database.write(message.tenant, lambda tx: surfaces.touch(tx, found.proposal.id, Priority.ANSWER))
        raise Postponed("its card is looked for", after=backoff(message.attempts), certain=True) from gone

    async def tell(self, message: OutboxMessage) -> None:
        """Send one person a direct message: how a call of their agent ended, or that they are asked to answer."""
        async with self._database.read(message.tenant) as tx:
            found: Dossier | None = await dossier(tx, message.payload["proposal_id"])
            shown = await surfaces.of_proposal(tx, message.payload["proposal_id"])
        if found is None:
            raise Undeliverable("its proposal is gone")
        event, person = message.payload["event"], message.payload["person"]
        if event != LAST_CALL:
            await hold_in_quiet_hours(self._database, message, person)
        elif not is_asked(found, person, self._database.clock()):
            return  # they have answered meanwhile, or it is over
        said = _drawn(event, message, found, link_to_card(self._office, shown))
        await self._poster.send_once(message, person, said)

    async def say(self, message: OutboxMessage) -> None:
        """Send one person a direct message about something that is no call."""
        person = message.payload["person"]
        await hold_in_quiet_hours(self._database, message, person)
        await self._poster.send_once(message, person, notice(message.payload["event"], message.payload))

    async def warn(self, message: OutboxMessage) -> None:
        """Find out who is asked at this moment, and owe each of them the last call."""
        async with self._database.read(message.tenant) as tx:
            found = await dossier(tx, message.payload["proposal_id"])
        if found is None or found.request is None or found.request.id != message.subject:
            return
        try:
            people = await asked_now(self._office, found)
        except SlackTrouble as trouble:
            raise postponed(trouble, message, "its user groups") from trouble
        last = people[:_ASKED_AT_LAST]
        await self._database.write(message.tenant, lambda tx: ask_each(tx, message, last))


def _drawn(event: str, message: OutboxMessage, found: Dossier, link: str) -> Message:
    if event == LAST_CALL:
        return last_call(found, link)
    if event == "unreachable":
        return alarm(message.payload, found, link)
    asks = event in ("delegated", "covered")
    return invitation(message.payload, found, link) if asks else direct_message(event, found)
