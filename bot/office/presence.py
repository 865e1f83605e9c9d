"""Who is there, as Slack and people's own settings say: for covering requests, and for saying who could answer."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

from bot.office import Office
from bot.slack import Directory, Person
from governance.coverage import MAX_CHAIN, Sight, within_reach
from governance.reviewers import Panel, is_group
from operations.cover import Seen
from operations.review import Members, panel_of_request
from storage import people
from storage.tables import ApprovalRequest

_AT_ONCE = 10


async def look_around(office: Office, request: ApprovalRequest, holders: Iterable[str] = ()) -> Seen:
    """Return who of those a request asks is there, `holders` of others' places and delegates included. Of groups only
    as many members are looked at as it takes to know that enough people are within reach. Raises SlackTrouble."""
    panel = panel_of_request(request)
    members = await office.roster.members(panel)
    named = [one for one in (*panel.reviewers, *holders) if not is_group(one)]
    now = office.database.clock()
    sights = {one.id: sight(one, now) for one in await with_delegates(office, named, now)}
    await _look_into_groups(office, panel, members, sights, request)
    handles = await office.roster.handles() if panel.groups() else {}
    return Seen(members, sights, handles)


def sight(person: Person, at: datetime) -> Sight:
    """Return what Slack alone says of a person at a moment."""
    is_away = person.absence is not None and person.absence.covers(at)
    return Sight(person.may_decide, person.absence if is_away else None)


async def people_of(directory: Directory, ids: Iterable[str]) -> list[Person]:
    """Return people as Slack knows them, asking a few at once. Raises SlackTrouble."""
    left, found = list(ids), list[Person]()
    while left:
        found += await asyncio.gather(*(directory.person(one) for one in left[:_AT_ONCE]))
        left = left[_AT_ONCE:]
    return found


async def with_delegates(office: Office, asked: Iterable[str], at: datetime) -> list[Person]:
    """Return people as Slack knows them, with whoever they named to answer while they are away, hop by hop."""
    found: dict[str, Person] = {}
    asked = list(dict.fromkeys(asked))
    for _ in range(MAX_CHAIN + 1):
        found |= {one.id: one for one in await people_of(office.roster, asked)}
        async with office.database.read(office.tenant) as tx:
            away = await people.absences(tx, asked, at)
        asked = [one.delegate for one in away.values() if one.delegate and one.delegate not in found]
        if not asked:
            break
    return list(found.values())


async def _look_into_groups(
    office: Office, panel: Panel, members: Members, sights: dict[str, Sight], request: ApprovalRequest
) -> None:
    left = sorted(panel.eligible(members) - sights.keys())
    while left and len(await _near(office, panel, members, sights, request)) < panel.quorum:
        now = office.database.clock()
        sights |= {one.id: sight(one, now) for one in await people_of(office.roster, left[:_AT_ONCE])}
        left = left[_AT_ONCE:]


async def _near(
    office: Office, panel: Panel, members: Members, sights: dict[str, Sight], request: ApprovalRequest
) -> frozenset[str]:
    """Return who is surely within reach: what they announced themselves counts, whoever stands in for them does not."""
    async with office.database.read(office.tenant) as tx:
        away = await people.absences(tx, sights, tx.now)
    there = {person: one for person, one in sights.items() if person not in away}
    return within_reach(panel, members, {}, there, silent=request.editor)
