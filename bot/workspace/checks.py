"""Walking a payload along the grammar; problems are sentences with a JSON pointer, as Slack's are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot.workspace.rules import Flag, Free, Int, Items, Kinds, Rule, Shape, Str


def check(rule: Rule, value: object, pointer: str) -> Iterator[str]:
    """Every way in which `value` breaks `rule`; `pointer` is where it stands."""
    if isinstance(rule, Str):
        yield from _string(rule, value, pointer)
    elif isinstance(rule, Flag):
        yield from _is(bool, "boolean", value, pointer)
    elif isinstance(rule, Int):
        yield from _integer(rule, value, pointer)
    elif isinstance(rule, Items):
        yield from _items(rule, value, pointer)
    elif isinstance(rule, Kinds):
        yield from _kinds(rule, value, pointer)
    elif isinstance(rule, Shape):
        yield from _shape(rule, value, pointer, typed=False)
    else:
        assert isinstance(rule, Free)


def _at(problem: str, pointer: str) -> str:
    return f"{problem} [json-pointer:{pointer}]"


def _is(kind: type, name: str, value: object, pointer: str) -> Iterator[str]:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        yield _at(f"must provide {name if name == 'an object' else 'a ' + name}", pointer)


def _string(rule: Str, value: object, pointer: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield _at("must provide a string", pointer)
        return
    if len(value) < rule.least:
        yield _at(f"must be more than {rule.least - 1} characters", pointer)
    if rule.most and len(value) > rule.most:
        yield _at(f"must be less than {rule.most + 1} characters", pointer)
    if rule.choices and value not in rule.choices:
        yield _at(f"must be a valid enum value, one of {', '.join(rule.choices)}", pointer)
    if rule.pattern and value and not re.fullmatch(rule.pattern, value, re.DOTALL):
        yield _at("must match the expected format", pointer)


def _integer(rule: Int, value: object, pointer: str) -> Iterator[str]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield _at("must provide an integer", pointer)
    elif not rule.least <= value <= rule.most:
        yield _at(f"must be from {rule.least} to {rule.most}", pointer)


def _items(rule: Items, value: object, pointer: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield _at("must provide an array", pointer)
        return
    if len(value) > rule.most:
        yield _at(f"no more than {rule.most} items allowed", pointer)
    if len(value) < rule.least:
        yield _at(f"no fewer than {rule.least} items allowed", pointer)
    for place, item in enumerate(value):
        yield from check(rule.rule, item, f"{pointer}/{place}")


def _kinds(rule: Kinds, value: object, pointer: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _at("must provide an object", pointer)
        return
    kind = value.get("type")
    if kind is None:
        yield _at("missing required field: type", pointer)
    elif kind not in rule.shapes:
        yield _at(f"unsupported type: {kind}", f"{pointer}/type")
    else:
        yield from _shape(rule.shapes[kind], value, pointer, typed=True)
        yield from _own_rules(str(kind), value, pointer)


def _shape(rule: Shape, value: object, pointer: str, *, typed: bool) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _at("must provide an object", pointer)
        return
    known = {name.removeprefix("!"): (name[0] == "!", inner) for name, inner in rule.fields.items()}
    for name, (required, inner) in known.items():
        if name in value:
            yield from check(inner, value[name], f"{pointer}/{name}")
        elif required:
            yield _at(f"missing required field: {name}", pointer)
    for name in value:
        if name not in known and not (name == "type" and typed) and not _view_type(name, rule):
            yield _at(f"invalid additional property: {name}", pointer)
    if rule.one_of and not any(value.get(name) for name in rule.one_of):
        yield _at(f"must define either {' or '.join(f'`{n}`' for n in rule.one_of)}", pointer)


def _view_type(name: str, rule: Shape) -> bool:
    return name == "type" and "!blocks" in rule.fields


def _own_rules(kind: str, value: dict[str, Any], pointer: str) -> Iterator[str]:
    """What one element's fields demand of each other."""
    options = _all_options(value)
    chosen = [value["initial_option"]] if "initial_option" in value else value.get("initial_options") or []
    if options and not all(choice in options for choice in chosen):
        yield _at("initial option must be one of the options", pointer)
    if kind == "plain_text_input":
        yield from _lengths(value, pointer)
    if kind in ("static_select", "multi_static_select") and "options" in value and "option_groups" in value:
        yield _at("must define only one of `options` and `option_groups`", pointer)


def _all_options(value: dict[str, Any]) -> list[object]:
    groups = value.get("option_groups")
    parts = [g.get("options") for g in groups if isinstance(g, dict)] if isinstance(groups, list) else []
    parts.append(value.get("options"))
    return [option for part in parts if isinstance(part, list) for option in part]


def _lengths(value: dict[str, Any], pointer: str) -> Iterator[str]:
    low, high = value.get("min_length"), value.get("max_length")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        yield _at("min_length must not exceed max_length", pointer)
    if isinstance(high, int) and len(str(value.get("initial_value", ""))) > high:
        yield _at("initial_value is longer than max_length", pointer)
