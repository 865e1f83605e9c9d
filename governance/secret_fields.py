"""Secret arguments: which they are, how they are lifted out, masked, hashed and put back."""

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from governance.canonical import Json, keyed_hash

MASK = "••••••••"
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")  # as RFC 6901 writes them: one spelling for one place
_TELLING = 6  #: shorter strings stand in too many texts to be known again


@dataclass(frozen=True, slots=True)
class Split:
    """Arguments with the secrets taken out: what may be shown, what enters the digest, what is sealed."""

    masked: Json
    hashed: Json
    secrets: dict[str, Json]  #: JSON Pointer -> the secret value


def split(arguments: Json, fields: Iterable[str], key: bytes) -> Split:
    """Lift the secret `fields` (JSON Pointers; a bare name is top level) out of `arguments`.

    `key` is the install key: it keeps low-entropy secrets from being guessed out of a digest.
    """
    masked, hashed, secrets = copy.deepcopy(arguments), copy.deepcopy(arguments), {}
    named = {
        pointer: found[0] for pointer in map(as_pointer, fields) if (found := find(arguments, pointer)) is not None
    }
    for pointer, value in (named | _repeated(arguments, named)).items():
        secrets[pointer] = value
        _put(masked, pointer, MASK)
        _put(hashed, pointer, "hmac-sha256:" + keyed_hash(key, secrets[pointer]))
    return Split(masked, hashed, secrets)


def _repeated(arguments: Json, named: Mapping[str, Json]) -> dict[str, Json]:
    """Return the other strings that repeat a secret: they are secret too, wherever a caller put them."""
    secrets = {text for value in named.values() for text in _strings(value) if len(text) >= _TELLING}
    if not secrets:
        return {}
    leaves = ((pointer, text) for pointer, text in _texts(arguments, "") if not _lies_below(pointer, named))
    return {pointer: text for pointer, text in leaves if any(secret in text for secret in secrets)}


def _texts(value: Json, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(item, f"{pointer}/{str(step).replace('~', '~0').replace('/', '~1')}")


def _lies_below(pointer: str, named: Iterable[str]) -> bool:
    return any(pointer == one or pointer.startswith(f"{one}/") for one in named)


def join(masked: Json, secrets: Mapping[str, Json]) -> Json:
    """Put lifted secrets back; the inverse of `split`."""
    arguments = copy.deepcopy(masked)
    for pointer, value in secrets.items():
        _put(arguments, pointer, value)
    return arguments


def mask_echoes(text: str, secrets: Iterable[Json]) -> str:
    """Mask every secret that an answer echoes back, plain or as it looks inside JSON; what was JSON stays JSON."""
    longest_first = _hidden(secrets)
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return _mask_text(text, longest_first)
    masked = _mask_json(answer, longest_first)
    return text if masked == answer else json.dumps(masked, ensure_ascii=False, separators=(",", ":"))


def cut_off(text: str, secrets: Iterable[Json]) -> str:
    """Mask what was cut off at its end, too: without what may be the beginning of a secret whose rest is missing."""
    hidden = _hidden(secrets)
    half = max((_overlap(text, string) for string in hidden), default=0)
    return _mask_text(text[: len(text) - half], hidden)


def _overlap(text: str, string: str) -> int:
    """Return how many characters at the end of `text` begin `string` without being all of it, in linear time."""
    table = [0]  # of each beginning of the string, the longest shorter beginning that it ends with
    for position, character in enumerate(string[1:], 1):
        table.append(_longer(string, table, table[position - 1], character))
    length = 0
    for character in text[max(0, len(text) - len(string) + 1) :]:
        length = _longer(string, table, length, character)
    return length


def _longer(string: str, table: list[int], length: int, character: str) -> int:
    while length and string[length] != character:
        length = table[length - 1]
    return length + (string[length] == character)


def _hidden(secrets: Iterable[Json]) -> list[str]:
    """Return every form a secret may have in an answer, plain or as it looks inside JSON, the longest first."""
    found = {string for secret in secrets for string in _strings(secret) if string}
    escaped = {json.dumps(string, ensure_ascii=ascii)[1:-1] for string in found for ascii in (True, False)}
    return sorted(found | escaped, key=len, reverse=True)


def _mask_text(text: str, hidden: list[str]) -> str:
    for string in hidden:
        text = text.replace(string, MASK)
    return text


def _mask_json(value: Json, hidden: list[str]) -> Json:
    if isinstance(value, dict):
        return {_mask_text(name, hidden): _mask_json(item, hidden) for name, item in value.items()}
    if isinstance(value, list):
        return [_mask_json(item, hidden) for item in value]
    if _is_number(value):
        return MASK if any(string in json.dumps(value) for string in hidden) else value
    return _mask_text(value, hidden) if isinstance(value, str) else value


def _strings(value: Json) -> Iterator[str]:
    """Yield what of a secret could be recognised in an answer; one or two digits stand in every text."""
    if isinstance(value, str):
        yield value
    elif _is_number(value) and len(json.dumps(value)) > 2:
        yield json.dumps(value)
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_pointer(field: str) -> str:
    """Return a JSON Pointer for a secret field as written in the policy."""
    return field if field.startswith("/") else "/" + field.replace("~", "~0").replace("/", "~1")


def find(arguments: Json, pointer: str) -> tuple[Json] | None:
    """Return the value a JSON Pointer leads to in a tuple of one, or None where there is no such place."""
    holder = _holder(arguments, as_pointer(pointer))
    return None if holder is None else (holder[0][holder[1]],)


def _put(root: Json, pointer: str, value: Json) -> None:
    holder = _holder(root, pointer)
    if holder is not None:
        holder[0][holder[1]] = value


def _holder(root: Json, pointer: str) -> tuple[Any, str | int] | None:
    """Return the container and key a pointer leads to, or None where the arguments have no such place."""
    *path, last = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    for part in path:
        step = _step(root, part)
        if step is None:
            return None
        root = root[step]
    step = _step(root, last)
    return None if step is None else (root, step)


def _step(container: Json, part: str) -> str | int | None:
    if isinstance(container, dict):
        return part if part in container else None
    if isinstance(container, list) and _INDEX.fullmatch(part) and int(part) < len(container):
        return int(part)
    return None
