"""Moments as people type them: a time without a zone is meant where the person is."""

from datetime import datetime, tzinfo

from bot.office import Office
from bot.slack import SlackTrouble
from governance.hours import zone


def moment_in(text: str) -> datetime | None:
    """Return the moment that is written in ISO format, None where none is."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


async def zone_of(office: Office, person: str) -> tzinfo:
    """Return where a person is; UTC while Slack cannot be asked."""
    try:
        return zone((await office.directory.person(person)).tz)
    except SlackTrouble:
        return zone(None)
