"""The edit form of a tool: one input per argument, made from its JSON Schema, and what comes back from it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.cards.text_widgets import json_widget
from bot.cards.widget import ABSENT, Schema, State, Value, Widget, is_untouched
from bot.cards.widgets import widget_for
from bot.ids import Block
from governance.canonical import Json
from governance.text import cut, visible

_MOST_INPUTS = 20
_SIZE = 150_000  #: of the 250 KB a view may have, counted as JSON escapes it
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_OTHERS = f"{Block.ARGUMENT.value}s.others"


@dataclass(frozen=True, slots=True)
class Argument:
    """One input. `name` is its property, None for everything the schema does not name; `value` is what it has now."""

    block: str
    name: str | None
    value: Value
    widget: Widget
    hint: str
    required: bool

    @property
    def label(self) -> str:
        """What stands over the input."""
        if self.name is None:
            return "Other arguments"
        shown = visible(self.name)
        return cut(shown if shown.strip() else json.dumps(self.name), 200)

    @property
    def optional(self) -> bool:
        """Whether it may be left empty: absent, or where it is required null or an empty list."""
        return not self.required or self.widget.empty is not ABSENT


@dataclass(frozen=True, slots=True)
class ArgumentForm:
    """All inputs of a form, and the arguments that are too long for one and stay as they are."""

    inputs: tuple[Argument, ...]
    kept: Mapping[str, Json]


def argument_form(schema: Schema, arguments: Json) -> ArgumentForm | None:
    """Return the form for some arguments, secrets masked; None where one text of JSON serves better."""
    properties = schema.get("properties")
    if not isinstance(arguments, dict) or not isinstance(properties, Mapping) or not properties:
        return None
    found = [_property(i, name, schema, arguments) for i, name in enumerate(properties)]
    inputs = [*(one for one in found if one is not None), *_others(schema, properties, arguments)]
    long = {name for name, one in zip(properties, found, strict=True) if one is None}
    elements = [one.widget.element for one in inputs]
    if not inputs or len(inputs) > _MOST_INPUTS or len(json.dumps(elements)) > _SIZE:
        return None
    kept = {name: value for name, value in arguments.items() if name in long or _is_left_out(name, properties, inputs)}
    return ArgumentForm(tuple(inputs), kept)


def _property(place: int, name: str, schema: Schema, arguments: dict[str, Json]) -> Argument | None:
    given, required = schema["properties"][name], schema.get("required")
    value = arguments.get(name, ABSENT)
    is_required = isinstance(required, list) and name in required
    widget = widget_for(given, value, required=is_required)
    if widget is None:
        return None
    block = f"{Block.ARGUMENT.value}.{name}" if _NAME.fullmatch(name) else f"{Block.ARGUMENT.value}#{place}"
    return Argument(block, name, value, widget, _hint(given, widget), is_required)


def _hint(schema: Any, widget: Widget) -> str:
    said = schema.get("description") if isinstance(schema, Mapping) else None
    described = visible(said).strip() if isinstance(said, str) else ""
    return cut(" ".join(part for part in (described, widget.hint) if part), 1000)


def _others(schema: Schema, properties: Mapping[str, Any], arguments: dict[str, Json]) -> list[Argument]:
    """Return the input for arguments the schema does not name, where there are or may be any."""
    others = {name: value for name, value in arguments.items() if name not in properties}
    if not others and schema.get("additionalProperties") is False:
        return []
    widget = json_widget(others or ABSENT)
    hint = f"An object of what has no input of its own. {widget.hint}" if widget else ""
    return [Argument(_OTHERS, None, others or ABSENT, widget, hint, required=False)] if widget else []


def _is_left_out(name: str, properties: Mapping[str, Any], inputs: list[Argument]) -> bool:
    return name not in properties and all(one.name is not None for one in inputs)


def arguments_from(
    form: ArgumentForm, values: Mapping[str, Mapping[str, State]]
) -> tuple[dict[str, Json], dict[str, str]]:
    """Return the arguments that were sent, and what is wrong by block. What was not touched is what it was."""
    arguments, wrong = dict(form.kept), {}
    for one in form.inputs:
        state = next(iter(values.get(one.block, {}).values()), {})
        try:
            value = one.value if is_untouched(one.widget, state) else one.widget.read(state)
            arguments |= _named(form, one, value)
        except ValueError as error:
            wrong[one.block] = str(error)
    return arguments, wrong


def _named(form: ArgumentForm, one: Argument, value: Value) -> dict[str, Json]:
    if value is ABSENT:
        return {one.name: one.widget.empty} if one.name is not None and one.required and one.optional else {}
    if one.name is not None:
        return {one.name: value}
    if not isinstance(value, dict):
        raise ValueError("Write a JSON object, such as {}.")
    if twice := {other.name for other in form.inputs} & set(value):
        raise ValueError(f"{cut(visible(str(min(map(str, twice)))), 80)} has an input of its own; write it there.")
    return value


def block_of(form: ArgumentForm, pointer: str) -> tuple[str, str]:
    """Return the block of the input a JSON Pointer leads into, and the rest of the pointer inside it."""
    first, _, rest = pointer.removeprefix("/").partition("/")
    name = first.replace("~1", "/").replace("~0", "~")
    found = next((one.block for one in form.inputs if one.name is not None and cut(one.name, 80) == name), None)
    if found is not None:
        return found, f"/{rest}" if rest else ""
    last = form.inputs[-1]
    return (last.block if last.name is None and name else form.inputs[0].block), pointer
