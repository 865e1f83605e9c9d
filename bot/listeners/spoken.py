"""Answering a reply or a reaction: the checks of a click; in the end the card changes, or one sentence is said."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.listeners.errors import sentence_for
from bot.listeners.gates import check_may_answer
from bot.office import Office
from bot.office.deciding import CannotAskSlack, check_member, decide
from bot.slack import SlackTrouble, TryLater, calling
from bot.slack.stamps import moment_of
from governance.errors import Refusal
from governance.lifecycle import RequestStatus
from governance.replies import Meaning, Way, check_way
from governance.reviewers import ReviewVerdict
from operations.review import Answer
from scheduler.ports import Postponed
from storage import inbox, threads
from storage.database import Tx
from storage.dossier import Dossier, dossier
from storage.tables import Door, InboxEvent, Rendering, Surface

log = logging.getLogger(__name__)

#: What a card has shown for so long is what was answered: time to read it, and room for clocks that disagree.
_READING = timedelta(seconds=3)
#: For so long after somebody else settled a request, a reply in its thread may still have been meant for it.
_WRITING = timedelta(seconds=15)
_POSTING = timedelta(minutes=1)  # the longest that a card may be up without our knowing
_PATIENCE = timedelta(minutes=15)
_VERDICTS = {Meaning.APPROVE: ReviewVerdict.APPROVE, Meaning.REJECT: ReviewVerdict.REJECT}


class SeveralWait(Refusal):
    """Several requests wait in this thread, so a reply decides none of them; use the buttons on the card you mean."""

    code = "SEVERAL_WAIT"


class JustAsked(Refusal):
    """This request appeared while you wrote, so your reply does not decide it; please look at its card, then answer."""

    code = "JUST_ASKED"


class MeantAnother(Refusal):
    """Another request in this thread was settled a moment ago, so your reply decides none; look, and answer again."""

    code = "MEANT_ANOTHER"


class NotPlain(Refusal):
    """Only a plain `approve` counts, because conditions do not; reply with that word alone, or use the buttons."""

    code = "NOT_PLAIN"


class ReasonMissing(Refusal):
    """A rejection needs a reason, so nothing changed; use Reject, or reply `reject because …` where replies count."""

    code = "REASON_MISSING"


class SaidBefore(Refusal):
    """You have given this answer before, so nothing changed. The card shows where the request stands."""

    code = "SAID_BEFORE"


class _NotFoundYet(Exception):
    """No card of ours is known there."""


class Spoken:
    """Answers what was kept of the replies and reactions in one workspace."""

    def __init__(self, office: Office) -> None:
        self._office, self._database = office, office.database

    async def answer(self, event: InboxEvent) -> None:
        """Answer one of them. Raises Postponed where that is not possible yet."""
        surface: Surface | None = None
        try:
            surface, found, seen = await self._aimed_at(event)
            await self._decide(event, found, seen)
        except _NotFoundYet:
            if self._database.clock() - event.received_at < _POSTING:
                raise Postponed("no card is known there yet", after=1.0, certain=True) from None
        except (CannotAskSlack, SlackTrouble) as trouble:
            if self._database.clock() - event.received_at < _PATIENCE:
                raise Postponed(str(trouble), after=1.0, certain=True) from trouble
            await self._say(event, surface, sentence_for(CannotAskSlack()))
        except Refusal as refusal:
            await self._say(event, surface, sentence_for(refusal))

    async def _aimed_at(self, event: InboxEvent) -> tuple[Surface, Dossier, Rendering]:
        """Return the card that was answered, what is stored about its request, and what it showed at the time.

        Raises SeveralWait, JustAsked or MeantAnother where nobody can tell which card is meant.
        """
        async with self._database.read(event.tenant) as tx:
            find = threads.cards_in if event.way is Way.REPLY else threads.card_at
            cards = await find(tx, event.channel, event.ts)
            asked = [one for one in await _asking(tx, cards) if _was_up(one[0], event.said_at)]
            if not asked:
                raise _NotFoundYet()
            waiting = [one for one in asked if _waited(one[1], event.said_at)]
            if len(waiting) > 1:
                raise SeveralWait()
            surface, found = (waiting or asked)[0]
            if waiting:
                _check_meant(event, surface, [one for _, one in asked if one is not found])
            seen = await threads.seen_at(tx, surface.id, event.said_at - _READING)
        if seen is None or seen.request_id is None:
            raise _NotFoundYet()
        return surface, found, seen

    async def _decide(self, event: InboxEvent, found: Dossier, seen: Rendering) -> None:
        """Decide, through the one way there is; the event is settled in the same transaction."""
        assert seen.request_id is not None
        check_way(self._office.policy.current, found.proposal.tool, found.proposal.risk, event.way)
        verdict = _VERDICTS.get(event.meaning)
        if verdict is None or (verdict is ReviewVerdict.REJECT and not event.reason):
            await check_member(self._office, event.person, Door.SLACK)
            await check_may_answer(self._office, found, event.person, seen.request_version)
            raise ReasonMissing() if verdict else NotPlain()
        answer = Answer(
            event.person, verdict, Door.SLACK, event.reason, seen_version=seen.request_version,
            said={"way": event.way, "event": event.said},
        )  # fmt: skip
        await decide(self._office, seen.request_id, answer, lambda tx: inbox.done(tx, event.id))
        if _said_before(found, event.person, verdict):
            raise SaidBefore()

    async def _say(self, event: InboxEvent, surface: Surface | None, sentence: str) -> None:
        """Say one sentence to the person alone, where they spoke."""
        thread_ts = event.ts if event.way is Way.REPLY else surface.thread_ts if surface else None
        speaking = self._office.client.chat_postEphemeral(
            channel=event.channel, user=event.person, text=sentence, thread_ts=thread_ts
        )
        try:
            await calling(speaking)
        except TryLater as trouble:
            if not trouble.uncertain:
                raise Postponed(trouble.error, after=trouble.after, certain=True) from trouble
            log.warning("the answer to %s may not have arrived: %s", event.person, trouble.error)
        except SlackTrouble as trouble:
            log.error("could not tell %s: %s", event.person, trouble.error)


async def _asking(tx: Tx, cards: Sequence[Surface]) -> list[tuple[Surface, Dossier]]:
    """Return the cards that ask for an answer, or did, each with its dossier."""
    found = [(card, await dossier(tx, card.proposal_id)) for card in cards]
    return [(card, one) for card, one in found if one is not None and one.request is not None]


def _check_meant(event: InboxEvent, surface: Surface, others: Sequence[Dossier]) -> None:
    """Refuse a reply in a thread with several cards that was, by its time, more likely meant for another one."""
    if surface.ts == event.ts:
        return  # written under this very card, or put on it
    if not _was_up(surface, event.said_at - _READING):
        raise JustAsked()
    if any(_was_settled_meanwhile(one, event) for one in others):
        raise MeantAnother()


def _was_settled_meanwhile(found: Dossier, event: InboxEvent) -> bool:
    """Whether somebody else, or time, settled a request while a reply may have been on its way to it."""
    request = found.request
    if request is None or request.decided_at is None or request.decided_by == event.person:
        return False
    return request.decided_at >= event.said_at - _WRITING


def _was_up(surface: Surface, moment: datetime) -> bool:
    posted = moment_of(surface.ts)
    return posted is not None and posted < moment


def _waited(found: Dossier, moment: datetime) -> bool:
    """Whether a request waited for an answer at a moment, by clocks that may disagree a little."""
    request = found.request
    return request is not None and (request.decided_at is None or request.decided_at >= moment - _READING)


def _said_before(found: Dossier, person: str, verdict: ReviewVerdict) -> bool:
    if found.request is None or found.request.status is RequestStatus.DEFERRED:
        return False
    return any(one.reviewer == person and one.verdict is verdict for one in found.reviews)
