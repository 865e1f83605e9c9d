"""JSON Schema as this product means it: no remote references, and checking costs no more than its input is long."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, SchemaError, ValidationError
from referencing import Registry

from governance.canonical import Json
from governance.keywords import MAX_PATTERN_INPUT, Validator, is_known
from governance.patterns import check_pattern
from governance.policy import Problem
from governance.text import cut

__all__ = ["MAX_PATTERN_INPUT", "compile_schema"]

MAX_PROBLEMS = 20
MAX_NAME = 80
MAX_VALUES = 10_000
_LOOKED_AT = 10 * MAX_PROBLEMS  # errors are found lazily; sorting all of them would first hold all of them


def compile_schema(schema: Mapping[str, Any]) -> Callable[[Json], list[Problem]]:
    """Return a function that lists what is wrong with some arguments.

    Raises ValueError with one sentence where the schema itself is wrong, refers outside itself, or cannot be checked
    in linear time. A schema that was compiled before, as most of a reloaded policy were, is not compiled again.
    """
    try:
        text = json.dumps(schema)
    except TypeError:
        raise ValueError("a schema is JSON; write dates and times in it as text, in quotes.") from None
    return _compiled(text)


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Callable[[Json], list[Problem]]:
    schema: dict[str, Any] = json.loads(text)
    try:
        _refuse_what_runs_away(schema)
        Draft202012Validator.check_schema(schema, format_checker=FormatChecker(()))  # RE2 judges the patterns
    except SchemaError as error:
        raise ValueError(f"{'.'.join(map(str, error.path)) or 'input_schema'}: {error.message[:200]}") from None
    validator = Validator({key: value for key, value in schema.items() if key != "$schema"}, registry=Registry())

    def find_problems(arguments: Json) -> list[Problem]:
        if _has_more_values(arguments, MAX_VALUES):
            return [Problem("", f"holds more than {MAX_VALUES} values; send fewer")]
        found = islice(validator.iter_errors(arguments), _LOOKED_AT)
        errors = sorted(found, key=lambda e: [str(step) for step in e.absolute_path])
        problems = dict.fromkeys(problem for error in errors[:MAX_PROBLEMS] for problem in _problems(error))
        return list(problems)[:MAX_PROBLEMS]

    return find_problems


def _objects(node: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every object of a schema, wherever it stands: a reference may lead anywhere."""
    if isinstance(node, Mapping):
        yield node
    for child in node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ():
        yield from _objects(child)


def _refuse_what_runs_away(schema: Mapping[str, Any]) -> None:
    nodes = list(_objects(schema))
    for node in nodes:
        _check_object(node, is_root=node is schema)
    if {"unevaluatedProperties", "patternProperties"} <= {key for node in nodes for key in node}:
        raise ValueError("unevaluatedProperties does not go with patternProperties; use additionalProperties")


def _check_object(node: Mapping[str, Any], *, is_root: bool) -> None:
    for key in ("$ref", "$dynamicRef"):
        if isinstance(value := node.get(key), str) and not value.startswith("#"):
            raise ValueError(f"$ref {value[:100]!r} leads outside the schema; put the definition under $defs")
    if isinstance(node.get("$schema"), str) and not is_root:  # the library would switch to its own keywords there
        raise ValueError("$schema stands inside the schema; write it at the top or not at all")
    if isinstance(pattern := node.get("pattern"), str):
        check_pattern(pattern)
    if isinstance(patterns := node.get("patternProperties"), Mapping):
        for pattern in patterns:
            check_pattern(pattern)


def _has_more_values(value: Json, limit: int) -> bool:
    """Count scalars, lists and objects, and stop as soon as there are too many."""
    seen, stack = 0, [value]
    while stack:
        item = stack.pop()
        seen += 1
        if isinstance(item, dict | list):
            stack.extend(islice(item.values() if isinstance(item, dict) else item, limit + 1))
        if seen + len(stack) > limit:
            return True
    return False


def _problems(error: ValidationError) -> list[Problem]:
    """Return one problem per field: a missing or unknown field is named itself, not its container."""
    place = "".join(_step(step) for step in error.absolute_path)
    if error.validator == "required" and isinstance(error.instance, dict):
        required: Any = error.validator_value
        missing = [name for name in required if name not in error.instance]
        return [Problem(place + _step(name), "is required") for name in missing]
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        schema: Any = error.schema
        unknown = [name for name in error.instance if not is_known(name, schema)]
        return [Problem(place + _step(name), "is not a field of this tool") for name in unknown[:MAX_PROBLEMS]]
    return [Problem(place, _message(error))]


def _step(step: object) -> str:
    """Return one step of a JSON Pointer; names are the caller's, so a long one is cut."""
    return "/" + cut(str(step), MAX_NAME).replace("~", "~0").replace("/", "~1")


def _message(error: ValidationError) -> str:
    """Say what is wrong without repeating the value: it may be a secret, or a megabyte."""
    expected = error.validator_value
    words = {
        "type": f"must be of type {expected}",
        "enum": f"must be one of {str(expected)[:200]}",
        "const": f"must be {str(expected)[:200]}",
        "maxLength": f"must be at most {expected} characters long",
        "minLength": f"must be at least {expected} characters long",
        "maximum": f"must be at most {expected}",
        "minimum": f"must be at least {expected}",
        "maxItems": f"must have at most {expected} items",
        "minItems": f"must have at least {expected} items",
        "uniqueItems": "must not hold the same item twice",
        "pattern": f"must match {str(expected)[:200]}",
    }
    return words.get(str(error.validator)) or f"does not satisfy {error.validator}"
