"""Inputs for numbers."""

import json
import re
from typing import Any

from bot.cards.widget import ABSENT, Schema, State, Value, Widget, parsed, typed, typed_text

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


def number_widget(schema: Schema, value: Value, _required: bool) -> Widget | None:
    """Return the input for a number; None where it is written with an exponent."""
    return _numeric(schema, value, decimals=True)


def integer_widget(schema: Schema, value: Value, _required: bool) -> Widget | None:
    """Return the input for a whole number."""
    return _numeric(schema, value, decimals=False)


def _numeric(schema: Schema, value: Value, *, decimals: bool) -> Widget | None:
    text = "" if value is ABSENT else _plain_number(value)
    if text is None or (not decimals and "." in text):
        return None
    limits = {"min_value": schema.get("minimum"), "max_value": schema.get("maximum")}
    bounds = {name: shown for name, one in limits.items() if (shown := _plain_number(one)) is not None}
    numbers = [float(one) for one in (bounds.get("min_value"), text, bounds.get("max_value")) if one]
    if numbers != sorted(numbers) or (not decimals and any("." in one for one in bounds.values())):
        bounds = {}
    return Widget(typed("number_input", text, is_decimal_allowed=decimals, **bounds), _read_number)


def _plain_number(value: Any) -> str | None:
    """Return a number as everybody writes it, None where it would need an exponent or is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    text = json.dumps(value)
    return text if _NUMBER.fullmatch(text) and len(text) <= 50 else None


def _read_number(state: State) -> Value:
    text = typed_text(state).strip()
    if not text:
        return ABSENT
    number = parsed(text) if _NUMBER.fullmatch(text) else None
    if number is None:
        raise ValueError("Write a number, such as 12 or 0.5.")
    return number
