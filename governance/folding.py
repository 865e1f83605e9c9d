"""When a noisy agent's calls are no longer told one by one, but counted in one message."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

ALONE = 3  #: so many calls are told one by one, and so many that have not gone well besides
SILENCE = timedelta(minutes=10)
LONGEST = timedelta(hours=1)
_GOOD = "succeeded"
_BAD_LINES, _GOOD_LINES = 5, 3

Line = Mapping[str, str]


def is_over(since: datetime, last_at: datetime, now: datetime) -> bool:
    """Whether the next call begins a new count: after ten minutes of silence, or an hour in all."""
    return now - last_at >= SILENCE or now - since >= LONGEST


def went_well(outcome: str) -> bool:
    """Whether a call ended as it should."""
    return outcome == _GOOD


def is_told_alone(outcome: str, alone: int, alone_failed: int) -> bool:
    """Whether a call has a message of its own, after so many others that had, and that had not gone well."""
    return alone < ALONE or (not went_well(outcome) and alone_failed < ALONE)


def kept(lines: Sequence[Line]) -> list[dict[str, str]]:
    """Return the lines worth keeping, oldest first: the last that went wrong, and the very last that went well."""
    bad = [n for n, line in enumerate(lines) if not went_well(line["outcome"])][-_BAD_LINES:]
    good = [n for n, line in enumerate(lines) if went_well(line["outcome"])][-_GOOD_LINES:]
    return [dict(lines[n]) for n in sorted(bad + good)]
