"""Whose answer a request waits for at this moment, with user groups resolved live."""

from datetime import datetime

from bot.office import Office
from governance.lifecycle import OPEN_REQUESTS, ExecutionStatus
from governance.reviewers import ReviewVerdict, voices
from operations.review import panel_of_request
from storage.dossier import Dossier


async def asked_now(office: Office, found: Dossier) -> list[str]:
    """Return who could answer a request and has not: those asked by name first. Raises SlackTrouble."""
    request = found.request
    if request is None or request.status not in OPEN_REQUESTS:
        return []
    panel = panel_of_request(request)
    handed = {one.giver: one.taker for one in found.delegations}
    members = await office.directory.members(panel)
    waited_for = voices(panel, members, handed) - _answered(found)
    by_name = {*request.reviewers, *handed.values()}
    return sorted(waited_for, key=lambda person: (person not in by_name, person))


async def deciders(office: Office, found: Dossier, most: int = 20) -> list[str]:
    """Return who is to have a card of their own where no channel takes it: those whose answer is waited for, else the
    admins; nobody where nothing is to be decided. Raises SlackTrouble."""
    admins = list(office.policy.current.admins)
    if found.request is not None and found.request.status in OPEN_REQUESTS:
        return (await asked_now(office, found) or admins)[:most]
    if found.execution is None or found.execution.status is not ExecutionStatus.UNKNOWN:
        return []
    if found.request is None:
        return list(dict.fromkeys([found.proposal.creator, *admins]))[:most]
    panel = panel_of_request(found.request)
    eligible = panel.eligible(await office.directory.members(panel))
    return list(dict.fromkeys([*sorted(eligible), *admins]))[:most]


def is_asked(found: Dossier, person: str, now: datetime) -> bool:
    """Whether a request is still open and this person has not answered it."""
    request = found.request
    is_open = request is not None and request.status in OPEN_REQUESTS and now < request.expires_at
    return is_open and person not in _answered(found)


def _answered(found: Dossier) -> set[str]:
    """Return who has answered; putting it off is no answer."""
    given = [one for one in found.reviews if one.verdict is not ReviewVerdict.DEFER]
    return {one for review in given for one in (review.reviewer, review.on_behalf_of) if one is not None}
