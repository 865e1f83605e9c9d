"""Drawing surfaces: the Slack messages that show a request, each brought up to date with what is stored now."""

from bot.cards.card import card
from bot.cards.message import Message
from bot.delivery.posting import Poster, ThreadGone
from bot.delivery.troubles import postponed, remedy
from bot.office import Office
from bot.office.asked import deciders
from bot.office.budgets import budget_of
from bot.slack import ChannelClosed, MessageLost, SlackTrouble
from operations import fallback, show
from operations.fallback import Closed
from operations.show import Drawing, SurfaceBusy
from scheduler.ports import Postponed
from storage.tables import OutboxMessage


class Surfaces:
    """Draws the surfaces of one workspace."""

    def __init__(self, office: Office, poster: Poster) -> None:
        self._office, self._database, self._poster = office, office.database, poster

    async def show(self, message: OutboxMessage) -> None:
        """Bring one surface up to date with what is stored now."""
        try:
            drawing = await self._database.write(message.tenant, lambda tx: show.begin(tx, message.subject))
        except SurfaceBusy:
            raise Postponed("the surface is being drawn", after=0.2, certain=True) from None
        if drawing is None:
            return
        try:
            await self._draw(message, drawing)
        except ThreadGone as gone:
            said = str(gone)
            await self._database.write(message.tenant, lambda tx: show.refuse(tx, drawing, said))
        except MessageLost as gone:
            why = gone.error
            await self._database.write(message.tenant, lambda tx: show.lost(tx, drawing, why))
        except ChannelClosed as closed:
            await self._go_elsewhere(message, drawing, closed)
        except (SlackTrouble, Postponed) as trouble:
            raise await self._let_go(message, drawing, trouble) from trouble

    async def _let_go(self, message: OutboxMessage, drawing: Drawing, trouble: SlackTrouble | Postponed) -> Postponed:
        later = trouble if isinstance(trouble, Postponed) else postponed(trouble, message, drawing.surface.channel)
        await self._database.write(message.tenant, lambda tx: show.let_go(tx, drawing, certain=later.certain))
        return later

    async def _go_elsewhere(self, message: OutboxMessage, drawing: Drawing, trouble: ChannelClosed) -> None:
        """Where a channel takes no cards: a thread's copy is given up for the one in the approvals channel, and in
        place of that one those who may decide get direct messages, while it goes on being tried."""
        surface, admins = drawing.surface, self._office.policy.current.admins
        closed = Closed(surface.channel, trouble.error, remedy(trouble.error))
        if surface.person is not None:
            await self._database.write(message.tenant, lambda tx: show.refuse(tx, drawing, trouble.error))
            return
        if surface.thread_ts is not None and surface.ts is None:
            await self._database.write(message.tenant, lambda tx: fallback.leave_thread(tx, drawing, closed, admins))
            return
        try:
            people = await deciders(self._office, drawing.dossier) if surface.thread_ts is None else []
        except SlackTrouble as unknown:
            raise await self._let_go(message, drawing, unknown) from unknown
        await self._database.write(message.tenant, lambda tx: fallback.fall_back(tx, drawing, closed, people, admins))
        raise postponed(trouble, message, surface.channel) from trouble

    async def _draw(self, message: OutboxMessage, drawing: Drawing) -> None:
        budget = await budget_of(self._office, drawing.dossier.proposal.agent_id)
        link = self._thread_link(drawing)
        said = card(drawing.dossier, drawing.rendering_id, discussed_at=link, budget=budget)
        shown = self._update if drawing.surface.ts else self._first
        place = await shown(message, drawing, said)
        if place is not None:
            channel, ts = place
            await self._database.write(message.tenant, lambda tx: show.finish(tx, drawing, ts, channel))

    async def _update(self, message: OutboxMessage, drawing: Drawing, said: Message) -> tuple[str, str]:
        surface = drawing.surface
        assert surface.ts is not None
        await self._poster.update(message, surface.channel, surface.ts, said)
        return surface.channel, surface.ts

    async def _first(self, message: OutboxMessage, drawing: Drawing, said: Message) -> tuple[str, str] | None:
        """Post a card that is not up yet; return its channel and ts, None where it is not to be posted at all."""
        surface = drawing.surface
        if surface.thread_ts is not None and await self._poster.is_shared_outside(surface.channel):
            why = "the channel is shared with another organisation"
            await self._database.write(message.tenant, lambda tx: show.refuse(tx, drawing, why))
            return None
        if drawing.maybe_posted:
            found = await self._poster.find(message, surface.channel, surface.thread_ts, surface.id)
            if found is not None:  # what was posted then may be older than what is true now
                await self._poster.update(message, *found, said)
                return found
        if drawing.is_moot:
            await self._database.write(message.tenant, lambda tx: show.drop(tx, drawing))
            return None
        return await self._poster.post(message, surface.channel, said, surface.id, surface.thread_ts)

    def _thread_link(self, drawing: Drawing) -> str | None:
        """Return the link from the copy in the approvals channel to the thread where the work is discussed."""
        proposal = drawing.dossier.proposal
        if drawing.surface.thread_ts is not None or not (proposal.thread_channel and proposal.thread_ts):
            return None
        return f"{self._office.identity.url}archives/{proposal.thread_channel}/p{proposal.thread_ts.replace('.', '')}"
