"""What people set for themselves, for every door: look at the live people it is about, then one transaction."""

from dataclasses import replace
from datetime import datetime

from bot.office import Office
from bot.office.deciding import CannotAskSlack
from bot.slack import SlackTrouble
from bot.slack.directory import Person
from governance.errors import Unprocessable
from operations import prefer
from operations.prefer import Wishes
from storage.tables import Preference


async def set_preferences(office: Office, person: str, wishes: Wishes) -> Preference:
    """Set when somebody wants to hear from us, in the time zone Slack says they are in where the wishes name none.

    Raises what `operations.prefer.prefer` raises, and CannotAskSlack.
    """
    if wishes.tz is None:
        wishes = replace(wishes, tz=(await _look_up(office, person)).tz)
    return await office.database.write(office.tenant, lambda tx: prefer.prefer(tx, person, wishes))


async def go_away(office: Office, person: str, until: datetime | None, delegate: str | None) -> Preference:
    """Announce that somebody is out of office; who answers meanwhile must be a full member.

    Raises what `operations.prefer.leave` raises, and CannotAskSlack.
    """
    if delegate is not None and not (await _look_up(office, delegate)).may_decide:
        raise Unprocessable("to: this is no full member of the workspace, so they may not decide; name somebody else.")
    return await office.database.write(office.tenant, lambda tx: prefer.leave(tx, person, until, delegate))


async def come_back(office: Office, person: str) -> Preference:
    """End an absence; again is fine."""
    return await office.database.write(office.tenant, lambda tx: prefer.come_back(tx, person))


async def _look_up(office: Office, person: str) -> Person:
    try:
        return await office.directory.person(person)
    except SlackTrouble as trouble:
        raise CannotAskSlack() from trouble
