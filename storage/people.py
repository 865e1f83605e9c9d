"""Queries on what people set for themselves."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from governance.hours import Absence, QuietHours, quiet_until
from storage.database import Tx
from storage.tables import Preference


async def preference(tx: Tx, person: str) -> Preference:
    """Return a person's settings: the stored ones, else an unsaved row that sets nothing."""
    found = await tx.session.get(Preference, (tx.tenant, person))
    return found or Preference(tenant=tx.tenant, person=person, updated_at=tx.now)


async def kept_as_is(tx: Tx, person: str) -> Preference | None:
    """Return a person's stored settings, which nobody changes until this transaction ends."""
    query = select(Preference).where(col(Preference.tenant) == tx.tenant, col(Preference.person) == person)
    return (
        await tx.session.scalars(query.with_for_update(read=True).execution_options(populate_existing=True))
    ).first()


async def preferences(tx: Tx, people: Iterable[str]) -> dict[str, Preference]:
    """Return the stored settings of those among some people who have any, by person."""
    query = select(Preference).where(col(Preference.tenant) == tx.tenant, col(Preference.person).in_(list(people)))
    return {found.person: found for found in await tx.session.scalars(query)}


async def absences(tx: Tx, people: Iterable[str], at: datetime) -> dict[str, Absence]:
    """Return the absences that some people announced and that hold at a moment, by person."""
    found = {person: absence(row) for person, row in (await preferences(tx, people)).items()}
    return {person: one for person, one in found.items() if one is not None and one.covers(at)}


async def digests_due(tx: Tx, limit: int) -> list[Preference]:
    """Return whose digest is due, in every tenant, longest overdue first; locked against other replicas."""
    query = select(Preference).where(col(Preference.digest_at) <= tx.now).order_by(col(Preference.digest_at))
    return list(await tx.session.scalars(query.limit(limit).with_for_update(skip_locked=True)))


def quiet_hours(found: Preference | None) -> QuietHours | None:
    """Return a person's quiet hours, None where they set none."""
    if found is None or found.quiet_from is None or found.quiet_to is None:
        return None
    return QuietHours(found.quiet_from, found.quiet_to)


def quiet_now(found: Preference | None, now: datetime) -> datetime | None:
    """Return when the quiet hours that a person is in will end, None where they are in none."""
    return quiet_until(quiet_hours(found), found.tz if found else None, now)


def absence(found: Preference | None) -> Absence | None:
    """Return the absence a person announced, past ones included; None where they announced none."""
    if found is None or found.away_since is None:
        return None
    return Absence(found.away_since, found.away_until, found.delegate)
