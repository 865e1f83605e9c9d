"""What a Slack status says about being there: few words and signs, so that nobody is taken for away who is not."""

import re
from datetime import UTC, datetime

from governance.hours import Absence

#: Slack's own presets for vacation and illness, and the beach. Planes, houses and buses are of people who work.
AWAY_EMOJI = frozenset({":palm_tree:", ":beach_with_umbrella:", ":face_with_thermometer:"})

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_AWAY = re.compile(
    r"\b(ooo|out of (the )?office|(on )?vacation(ing)?|on holidays?|(on|annual|parental|maternity|paternity|sick) leave"
    r"|(out|off) sick|sick day|sick|im urlaub|urlaub|krank)\b",
    re.IGNORECASE,
)
_NOT_NOW = re.compile(
    r"\b(back|returned|before|after|until my|planning|not|no|soon|kein\w*|nach|vor|zurück)\b", re.IGNORECASE
)


def absence_by_status(emoji: str, text: str, expiration: int) -> Absence | None:
    """Return the absence a Slack status tells of, None where it tells of none; whether it still holds says `covers`.

    `expiration` is in seconds since 1970, 0 for a status that does not end by itself. A text that also speaks of
    before or after counts as none, whatever sign stands beside it.
    """
    if _NOT_NOW.search(text) or not (emoji in AWAY_EMOJI or _AWAY.search(text)):
        return None
    return Absence(_LONG_AGO, _moment(expiration) if expiration else None)


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return datetime.max.replace(tzinfo=UTC)
