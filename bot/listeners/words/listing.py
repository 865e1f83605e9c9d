"""`/approvals mine | pending | search | show`: what waits, what was, and one request in short."""

from collections.abc import Sequence

from bot.cards.blocks import mrkdwn
from bot.cards.lists import Listing, entry, in_short, listing, shared
from bot.listeners.gates import check_may_look
from bot.listeners.words import finding
from bot.listeners.words.filters import read_filters
from bot.listeners.words.paging import counted, cut_out, only, page_of, question
from bot.listeners.words.spoken import Reply, Spoken
from bot.office.queue import WINDOW, Queue, is_for_batch, queue, shown
from governance.errors import Unprocessable
from storage.lists import Asked

_SEVERAL = 2
_LOOKED_INTO = f"I look at title, tool, agent, consequence and ids of the newest {finding.WINDOW:,} requests."


async def mine(spoken: Spoken) -> Reply:
    """List what waits for the person who asks."""
    found = await _queue(spoken)
    if not found.mine:
        notes = " ".join(_notes(found))
        return only(f"Nothing waits for you. {notes}".strip())
    heading = f"*{counted(len(found.mine), 'request')} {'waits' if len(found.mine) == 1 else 'wait'} for you*"
    everybody = heading.replace("for you", f"for <@{spoken.person}>")
    return await _page(spoken, "mine", found, found.mine, (heading, everybody))


async def pending(spoken: Spoken) -> Reply:
    """List what waits for anybody."""
    found = await _queue(spoken)
    if not found.asked:
        return only("Nothing waits for anybody." if not spoken.rest else "Nothing that waits looks like that.")
    number = len(found.asked)
    heading = f"*{counted(number, 'request')} {'waits' if number == 1 else 'wait'}*"
    return await _page(spoken, "pending", found, found.asked, (heading, heading))


async def _queue(spoken: Spoken) -> Queue:
    narrowed = read_filters(spoken.rest, spoken.office.database.clock())
    if narrowed.words:
        word = mrkdwn(narrowed.words[0])
        raise Unprocessable(f"I do not understand `{word}` here. To look for words: /approvals search {word}")
    return await queue(spoken.office, spoken.person, narrowed.filters)


async def _page(spoken: Spoken, word: str, found: Queue, asked: Sequence[Asked], headings: tuple[str, str]) -> Reply:
    """Draw one page for the person, and the same for everybody."""
    number, pages = page_of(spoken.page, len(asked))
    entries = await shown(spoken.office, [one.request for one in cut_out(asked, number)])
    yours = {one.request.proposal_id for one in found.mine} if word == "pending" else set[str]()
    lines = tuple(entry(one.dossier, one.link, is_yours=one.dossier.proposal.id in yours) for one in entries)
    low = [one for one in found.mine if is_for_batch(one, spoken.office.policy.current)]
    carried = question(word, Spoken(spoken.office, spoken.person, spoken.rest, number))
    own, everybody = (
        Listing(heading, lines, _notes(found), number, pages, carried, can_share=True, can_batch=len(low) >= _SEVERAL)
        for heading in headings
    )
    return Reply(listing(own), shared(everybody, spoken.person))


def _notes(found: Queue) -> tuple[str, ...]:
    notes = (
        (f"Only the newest {WINDOW} open requests were looked at.", found.is_cut),
        ("Slack could not be asked about a user group, so what waits for its members may be missing.", found.is_blind),
    )
    return tuple(note for note, holds in notes if holds)


async def search(spoken: Spoken) -> Reply:
    """List what was asked, open or past, as far as the person may look at it."""
    narrowed = read_filters(spoken.rest, spoken.office.database.clock())
    if not spoken.rest:
        raise Unprocessable("Say what to look for: /approvals search checkout, or /approvals search status:rejected.")
    found = await finding.search(spoken.office, spoken.person, narrowed.words, narrowed.filters)
    window = f"{_LOOKED_INTO} Only what you may look at is listed."
    if not found.requests:
        return only(f"Nothing found. {window}")
    number, pages = page_of(spoken.page, len(found.requests))
    lines = tuple(entry(one.dossier, one.link) for one in cut_out(found.requests, number))
    cut_off = f"These are among the newest {finding.MATCHES} that match; say more to find others."
    notes = (window, cut_off) if found.is_cut else (window,)
    carried = question("search", Spoken(spoken.office, spoken.person, spoken.rest, number))
    heading = f"*{counted(len(found.requests), 'request')} found*"
    drawn = Listing(heading, lines, notes, number, pages, carried, can_share=True)
    return Reply(listing(drawn), shared(drawn, spoken.person))


async def show(spoken: Spoken) -> Reply:
    """Show one call in short to whoever may look at it."""
    found = await finding.one(spoken.office, spoken.rest)
    await check_may_look(spoken.office, found.dossier, spoken.person)
    return Reply(in_short(found.dossier, found.link))
