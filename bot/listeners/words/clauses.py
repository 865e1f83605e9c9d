"""The parts of a sentence about rights and money: what it is about, `for 8h` or `until …`, and `because …`."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.listeners.words.moments import moment_in, zone_of
from bot.listeners.words.parsing import bare
from bot.office import Office
from governance.errors import Unprocessable
from governance.questions import LONGEST

_BECAUSE = re.compile(r"(?:^|\s+)because(?:\s+|$)", re.IGNORECASE)
_LENGTH = re.compile(r"(\d{1,5}(?:\.\d{1,2})?)\s*(m|min|mins|minutes?|h|hrs?|hours?|d|days?|w|weeks?)", re.IGNORECASE)
_FOR = re.compile(rf"(?:^|\s+)(?:for|by)\s+(?P<length>{_LENGTH.pattern})$", re.IGNORECASE)
_BARE = re.compile(rf"\s+(?:for\s+)?(?P<length>{_LENGTH.pattern})$", re.IGNORECASE)
_UNTIL = re.compile(r"(?:^|\s+)until\s+(?P<moment>\S+(?:\s+\d{1,2}:\d{2})?)$", re.IGNORECASE)
_LATEST = timedelta(days=3653)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Clauses:
    """What somebody said, taken apart. `length` and `until` None: they did not say; the reason may be empty."""

    what: str
    length: timedelta | None = None
    until: str | None = None  #: as it was typed
    reason: str = ""


def read_clauses(text: str, *, bare_length: bool = False) -> Clauses:
    """Take a sentence apart; with `bare_length` it may say `24h` without `for`. Raises Unprocessable for a length that
    cannot be meant."""
    before, reason = _split(text.strip())
    length, until = None, None
    if hit := _UNTIL.search(before):
        before, until = before[: hit.start()], bare(hit["moment"])
    elif hit := (_BARE if bare_length else _FOR).search(before):
        before, length = before[: hit.start()], length_of(hit["length"])
    return Clauses(bare(before.strip()), length, until, reason.strip())


def what_and_why(text: str) -> tuple[str, str]:
    """Return what a sentence is about, and the reason after `because`, which may be empty."""
    what, reason = _split(text.strip())
    return bare(what.strip()), reason.strip()


def _split(text: str) -> tuple[str, str]:
    hit = _BECAUSE.search(text)
    return (text[: hit.start()], text[hit.end() :]) if hit else (text, "")


def length_of(text: str) -> timedelta:
    """Return how long `8h`, `2 days` or `1w` is. Raises Unprocessable for anything else, and beyond 30 days."""
    found = _LENGTH.fullmatch(text.strip())
    length = float(found[1]) * _UNITS[found[2][0].lower()] if found else None
    if length is None or not timedelta(0) < length <= LONGEST:
        raise Unprocessable(f"hours: write how long, such as 8h or 2 days, and at most {LONGEST.days} days.")
    return length


async def end_of(said: Clauses, office: Office, person: str) -> datetime | None:
    """Return until when something is to hold, None where nothing was said about it. Raises Unprocessable."""
    if said.length is not None:
        return office.database.clock() + said.length
    if said.until is None:
        return None
    at, now = moment_in(said.until), office.database.clock()
    at = at.replace(tzinfo=await zone_of(office, person)) if at is not None and at.tzinfo is None else at
    if at is None or not now < at < now + _LATEST:
        raise Unprocessable("until: write a day or a moment from now on, such as 2026-12-24 or 2026-12-24T18:00.")
    return at
