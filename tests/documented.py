"""Answers held against the OpenAPI document: their status, their type, and every field of theirs."""

import copy
import re
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

_ROOT = "urn:document"
_PART = re.compile(r"\{\w+\}")
_UNHEARD_OF = (405, 500)  #: what no operation describes: an address that takes no such method, and a fault of ours


class Documented:
    """One document, and whatever it knows of an answer."""

    def __init__(self, document: dict[str, Any]) -> None:
        resource = DRAFT202012.create_resource(_closed(document))
        self._registry: Registry[Any] = Registry().with_resource(_ROOT, resource)
        self._validators: dict[str, Validator] = {}
        self._paths = [
            (re.compile(_PART.sub("[^/]+", path)), path, methods)
            for path, methods in sorted(document["paths"].items(), key=lambda one: "{" in one[0])
        ]
        self._document = document

    def faults(self, method: str, path: str, status: int, media: str, body: Any) -> list[str]:
        """Return what is wrong with an answer; nothing where there is no such operation."""
        found = next((one for one in self._paths if one[0].fullmatch(path) and method.lower() in one[2]), None)
        if found is None or status in _UNHEARD_OF:
            return []
        _, known, methods = found
        answer, place = methods[method.lower()]["responses"].get(str(status)), ["paths", known, method.lower()]
        if answer is None:
            return [f"{method} {known} does not say that it answers {status}"]
        place += ["responses", str(status)]
        if "$ref" in answer:
            place = answer["$ref"].split("/")[1:]
            answer = self._document["components"]["responses"][place[-1]]
        content = answer.get("content", {})
        if not content and body is None:
            return []
        if media not in content:
            return [f"{method} {known} does not say that it answers {media}"]
        return self._body_faults([*place, "content", media, "schema"], body) if media == "application/json" else []

    def _body_faults(self, place: list[str], body: Any) -> list[str]:
        validator = self._validator(f"{_ROOT}#/{'/'.join(map(_escaped, place))}")
        return [f"{place} {error.json_path}: {error.message[:300]}" for error in validator.iter_errors(body)]

    def _validator(self, reference: str) -> Validator:
        if reference not in self._validators:
            self._validators[reference] = Draft202012Validator({"$ref": reference}, registry=self._registry)
        return self._validators[reference]


def _closed(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document without room for fields it does not name."""
    closed = copy.deepcopy(document)
    for schema in closed["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return closed


def _escaped(path: str) -> str:
    """Return a key as one part of a JSON Pointer in a URI."""
    return path.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
