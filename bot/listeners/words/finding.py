"""Finding requests, open and past, for somebody who may look at them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.listeners.gates import check_may_look
from bot.office import Office
from bot.office.queue import Waiting, link_to_card, read_shown
from bot.slack import SlackTrouble
from governance.errors import Forbidden, NotFound
from storage import lists
from storage import surfaces as stored
from storage.dossier import Dossier, dossier
from storage.lists import Filters
from storage.tables import ApprovalRequest

WINDOW = 1000  #: requests that a search looks through, newest first
MATCHES = 100  #: of those that match, how many are kept

_ID = re.compile(r"\b(?:apr|prp)_[0-9a-z]{1,40}\b")


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found that the person may look at, newest first."""

    requests: tuple[Waiting, ...]
    is_cut: bool  #: there may be more than were kept


async def search(office: Office, person: str, words: Sequence[str], filters: Filters) -> Found:
    """Return the requests with all these words in them that a person may look at."""
    async with office.database.read(office.tenant) as tx:
        found = await lists.search(tx, words, filters, window=WINDOW, limit=MATCHES + 1)
        listed = await read_shown(office, tx, found[:MATCHES])
    allowed = [one for one in listed if await may_look(office, one.dossier, person)]
    return Found(tuple(allowed), len(found) > MATCHES)


async def one(office: Office, text: str) -> Waiting:
    """Return the call whose request's or own id stands somewhere in a text. Raises NotFound."""
    named = _ID.search(text.lower())
    if named is None:
        raise NotFound("Say which: an id that begins with apr_ or prp_, as it stands at the foot of every card.")
    async with office.database.read(office.tenant) as tx:
        request = await tx.get(ApprovalRequest, named[0])
        found = await dossier(tx, request.proposal_id if request else named[0])
        shown = await stored.of_proposal(tx, found.proposal.id) if found else []
    if found is None:
        raise NotFound(f"There is nothing under {named[0]}; it may be from another installation, or cut short.")
    return Waiting(found, link_to_card(office, shown))


async def may_look(office: Office, found: Dossier, person: str) -> bool:
    """Whether a person may look at a call: its reviewers, whoever has a place of theirs, whom it is for, its agent's
    creator and admins. Where Slack cannot be asked about a user group, its members may not for now."""
    try:
        await check_may_look(office, found, person)
    except (Forbidden, SlackTrouble):
        return False
    return True
