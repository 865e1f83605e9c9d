"""Strict JSON in, canonical bytes (RFC 8785) out, and the digests built on them."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import rfc8785

from governance.errors import Malformed, NotStrictJson
from governance.text import cut

MAX_INT = 2**53 - 1
MAX_DEPTH = 32
MAX_ARGUMENTS = 128 * 1024
_FIRST_WITH_EXPONENT = 1e21

#: Any JSON value.
Json = Any


def parse_strict(raw: bytes) -> Json:
    """Parse JSON bytes, refusing whatever two parsers could read differently.

    Refused: invalid UTF-8, duplicate keys, NaN and Infinity, numbers that overflow, integers beyond ±(2^53-1)
    however they are spelt, lone surrogates, nesting deeper than 32.
    Raises Malformed where it is no JSON, NotStrictJson where it is unsafe JSON.
    """
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_constant=_no_constant,
            parse_int=_safe_int,
            parse_float=_finite_float,
        )
    except UnicodeDecodeError:
        raise Malformed("The body is not valid UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Malformed(
            f"The body is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise NotStrictJson(f"The body is nested deeper than {MAX_DEPTH} levels.") from None
    _check_depth_and_text(value)
    return value


def _unique_keys(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, value in pairs:
        if key in found:
            raise NotStrictJson(f"The key {_shown(key)} stands twice in one object; send it once.")
        found[key] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise NotStrictJson(f"{name} is not a JSON number; send a finite number or null.")


def _safe_int(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > MAX_INT:
        raise _unsafe(digits)
    return int(digits)


def _finite_float(text: str) -> float:
    number = float(text)
    if number - number != 0:  # only infinities and NaN differ from themselves this way
        raise NotStrictJson(f"The number {text[:20]} is too large; send a finite number or a string.")
    if MAX_INT < abs(number) < _FIRST_WITH_EXPONENT:  # its canonical form would be read back as an unsafe integer
        raise _unsafe(text)
    return number


def _unsafe(digits: str) -> NotStrictJson:
    return NotStrictJson(f"The integer {cut(digits, 20)} is beyond ±(2^53-1); send it as a string.")


def _check_depth_and_text(value: Json) -> None:
    stack: list[tuple[Json, int]] = [(value, 1)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, str):
            _check_text(item)
        elif isinstance(item, dict | list):
            if depth > MAX_DEPTH:
                raise NotStrictJson(f"The body is nested deeper than {MAX_DEPTH} levels.")
            stack.extend((child, depth + 1) for child in _children(item))


def _children(item: dict[str, Json] | list[Json]) -> Iterable[Json]:
    return (*item.keys(), *item.values()) if isinstance(item, dict) else item


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise NotStrictJson("A string holds half of a surrogate pair; send complete characters.") from None


def _shown(text: str) -> str:
    return json.dumps(text[:60])


def canonical(value: Json) -> bytes:
    """Return the RFC 8785 bytes of a JSON value that `parse_strict` accepts."""
    return rfc8785.dumps(value)


def check_size(arguments: Json) -> None:
    """Raise ValueError with half a sentence where arguments are too long to copy, hash and draw in one go."""
    size = len(canonical(arguments))
    if size > MAX_ARGUMENTS:
        raise ValueError(f"takes {size} bytes as canonical JSON; send at most {MAX_ARGUMENTS} (128 KiB)")


def keyed_hash(key: bytes, value: Json) -> str:
    """Return the hex HMAC-SHA256 of a value's canonical bytes."""
    return hmac.new(key, canonical(value), hashlib.sha256).hexdigest()


def call_digest(tool: str, version: str, arguments: Json) -> str:
    """Return `sha256:<hex>` over tool name, tool version and arguments.

    Secret fields must already have been replaced by their keyed hashes (see `governance.secrets_in`).
    """
    body = canonical({"tool": tool, "version": version, "arguments": arguments})
    return "sha256:" + hashlib.sha256(body).hexdigest()


def content_hash(content: Mapping[str, Json]) -> str:
    """Return the hex SHA-256 of an object's canonical bytes."""
    return hashlib.sha256(canonical(dict(content))).hexdigest()


def short(digest: str) -> str:
    """Return the first 12 hex characters of a digest, as cards show it."""
    return digest.rsplit(":", 1)[-1][:12]
