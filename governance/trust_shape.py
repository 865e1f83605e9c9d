"""The shape of an OpenTrustGraph v0 document: what a chain export and its records must consist of."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from governance.canonical import Json
from governance.trustgraph import CHAIN_SCHEMA, WIRE_TIERS, TrustOutcome

_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_OUTCOMES = frozenset(outcome.value for outcome in TrustOutcome)
_TIERS = frozenset(tier.value for tier in WIRE_TIERS)

Check = Callable[[Json], bool]


def is_text(value: Json) -> bool:
    """Whether a value is a text that is not empty."""
    return isinstance(value, str) and value != ""


def is_whole(value: Json, least: int) -> bool:
    """Whether a value is a whole number of at least so much."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value == int(value) and value >= least


def is_moment(value: Json) -> bool:
    """Whether a value is an RFC 3339 date-time."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(re.sub(r"\.\d+", "", value).upper())
    except ValueError:
        return False
    return True


def is_hash(value: Json) -> bool:
    """Whether a value is `sha256:<64 hex>`."""
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def _is_cost(value: Json) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value >= 0)


_RECORD: Mapping[str, tuple[Check, str]] = {
    "record_id": (is_text, "a text"),
    "agent": (is_text, "a text"),
    "action": (is_text, "a text"),
    "outcome": (lambda value: value in _OUTCOMES, "success, failure, denied or timeout"),
    "trace_id": (is_text, "a text"),
    "autonomy_tier": (lambda value: value in _TIERS, "shadow, suggest, act_with_approval or act_auto"),
    "timestamp": (is_moment, "an RFC 3339 date-time"),
    "chain_index": (lambda value: is_whole(value, 1), "a whole number from 1"),
    "previous_hash": (lambda value: value is None or is_hash(value), "sha256:<64 hex> or null"),
    "entry_hash": (is_hash, "sha256:<64 hex>"),
    "metadata": (lambda value: isinstance(value, dict), "an object"),
}
_OPTIONAL: Mapping[str, tuple[Check, str]] = {
    "approver": (lambda value: value is None or is_text(value), "a text or null"),
    "cost_usd": (_is_cost, "a number from 0 or null"),
}
_CHAIN: Mapping[str, tuple[Check, str]] = {
    "topic": (is_text, "a text"),
    "total": (lambda value: is_whole(value, 0), "a whole number from 0"),
    "root_hash": (lambda value: value is None or is_hash(value), "sha256:<64 hex> or null"),
    "verified": (lambda value: isinstance(value, bool), "true or false"),
    "generated_at": (is_moment, "an RFC 3339 date-time"),
    "producer": (lambda value: isinstance(value, dict), "an object"),
}
_PRODUCER: Mapping[str, tuple[Check, str]] = {"name": (is_text, "a text"), "version": (is_text, "a text")}
_NONE: Mapping[str, tuple[Check, str]] = {}


def record_faults(record: Mapping[str, Json]) -> list[str]:
    """Return what is wrong with the shape of one record whose schema is known."""
    return _faults({key: value for key, value in record.items() if key != "schema"}, _RECORD, _OPTIONAL)


def chain_faults(document: Json) -> list[str]:
    """Return what is wrong with the shape of an export, its records aside."""
    if not isinstance(document, dict):
        return ["the document is no object"]
    faults = [f"unknown field {key!r}" for key in document if key not in ("schema", "chain", "records")]
    if document.get("schema") != CHAIN_SCHEMA:
        faults.append(f"schema must be {CHAIN_SCHEMA}")
    if not isinstance(document.get("records"), list):
        faults.append("records must be a list")
    chain = document.get("chain")
    if not isinstance(chain, dict):
        return [*faults, "chain must be an object"]
    producer = chain.get("producer")
    inner = _faults(producer, _PRODUCER, _NONE) if isinstance(producer, dict) else []
    return [*faults, *_faults(chain, _CHAIN, _NONE), *(f"producer: {one}" for one in inner)]


def _faults(
    found: Mapping[str, Json], required: Mapping[str, tuple[Check, str]], optional: Mapping[str, tuple[Check, str]]
) -> list[str]:
    known = {**required, **optional}
    faults = [f"{key} is missing" for key in required if key not in found]
    faults += [f"unknown field {key!r}" for key in found if key not in known]
    faults += [
        f"{key} must be {known[key][1]}" for key in found if key in known and not _holds(known[key][0], found[key])
    ]
    return faults


def _holds(check: Check, value: Json) -> bool:
    try:
        return check(value)
    except TypeError:  # a list or an object where a word is expected
        return False
