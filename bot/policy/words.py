"""How single values are written in countersign.toml."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, StringConstraints, WithJsonSchema

from governance.money import AMOUNT, parse_usd
from governance.policy import Rate
from governance.tiers import TIER_ALIASES, Tier

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(?:\d+[smhdw])+")
_RATE = re.compile(r"(\d{1,6})/((?:\d+)?[smhdw])")


def parse_duration(text: Any) -> timedelta:
    """Parse `30s`, `15m`, `48h`, `7d`, `1h30m`. Raises ValueError with the remedy."""
    if not isinstance(text, str) or not _DURATION.fullmatch(text):
        raise ValueError("write a duration such as 30s, 15m, 48h or 7d")
    parts = re.findall(r"(\d+)([smhdw])", text)
    try:
        total = sum((timedelta(**{_UNITS[unit]: int(n)}) for n, unit in parts), timedelta())
    except OverflowError:
        total = timedelta.max
    if not timedelta() < total <= timedelta(days=366):
        raise ValueError("write a duration above zero and up to 366d")
    return total


def parse_rate(text: Any) -> Rate:
    """Parse `10/m`, `100/h`, `5/30s`: so many starts in any such span. Raises ValueError with the remedy."""
    found = _RATE.fullmatch(text) if isinstance(text, str) else None
    if found is None or int(found[1]) < 1:
        raise ValueError("write a rate such as 10/m, 100/h or 5/30s")
    span = found[2] if found[2][0].isdigit() else f"1{found[2]}"
    return Rate(int(found[1]), parse_duration(span))


def parse_expiry(text: Any) -> timedelta:
    """Parse a duration, or `never`, which is zero. Raises ValueError with the remedy."""
    return timedelta() if text == "never" else parse_duration(text)


def parse_cap(text: Any) -> int | Literal["none"]:
    """Parse `50.00` to micro-dollars, and `none`. Raises ValueError with the remedy."""
    if text == "none":
        return "none"
    if not isinstance(text, str):
        raise ValueError('write an amount in dollars as text, such as "50.00", or "none"')
    return parse_usd(text)


def _tier(value: Any) -> Any:
    return TIER_ALIASES.get(value, value) if isinstance(value, str) else value


Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$"})
]
Expiry = Annotated[
    timedelta,
    BeforeValidator(parse_expiry),
    WithJsonSchema({"type": "string", "pattern": f"^(never|{_DURATION.pattern})$"}),
]
#: Micro-dollars, or "none" for no cap; "0" is a cap, under which nothing may be spent.
Cap = Annotated[
    int | Literal["none"],
    BeforeValidator(parse_cap),
    WithJsonSchema({"type": "string", "pattern": rf"^(none|{AMOUNT})$"}),
]
RateText = Annotated[
    Rate, BeforeValidator(parse_rate), WithJsonSchema({"type": "string", "pattern": f"^{_RATE.pattern}$"})
]
TierName = Annotated[
    Tier, BeforeValidator(_tier), WithJsonSchema({"enum": [*[tier.value for tier in Tier], *TIER_ALIASES]})
]
Name = Annotated[str, StringConstraints(pattern=r"\S", max_length=200)]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,200}$")]
#: A dotted name, or a prefix of some: `deploy.production`, `deploy.*`.
Pattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{0,199}[A-Za-z0-9_:-](\.\*)?$")]
PersonId = Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{2,30}$")]
ReviewerId = Annotated[str, StringConstraints(pattern=r"^[UWS][A-Z0-9]{2,30}$")]
TeamId = Annotated[str, StringConstraints(pattern=r"^T[A-Z0-9]{2,30}$")]
ChannelId = Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{2,30}$")]
