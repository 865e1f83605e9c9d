"""What waits for people: the open requests of a workspace, and those that one person may answer now."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.office import Office
from bot.slack import SlackTrouble
from governance.errors import Refusal
from governance.lifecycle import RequestStatus
from governance.policy import Policy
from governance.reviewers import Panel, ReviewVerdict, seat_of
from governance.tiers import Risk, Tier
from operations.review import Members, panel_of_request
from storage import lists
from storage.database import Tx
from storage.dossier import Dossier
from storage.lists import Answers, Asked, Filters
from storage.tables import ApprovalRequest, RequestType, Surface

WINDOW = 500  #: open requests that a list looks at, newest first
_AT_ONCE = 100
_LOW = frozenset({Risk.READ_ONLY, Risk.LOW_WRITE})


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request and the link to its card, empty while it is not posted."""

    dossier: Dossier
    link: str


@dataclass(frozen=True, slots=True)
class Queue:
    """Open requests, newest first and put-off ones last, and which of them wait for the person who asked."""

    asked: tuple[Asked, ...]
    mine: tuple[Asked, ...]
    is_cut: bool  #: older ones were not looked at
    is_blind: bool  #: Slack could not be asked about a user group, so `mine` may lack some


async def waiting(office: Office, person: str | None = None) -> list[Waiting]:
    """Return open requests, newest first, put-off ones last; with `person`, those that person may answer and has not.

    The newest 100 of them, in a bounded number of statements.
    """
    found = await queue(office, person)
    chosen = found.asked if person is None else found.mine
    return await shown(office, [one.request for one in chosen[:_AT_ONCE]])


async def queue(office: Office, person: str | None, filters: Filters | None = None) -> Queue:
    """Look at what is open now; without `person` nothing is `mine`."""
    async with office.database.read(office.tenant) as tx:
        found = await lists.open_requests(tx, filters or Filters(), WINDOW + 1)
        ids = [one.request.id for one in found] if person is not None else []
        answers = await lists.answers(tx, ids) if ids else Answers()
    asked = sorted(found[:WINDOW], key=lambda one: one.request.status is not RequestStatus.PENDING)
    if person is None:
        return Queue(tuple(asked), (), len(found) > WINDOW, is_blind=False)
    members, is_blind = await _members(office, [one.request for one in asked])
    mine = tuple(one for one in asked if _waits_for(person, one.request, answers, members))
    return Queue(tuple(asked), mine, len(found) > WINDOW, is_blind)


async def _members(office: Office, requests: Iterable[ApprovalRequest]) -> tuple[Members, bool]:
    """Return the live members of all the user groups named, and whether one of them could not be asked for."""
    groups = list(dict.fromkeys(group for one in requests for group in panel_of_request(one).groups()))
    found = await asyncio.gather(*(_group(office, group) for group in groups))
    known = {group: members for group, members in zip(groups, found, strict=True) if members is not None}
    return known, len(known) < len(groups)


async def _group(office: Office, group: str) -> frozenset[str] | None:
    try:
        return (await office.directory.members(Panel((group,), 1)))[group]
    except SlackTrouble:
        return None  # the list says so; whoever is in another group, or named, still sees what waits for them


def _waits_for(person: str, request: ApprovalRequest, answers: Answers, members: Members) -> bool:
    """Whether a person could approve now, on their own place or on one handed to them, and has not answered there.

    Whoever edited the arguments could still reject, but it is somebody else's approval that is waited for. Who put a
    request off has answered for as long as it is put off.
    """
    delegations = answers.delegations.get(request.id, ())
    try:
        seat = seat_of(panel_of_request(request), person, members, [d.giver for d in delegations if d.taker == person])
    except Refusal:
        return False
    has_handed_on = seat.giver is None and any(one.giver == person for one in delegations)
    if person == request.editor or has_handed_on:
        return False
    return not any(
        person == one.reviewer or seat.of in (one.reviewer, one.on_behalf_of)
        for one in answers.reviews.get(request.id, ())
        if one.verdict is not ReviewVerdict.DEFER or request.status is RequestStatus.DEFERRED
    )


def is_for_batch(asked: Asked, policy: Policy) -> bool:
    """Whether a request may be approved among others: a call of low risk, then and now, that an agent waits for.

    What somebody put off, and what an agent only suggests, deserves a look of its own.
    """
    return asked.request.status is RequestStatus.PENDING and is_low_call(asked, policy)


def is_low_call(asked: Asked, policy: Policy) -> bool:
    """Whether a request is about a call that an agent waits for, of low risk when it was asked and in the policy, and
    of a tool that is not decided with the buttons of its card alone."""
    tool = policy.tools.get(asked.tool)
    is_low = asked.risk in _LOW and tool is not None and tool.risk in _LOW and not tool.buttons_only
    return is_low and asked.request.request_type is RequestType.TOOL_CALL and asked.tier is Tier.ACT_WITH_APPROVAL


async def shown(office: Office, requests: Sequence[ApprovalRequest]) -> list[Waiting]:
    """Return everything a list shows of some requests, in their order, with the links to their cards."""
    if not requests:
        return []
    async with office.database.read(office.tenant) as tx:
        return await read_shown(office, tx, requests)


async def read_shown(office: Office, tx: Tx, requests: Sequence[ApprovalRequest]) -> list[Waiting]:
    """The same inside a transaction."""
    found = await lists.dossiers(tx, requests)
    surfaces = await lists.surfaces(tx, {one.proposal.id for one in found})
    return [Waiting(one, link_to_card(office, surfaces.get(one.proposal.id, []))) for one in found]


def link_to_card(office: Office, shown: list[Surface]) -> str:
    """Return the link to the first card that is posted in a channel, empty where there is none yet."""
    posted = next((surface for surface in shown if surface.ts and surface.person is None), None)
    if posted is None or posted.ts is None or not office.identity.url:
        return ""
    return f"{office.identity.url}archives/{posted.channel}/p{posted.ts.replace('.', '')}"
