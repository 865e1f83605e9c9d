"""The messages that count a noisy agent's calls: posted once, then changed in place."""

from bot.cards.folded import folded
from bot.delivery.posting import Poster
from bot.delivery.quiet import hold_in_quiet_hours
from bot.delivery.troubles import is_unreachable, postponed
from bot.office import Office
from bot.slack import MessageLost, SlackTrouble
from operations import fold
from operations.fold import Tally
from operations.show import SurfaceBusy
from scheduler.ports import Postponed, Undeliverable
from storage.tables import Folding, OutboxMessage


class Folds:
    """Draws the messages that count, of one workspace."""

    def __init__(self, office: Office, poster: Poster) -> None:
        self._database, self._poster = office.database, poster

    async def show(self, message: OutboxMessage) -> None:
        """Bring one message up to date. A first post waits for the end of quiet hours; a change disturbs nobody."""
        async with self._database.read(message.tenant) as tx:
            folding = await tx.get(Folding, message.subject)
        if folding is not None and folding.ts is None:
            await hold_in_quiet_hours(self._database, message, folding.person)
        try:
            tally = await self._database.write(message.tenant, lambda tx: fold.begin(tx, message.subject))
        except SurfaceBusy:
            raise Postponed("the message is being drawn", after=0.2, certain=True) from None
        if tally is not None:
            await self._draw(message, tally)

    async def _draw(self, message: OutboxMessage, tally: Tally) -> None:
        try:
            channel, ts = await self._post_or_update(message, tally)
        except MessageLost:
            await self._database.write(message.tenant, lambda tx: fold.lost(tx, tally))
        except (SlackTrouble, Postponed) as trouble:
            person = tally.folding.person
            if isinstance(trouble, SlackTrouble) and is_unreachable(person, trouble):
                await self._database.write(message.tenant, lambda tx: fold.give_up(tx, tally))
                raise Undeliverable(f"Slack does not let us write to {person} ({trouble.error})") from trouble
            later = trouble if isinstance(trouble, Postponed) else postponed(trouble, message, person)
            await self._database.write(message.tenant, lambda tx: fold.let_go(tx, tally, certain=later.certain))
            raise later from trouble
        else:
            await self._database.write(message.tenant, lambda tx: fold.finish(tx, tally, channel, ts))

    async def _post_or_update(self, message: OutboxMessage, tally: Tally) -> tuple[str, str]:
        folding, said = tally.folding, folded(tally.folding)
        place = (folding.channel, folding.ts) if folding.channel and folding.ts else None
        if place is None and tally.maybe_posted:
            place = await self._poster.find(message, folding.person, None, folding.id)
        if place is None:
            return await self._poster.post(message, folding.person, said, folding.id, None)
        await self._poster.update(message, *place, said)
        return place
