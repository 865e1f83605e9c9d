"""The JSON Schema keywords whose usual implementation lets a caller buy much time with few bytes."""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from governance.canonical import canonical
from governance.patterns import occurs

MAX_PATTERN_INPUT = 4096

Schema = Mapping[str, Any]


def is_known(name: str, schema: Schema) -> bool:
    """Return whether a schema speaks of a field, by its name or by a pattern."""
    return name in schema.get("properties", {}) or any(
        occurs(pattern, name) for pattern in schema.get("patternProperties", {})
    )


def _pattern(validator: Any, pattern: str, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    """Match a pattern only on strings of bounded length; what is over its own maxLength is named by that keyword."""
    if not isinstance(instance, str):
        return
    if len(instance) > schema.get("maxLength", MAX_PATTERN_INPUT):
        if "maxLength" not in schema:
            yield ValidationError("too long", validator="maxLength", validator_value=MAX_PATTERN_INPUT)
    elif not occurs(pattern, instance):
        yield ValidationError("no match")


def _pattern_properties(validator: Any, patterns: Schema, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for pattern, subschema in patterns.items():
            for name in [name for name in instance if occurs(pattern, name)]:
                yield from validator.descend(instance[name], subschema, path=name, schema_path=pattern)


def _additional_properties(validator: Any, allowed: Any, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    extras = [name for name in instance if not is_known(name, schema)]
    if isinstance(allowed, Mapping):
        for name in extras:
            yield from validator.descend(instance[name], allowed, path=name)
    elif extras and not allowed:
        yield ValidationError("unknown fields")


def _unique_items(validator: Any, wanted: bool, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    """Compare canonical forms in a set: every item with every other would cost their number squared."""
    if wanted and isinstance(instance, list) and len({canonical(item) for item in instance}) < len(instance):
        yield ValidationError("not unique")


Validator: Any = extend(
    Draft202012Validator,
    {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    },
)  # type: ignore[no-untyped-call]
