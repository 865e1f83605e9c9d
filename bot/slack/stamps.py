"""Slack's timestamps: seconds and microseconds since 1970, which also name messages."""

import re
from datetime import UTC, datetime, timedelta

_STAMP = re.compile(r"(\d{1,12})\.(\d{6})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 32_503_680_000  # the year 3000


def moment_of(stamp: object) -> datetime | None:
    """Return the moment of a timestamp such as `1763990000.000100`, exactly; None for anything else."""
    found = _STAMP.fullmatch(stamp) if isinstance(stamp, str) else None
    if found is None or int(found[1]) > _LATEST:
        return None
    return _EPOCH + timedelta(seconds=int(found[1]), microseconds=int(found[2]))
