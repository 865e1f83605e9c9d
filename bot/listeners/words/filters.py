"""What narrows a list: `agent:deployer tool:deploy.* risk:low_write status:approved older:2h`, and free words."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.listeners.words.parsing import bare
from governance.errors import Unprocessable
from governance.lifecycle import RequestStatus
from governance.tiers import Risk
from storage.lists import Filters

_FILTER = re.compile(r"(?P<key>[a-z]+)[:=](?P<value>\S+)", re.IGNORECASE)
_OLDER = re.compile(r"\bolder\s+than\s+(\d+)\s*([a-z]+)", re.IGNORECASE)
_AGE = re.compile(r"(\d{1,5})\s*(m|min|mins|minutes?|h|hours?|d|days?|w|weeks?)", re.IGNORECASE)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_MOST_WORDS = 6
KEYS = "agent:, tool:, risk:, older: and, in a search, status:"


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Filters, and the words that are none."""

    filters: Filters
    words: tuple[str, ...]


def read_filters(text: str, now: datetime) -> Narrowed:
    """Read what was typed after the word. Raises Unprocessable, naming what is wrong and what would be right."""
    found, words = Filters(), []
    for typed in _OLDER.sub(r"older:\1\2", text).split():
        word = bare(typed)
        hit = _FILTER.fullmatch(word)
        if hit is not None:
            found = _narrow(found, hit["key"].lower(), bare(hit["value"]), now)
        elif word:
            words.append(word[:80])
    if len(words) > _MOST_WORDS:
        raise Unprocessable(f"words: search for {_MOST_WORDS} words at most.")
    return Narrowed(found, tuple(words))


def _narrow(found: Filters, key: str, value: str, now: datetime) -> Filters:
    read = _READERS.get(key)
    if read is None:
        raise Unprocessable(f"I do not know the filter `{key[:20]}:`. There are {KEYS}.")
    return read(found, value, now)


def _risk(found: Filters, value: str, _now: datetime) -> Filters:
    risk = value.lower().replace("-", "_")
    if risk not in set(Risk):
        raise Unprocessable(f"risk: is one of {', '.join(Risk)}.")
    return replace(found, risk=risk)


def _status(found: Filters, value: str, _now: datetime) -> Filters:
    if value.lower() not in set(RequestStatus):
        raise Unprocessable(f"status: is one of {', '.join(RequestStatus)}.")
    return replace(found, status=RequestStatus(value.lower()))


def _older(found: Filters, value: str, now: datetime) -> Filters:
    age = _AGE.fullmatch(value)
    if age is None:
        raise Unprocessable("older: takes a number and m, h, d or w, such as older:2h.")
    return replace(found, asked_before=now - int(age[1]) * _UNITS[age[2][0].lower()])


_READERS: dict[str, Callable[[Filters, str, datetime], Filters]] = {
    "agent": lambda found, value, _now: replace(found, agent=value),
    "tool": lambda found, value, _now: replace(found, tool=value),
    "risk": _risk,
    "status": _status,
    "older": _older,
}
