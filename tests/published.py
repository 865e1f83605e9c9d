"""The published OpenTrustGraph schemas and fixtures, where they lie beside this checkout."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

BESIDE = Path(__file__).parent.parent.parent
#: The chain schema refers to the record schema under a name that is not the record schema's own.
ALIAS = "https://harnlang.com/schemas/opentrustgraph/v0/trust-record.v0.schema.json"


def published(name: str) -> Any:
    """One published file, parsed; skips where it is not there."""
    return json.loads(path_of(name).read_text())


def path_of(name: str) -> Path:
    found = next(BESIDE.glob(f"*/data/opentrustgraph/{name}"), None)
    if found is None:
        pytest.skip("the published OpenTrustGraph schemas and fixtures are not beside this checkout")
    return found


def schema_errors(document: Any) -> list[str]:
    """What the published schemas have against a chain export."""
    record, chain = published("trust-record.v0.schema.json"), published("trust-chain.v0.schema.json")
    registry: Any = Registry().with_resources([(one, Resource.from_contents(record)) for one in (record["$id"], ALIAS)])
    checker = Draft202012Validator(chain, registry=registry, format_checker=FormatChecker())
    return [f"{list(error.absolute_path)}: {error.message}" for error in checker.iter_errors(document)]
