"""A person changes their own settings: when to hear from us, and who answers while they are away."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from governance.errors import Unprocessable
from governance.hours import MINUTES_A_DAY, next_digest
from operations.attendance import owe_looks
from operations.cover import return_places
from storage import audit, homes, outbox, people
from storage.database import Tx
from storage.tables import Preference


@dataclass(frozen=True, slots=True)
class Wishes:
    """Everything one person can set; None where they want none. Minutes count from midnight where they are."""

    tz: str | None = None  #: IANA name, as Slack says
    digest_hour: int | None = None
    quiet_from: int | None = None
    quiet_to: int | None = None


async def prefer(tx: Tx, person: str, wishes: Wishes) -> Preference:
    """Set when somebody wants to hear from us. Raises Unprocessable with the name of the field that is wrong."""
    _check(wishes)
    row = await people.preference(tx, person)
    row.tz, row.digest_hour = wishes.tz, wishes.digest_hour
    row.digest_at = None if wishes.digest_hour is None else next_digest(wishes.digest_hour, wishes.tz, tx.now)
    row.quiet_from, row.quiet_to = wishes.quiet_from, wishes.quiet_to
    detail = {"digest_hour": wishes.digest_hour, "quiet_from": wishes.quiet_from, "quiet_to": wishes.quiet_to}
    row = await _keep(tx, row, "person.preferences_set", detail)
    await outbox.release(tx, person)
    return row


async def leave(tx: Tx, person: str, until: datetime | None, delegate: str | None) -> Preference:
    """Announce that somebody is out of office from now on, and owe a look at the requests that wait for them. That the
    delegate may stand in for them in a given request is asked in each. Raises Unprocessable."""
    if until is not None and until <= tx.now:
        raise Unprocessable("until: this lies in the past; choose a later moment, or none.")
    if delegate == person:
        raise Unprocessable("to: name somebody else, or nobody.")
    row = await people.preference(tx, person)
    row.away_since, row.away_until, row.delegate = tx.now, until, delegate
    detail = {"until": until.isoformat() if until else None, "delegate": delegate}
    row = await _keep(tx, row, "person.left", detail)
    await owe_looks(tx, person)
    return row


async def come_back(tx: Tx, person: str) -> Preference:
    """End an absence and take back the places that others hold because of it; where none was announced, and so again,
    it changes nothing."""
    row = await people.preference(tx, person)
    if row.away_since is None:
        return row
    row.away_since = row.away_until = row.delegate = None
    row = await _keep(tx, row, "person.came_back", {})
    await return_places(tx, person)
    await owe_looks(tx, person)
    return row


def _check(wishes: Wishes) -> None:
    if wishes.digest_hour is not None and not 0 <= wishes.digest_hour <= 23:
        raise Unprocessable("digest_hour: write an hour from 0 to 23, or none.")
    for name, minute in (("quiet_from", wishes.quiet_from), ("quiet_to", wishes.quiet_to)):
        if minute is not None and not 0 <= minute < MINUTES_A_DAY:
            raise Unprocessable(f"{name}: write a time of day.")
    if (wishes.quiet_from is None) != (wishes.quiet_to is None):
        missing = "quiet_from" if wishes.quiet_from is None else "quiet_to"
        raise Unprocessable(f"{missing}: quiet hours need both ends; set both, or neither.")


async def _keep(tx: Tx, row: Preference, action: str, detail: Mapping[str, str | int | None]) -> Preference:
    row.updated_at = tx.now
    row = await tx.session.merge(row)
    await tx.session.flush()
    await audit.record(tx, action, f"person:{row.person}", detail=detail)
    homes.changed(tx)
    return row
