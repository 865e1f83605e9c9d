"""Inputs that choose among values, and lists."""

import json
from collections.abc import Mapping
from typing import Any

from bot.cards.arguments import EDITABLE, keeps_its_form
from bot.cards.widget import (
    ABSENT,
    SIMPLE,
    Schema,
    State,
    Value,
    Widget,
    element,
    option,
    typed,
    typed_text,
    units,
    whole,
)
from governance.canonical import Json
from governance.secret_fields import MASK
from governance.text import visible

_OPTIONS, _OPTION_TEXT = 99, 75  #: one more option says that nothing is set
_UNSET = "unset"


def boolean_widget(_schema: Schema, value: Value, required: bool) -> Widget | None:
    """Return the input for true and false."""
    return choice_widget([True, False], value, required=required)


def choice_widget(values: Any, value: Value, *, required: bool) -> Widget | None:
    """Return a select of the values of an `enum`; None where they are too many, too long or not alike."""
    labels = _labels(values)
    if labels is None or (value is not ABSENT and _place(values, value) is None):
        return None
    options = [option(label, str(i)) for i, label in enumerate(labels)]
    initial = {"initial_option": options[_place(values, value) or 0]} if value is not ABSENT else {}
    if not required:
        options.append(option("— not set —", _UNSET))
    return Widget(element("static_select", options=options, **initial), lambda state: _chosen(values, state))


def _chosen(values: list[Json], state: State) -> Value:
    picked = str((state.get("selected_option") or {}).get("value") or _UNSET)
    return _at(values, picked)


def _at(values: list[Json], picked: str) -> Value:
    if picked == _UNSET:
        return ABSENT
    if not picked.isdecimal() or len(picked) > 3 or int(picked) >= len(values):
        raise ValueError("Choose one of the values that are offered.")
    return values[int(picked)]


def array_widget(schema: Schema, value: Value, _required: bool) -> Widget | None:
    """Return the input for several of some values, or for texts that stand on one line each."""
    items = schema.get("items")
    if not isinstance(items, Mapping) or not set(items) <= SIMPLE:
        return None
    if value is not ABSENT and not isinstance(value, list):
        return None
    given = [] if value is ABSENT else value
    made = _several(schema, items, given) if "enum" in items else _lines(items, given)
    return Widget(made.element, made.read, made.hint, empty=[]) if made is not None else None


def _several(schema: Schema, items: Schema, given: list[Json]) -> Widget | None:
    values, labels = items["enum"], _labels(items["enum"])
    places = [_place(values, one) for one in given] if labels is not None else []
    if labels is None or None in places or len(set(places)) < len(places):
        return None
    options = [option(label, str(i)) for i, label in enumerate(labels)]
    chosen = {"initial_options": [options[i] for i in places if i is not None]} if places else {}
    most = whole(schema.get("maxItems"))
    limit = {"max_selected_items": most} if most and len(places) <= most <= len(options) else {}
    return Widget(element("multi_static_select", options=options, **chosen, **limit),
                  lambda state: [_at(values, str(one.get("value"))) for one in state.get("selected_options") or ()]
                  or ABSENT)  # fmt: skip


def _lines(items: Schema, given: list[Json]) -> Widget | None:
    if items.get("type") != "string" or not all(isinstance(one, str) and _is_line(one) for one in given):
        return None
    text = "\n".join(given)
    if units(text) > EDITABLE:
        return None
    return Widget(typed("plain_text_input", text, multiline=True), _read_lines, "One per line.")


def _is_line(text: str) -> bool:
    return text != "" and "\n" not in text and text != MASK and keeps_its_form(text)


def _read_lines(state: State) -> Value:
    return [line.strip() for line in typed_text(state).split("\n") if line.strip()] or ABSENT


def _labels(values: Any) -> list[str] | None:
    """Return the words of options, all different; None where these values cannot be offered."""
    if not isinstance(values, list) or not 0 < len(values) <= _OPTIONS:
        return None
    if any(isinstance(one, dict | list) for one in values):
        return None
    as_they_are = all(isinstance(one, str) and one.strip() == one != "" and "\n" not in one for one in values)
    labels = [visible(one if as_they_are else json.dumps(one, ensure_ascii=False)) for one in values]
    if len(set(labels)) < len(labels) or any(units(label) > _OPTION_TEXT for label in labels):
        return None
    return labels


def _place(values: list[Json], value: Json) -> int | None:
    """Return where a value stands; true is not 1 here."""
    return next((i for i, one in enumerate(values) if json.dumps(one) == json.dumps(value)), None)
