"""Who may decide nothing here, whatever the policy says: guests, strangers, bots, people who left or never were."""

import logging

from bot.office import Office
from bot.office.presence import people_of
from bot.slack import Person
from governance.reach import Bearing
from governance.reviewers import is_group

log = logging.getLogger(__name__)


def what_keeps_out(person: Person) -> Bearing:
    """Return why somebody may not decide anything here, THERE where they may."""
    reasons = (
        (not person.is_known, Bearing.UNKNOWN),
        (person.is_stranger, Bearing.STRANGER),
        (person.is_bot, Bearing.BOT),
        (not person.is_active, Bearing.DEACTIVATED),
        (person.is_guest, Bearing.GUEST),
    )
    return next((bearing for holds, bearing in reasons if holds), Bearing.THERE)


async def unfit_reviewers(office: Office) -> list[tuple[str, str, Bearing]]:
    """Return whom the policy names although they may decide nothing: where, who, and why. Raises SlackTrouble."""
    named = _named(office)
    known = await people_of(office.roster.apart(), named)  # nobody's status of this moment is kept
    bearings = ((one, what_keeps_out(one)) for one in known)
    return [(named[one.id], one.id, bearing) for one, bearing in bearings if bearing is not Bearing.THERE]


async def warn_of_unfit_reviewers(office: Office) -> None:
    """Log one line for each of them. Raises SlackTrouble."""
    for place, person, bearing in await unfit_reviewers(office):
        log.warning("%s names %s, who may not decide (%s); mend countersign.toml", place, person, bearing)


def _named(office: Office) -> dict[str, str]:
    """Return the people the policy names as admins or reviewers, each with where it does so first."""
    policy = office.policy.current
    found = dict.fromkeys(policy.admins, "roles.admins")
    for tool in policy.tools.values():
        found = dict.fromkeys((*tool.reviewers, *tool.escalate_to), f"tool {tool.name}") | found
    return {person: place for person, place in found.items() if not is_group(person)}
