"""Money as whole micro-dollars: exact, from and to the words people and programs write."""

import math
import re
from decimal import Decimal

MICRO = 1_000_000

#: The most one amount may say, in micro-dollars; JSON numbers up to here keep their six decimals.
MOST = 1_000_000_000 * MICRO

#: How an amount is written, as a pattern that JSON Schema knows.
AMOUNT = r"(1000000000(\.0{1,6})?|\d{1,9}(\.\d{1,6})?)"

_AMOUNT = re.compile(r"\d{1,30}(?:\.\d{1,6})?", re.ASCII)


def parse_usd(value: object) -> int:
    """Return an amount such as "8.25", 8.25 or 8 in micro-dollars, exactly.

    Raises ValueError for what is negative, no finite number, finer than a millionth of a dollar, or above a billion.
    """
    text = value if isinstance(value, str) else _written(value)
    if text.startswith("-"):
        raise ValueError("an amount cannot be negative")
    if not _AMOUNT.fullmatch(text):
        raise ValueError('write an amount in dollars with at most six decimals, such as "8.25"')
    amount = int(Decimal(text) * MICRO)
    if amount > MOST:
        raise ValueError("an amount is at most 1000000000")
    return amount


def _written(value: object) -> str:
    """Return a number as it was written, without an exponent; what is no finite number reads as nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return ""
    return str(value) if isinstance(value, int) else f"{Decimal(repr(value)):f}"


def format_usd(micro: int) -> str:
    """Write micro-dollars in dollars, exactly, with at least two decimals: `8.25`, `0.000001`."""
    whole, rest = divmod(abs(micro), MICRO)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if micro < 0 else ''}{whole}.{decimals}"
