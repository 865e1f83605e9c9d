"""What waits for people: the pending requests of a workspace, and those one person may answer."""

from dataclasses import dataclass

from bot.office import Office
from governance.lifecycle import OPEN_REQUESTS, RequestStatus
from operations.review import panel_of_request
from storage import requests, surfaces
from storage.dossier import Dossier, dossier
from storage.tables import Surface

_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Waiting:
    """One open request and the link to its card, empty while it is not posted."""

    dossier: Dossier
    link: str


async def waiting(office: Office, person: str | None = None) -> list[Waiting]:
    """Return open requests, newest first; with `person`, those that person may answer and has not."""
    async with office.database.read(office.tenant) as tx:
        found = []
        for status in sorted(OPEN_REQUESTS, key=lambda s: s is not RequestStatus.PENDING):
            page = await requests.page(tx, status=status, limit=_LOOKED_AT)
            found += [(await dossier(tx, r.proposal_id), await surfaces.of_proposal(tx, r.proposal_id)) for r in page]
    listed = [Waiting(one, link_to_card(office, shown)) for one, shown in found if one is not None]
    return [one for one in listed if person is None or await _may_answer(office, one.dossier, person)]


async def _may_answer(office: Office, found: Dossier, person: str) -> bool:
    assert found.request is not None
    panel = panel_of_request(found.request)
    if person == panel.requester or any(person in (one.reviewer, one.on_behalf_of) for one in found.reviews):
        return False
    members = await office.directory.members(panel)
    if any(one.taker == person and panel.admits(one.giver, members) for one in found.delegations):
        return True
    return panel.admits(person, members) and all(one.giver != person for one in found.delegations)


def link_to_card(office: Office, shown: list[Surface]) -> str:
    """Return the link to the first card that is posted in a channel, empty where there is none yet."""
    posted = next((surface for surface in shown if surface.ts and surface.person is None), None)
    if posted is None or posted.ts is None or not office.identity.url:
        return ""
    return f"{office.identity.url}archives/{posted.channel}/p{posted.ts.replace('.', '')}"
