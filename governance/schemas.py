"""JSON Schema as this product means it: no remote references, and lengths are checked before patterns."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry

from governance.canonical import Json
from governance.policy import Problem
from governance.text import cut

MAX_PATTERN_INPUT = 4096
MAX_PROBLEMS = 20
MAX_NAME = 80


def compile_schema(schema: Mapping[str, Any]) -> Callable[[Json], list[Problem]]:
    """Return a function that lists what is wrong with some arguments.

    Raises ValueError with one sentence where the schema itself is wrong or refers outside itself.
    """
    _refuse_remote_refs(schema)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"{'.'.join(map(str, error.path)) or 'input_schema'}: {error.message[:200]}") from None
    validator = _Validator(schema, registry=Registry())

    def find_problems(arguments: Json) -> list[Problem]:
        errors = sorted(validator.iter_errors(arguments), key=lambda e: [str(step) for step in e.absolute_path])
        problems = dict.fromkeys(problem for error in errors[:MAX_PROBLEMS] for problem in _problems(error))
        return list(problems)[:MAX_PROBLEMS]

    return find_problems


def _refuse_remote_refs(node: Any) -> None:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in ("$ref", "$dynamicRef") and isinstance(value, str) and not value.startswith("#"):
                raise ValueError(f"$ref {value[:100]!r} leads outside the schema; put the definition under $defs")
            _refuse_remote_refs(value)
    elif isinstance(node, list):
        for item in node:
            _refuse_remote_refs(item)


def _pattern(validator: Any, pattern: str, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    """Match a pattern only on strings of bounded length, so that no expression runs away."""
    if not isinstance(instance, str) or len(instance) > schema.get("maxLength", MAX_PATTERN_INPUT):
        if isinstance(instance, str) and "maxLength" not in schema:
            yield ValidationError("too long", validator="maxLength", validator_value=MAX_PATTERN_INPUT)
        return
    yield from Draft202012Validator.VALIDATORS["pattern"](validator, pattern, instance, schema)


_Validator: Any = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def _problems(error: ValidationError) -> list[Problem]:
    """Return one problem per field: a missing or unknown field is named itself, not its container."""
    place = "".join(_step(step) for step in error.absolute_path)
    if error.validator == "required" and isinstance(error.instance, dict):
        required: Any = error.validator_value
        missing = [name for name in required if name not in error.instance]
        return [Problem(place + _step(name), "is required") for name in missing]
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        unknown = [name for name in error.instance if not _is_known(name, error.schema)]
        return [Problem(place + _step(name), "is not a field of this tool") for name in unknown[:MAX_PROBLEMS]]
    return [Problem(place, _message(error))]


def _is_known(name: str, schema: Any) -> bool:
    return name in schema.get("properties", {}) or any(
        re.search(pattern, name) for pattern in schema.get("patternProperties", {})
    )


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
        "pattern": f"must match {str(expected)[:200]}",
    }
    return words.get(str(error.validator)) or f"does not satisfy {error.validator}"
