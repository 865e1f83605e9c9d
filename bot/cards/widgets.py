"""Which input fits a property's schema and value.

A simple one is chosen only where the value it starts with comes back exactly; everything else is a text of JSON.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bot.cards.choice_widgets import array_widget, boolean_widget, choice_widget
from bot.cards.number_widgets import integer_widget, number_widget
from bot.cards.text_widgets import json_widget, string_widget
from bot.cards.widget import ABSENT, SIMPLE, Schema, Value, Widget


def widget_for(schema: Any, value: Value, *, required: bool) -> Widget | None:
    """Return the simplest input that fits; None where the value is too long for any of Slack's."""
    is_simple = isinstance(schema, Mapping) and set(schema) <= SIMPLE
    return (_simple(schema, value, required=required) if is_simple else None) or json_widget(value)


def _simple(schema: Schema, value: Value, *, required: bool) -> Widget | None:
    if "enum" in schema:
        return choice_widget(schema["enum"], value, required=required)
    types = schema.get("type")
    kinds = [one for one in (types if isinstance(types, list) else [types]) if one != "null"]
    make = _BY_TYPE.get(str(kinds[0])) if len(kinds) == 1 else None
    made = make(schema, ABSENT if value is None else value, required) if make is not None else None
    nullable = isinstance(types, list) and "null" in types
    return replace(made, empty=None) if made is not None and nullable else made


_BY_TYPE: dict[str, Callable[[Schema, Value, bool], Widget | None]] = {
    "string": string_widget,
    "number": number_widget,
    "integer": integer_widget,
    "boolean": boolean_widget,
    "array": array_widget,
}
