"""What people put into elements: initial values, what a choice looks like on the wire, what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.workspace import blocks as kit
from bot.workspace.model import Json

Values = dict[str, dict[str, Json]]
"""block_id -> action_id -> the element's state, as `view.state.values` carries it."""

FIELD = {
    "plain_text_input": "value",
    "number_input": "value",
    "url_text_input": "value",
    "email_text_input": "value",
    "static_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "checkboxes": "selected_options",
    "multi_static_select": "selected_options",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}
"""Element type -> the field its value stands in."""

INITIAL = {
    "value": "initial_value",
    "selected_option": "initial_option",
    "selected_options": "initial_options",
    "selected_user": "initial_user",
    "selected_users": "initial_users",
    "selected_date": "initial_date",
    "selected_time": "initial_time",
    "selected_date_time": "initial_date_time",
}
MANY = ("selected_options", "selected_users")


def initial_values(blocks: Iterable[Json]) -> Values:
    """The state of every stateful element before anyone touched it."""
    values: Values = {}
    for block, element in kit.elements(blocks):
        name = FIELD.get(element["type"])
        if name and element["type"] != "overflow":
            start = element.get(INITIAL[name], [] if name in MANY else None)
            state = {"type": element["type"], name: start}
            values.setdefault(block["block_id"], {})[element["action_id"]] = state
    return values


def carried_over(fresh: Values, typed: Values) -> Values:
    """`fresh` with the values people already gave, wherever the same element is still there."""
    for block_id, states in fresh.items():
        for action_id, state in states.items():
            before = typed.get(block_id, {}).get(action_id)
            if before and before["type"] == state["type"]:
                states[action_id] = before
    return fresh


def chosen(element: Json, value: Any) -> Json:
    """The state of an element after a person chose `value`.

    Options go by their value or their words; several as a list. LookupError when there is no such option.
    """
    name = FIELD[element["type"]]
    if name == "selected_option":
        value = option(element, value) if value not in (None, "") else None
    elif name == "selected_options":
        value = [option(element, one) for one in value or []]
    elif name == "selected_date_time":
        value = int(value) if value not in (None, "") else None
    elif name in MANY:
        value = list(value or [])
    else:
        value = str(value) if value not in (None, "") else None
    return {"type": element["type"], name: value}


def option(element: Json, wanted: str) -> Json:
    """The option with this value, or else with these words. LookupError when there is none."""
    there: list[Json] = list(element.get("options") or [])
    there += [choice for group in element.get("option_groups") or [] for choice in group["options"]]
    for fits in (lambda o: o["value"] == wanted, lambda o: wanted.casefold() in o["text"]["text"].casefold()):
        hit = next((choice for choice in there if fits(choice)), None)
        if hit:
            return hit
    offered = ", ".join(f"{o['text']['text']!r} ({o['value']})" for o in there)
    raise LookupError(f"no option {wanted!r}; there is {offered}")


def missing(blocks: Iterable[Json], values: Values) -> dict[str, str]:
    """What the form itself objects to before anything is sent: block_id -> sentence, as Slack words it."""
    problems: dict[str, str] = {}
    for block, element in kit.elements(blocks):
        if block["type"] == "input":
            state = values.get(block["block_id"], {}).get(element["action_id"], {})
            problem = _problem(block, element, state.get(FIELD[element["type"]]))
            if problem:
                problems[block["block_id"]] = problem
    return problems


def _problem(block: Json, element: Json, value: Any) -> str | None:
    if value in (None, "", []):
        return None if block.get("optional") else "Please complete this required field."
    if element["type"] == "number_input":
        return _number_problem(element, str(value))
    if element["type"] != "plain_text_input":
        return None
    low, high = element.get("min_length", 0), element.get("max_length", 3000)
    if len(str(value)) < low:
        return f"Please enter at least {low} characters."
    return f"Please enter {high} characters or fewer." if len(str(value)) > high else None


def _number_problem(element: Json, value: str) -> str | None:
    try:
        number = float(value)
    except ValueError:
        return "Please enter a number."
    if not element["is_decimal_allowed"] and not number.is_integer():
        return "Please enter a whole number."
    if "min_value" in element and number < float(element["min_value"]):
        return f"Please enter {element['min_value']} or more."
    if "max_value" in element and number > float(element["max_value"]):
        return f"Please enter {element['max_value']} or less."
    return None
