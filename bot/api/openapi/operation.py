"""One endpoint as an operation of the document."""

import inspect
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ValidationError

from bot.api.endpoints import Endpoint, Who
from bot.api.openapi import words
from bot.api.openapi.types import Types
from bot.api.shapes import Problem

_PART = re.compile(r"\{(\w+)\}")
_CALL = re.compile(r"^`[^`]*`(?: `[^`]*`)*[:,]? *")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def operation(endpoint: Endpoint, endpoints: Sequence[Endpoint], types: Types) -> dict[str, Any]:
    """Return the Operation Object of an endpoint; `endpoints` are those its answers may lead to."""
    summary, description = _told(endpoint)
    body = {"requestBody": _body(endpoint, types)} if endpoint.body is not None else {}
    return {
        "operationId": name_of(endpoint), "tags": [_tag(endpoint)], "summary": summary,
        **({"description": description} if description else {}),
        "security": words.security(endpoint.who), "parameters": _parameters(endpoint, types), **body,
        "responses": {**_answers(endpoint, endpoints, types), **_refusals(endpoint)},
    }  # fmt: skip


def name_of(endpoint: Endpoint) -> str:
    """Return what an operation is called: after the class and the method that handle it, unless it has a name."""
    parts = endpoint.handle.__qualname__.split(".")[-2:]
    return endpoint.name or "_".join(_HUMP.sub("_", one).lower() for one in parts)


def refusals_of(endpoint: Endpoint) -> list[int]:
    """Return the statuses of refusals an endpoint may give."""
    found = set(endpoint.refuses)
    wrong = 422 if endpoint.problem is Problem else 400  # other protocols make no difference
    if endpoint.who is not Who.PUBLIC:
        found |= {401, 403, 429, 503}
    if endpoint.who in (Who.OPERATOR, Who.EITHER):
        found |= {413}  # a signature covers the body, so the body is read
    if endpoint.needs:
        found |= {400}
    if endpoint.body is not None:
        found |= {400, 413, wrong}
    if _PART.search(endpoint.path):
        found |= {404}
    if endpoint.query or (endpoint.method != "GET" and endpoint.who is not Who.PUBLIC):
        found |= {wrong}
    return sorted(found - {*endpoint.answers})


def _told(endpoint: Endpoint) -> tuple[str, str]:
    """Return summary and description from the docstring, without the call it may begin with."""
    first, _, rest = (inspect.getdoc(endpoint.handle) or "").partition("\n\n")
    summary = _CALL.sub("", " ".join(first.split())).removesuffix(".")
    return summary[:1].upper() + summary[1:], " ".join(rest.split())


def _tag(endpoint: Endpoint) -> str:
    return endpoint.path.strip("/").split("/")[0]


def _parameters(endpoint: Endpoint, types: Types) -> list[dict[str, Any]]:
    parts = [
        {"name": part, "in": "path", "required": True, "description": words.PARTS.get(part, ""),
         "schema": {"type": "string", "minLength": 1}}
        for part in _PART.findall(endpoint.path)
    ]  # fmt: skip
    values = [
        {"name": one.name, "in": "query", "required": False, "description": one.about,
         "schema": types.value(endpoint, one)}
        for one in endpoint.query
    ]  # fmt: skip
    headers = [
        {"name": name, "in": "header", "required": True, "description": words.HEADERS[name],
         "schema": {"type": "string", "pattern": "^[ -~]{1,255}$"}}
        for name in endpoint.needs
    ]  # fmt: skip
    return [*parts, *values, *headers]


def _body(endpoint: Endpoint, types: Types) -> dict[str, Any]:
    assert endpoint.body is not None
    return {
        "required": not _takes_nothing(endpoint.body),
        "content": {"application/json": {"schema": types.body(endpoint)}},
    }


def _takes_nothing(body: type[BaseModel]) -> bool:
    """Whether an empty body will do: it counts as an empty object."""
    try:
        body.model_validate({})
    except ValidationError:
        return False
    return True


def _answers(endpoint: Endpoint, endpoints: Sequence[Endpoint], types: Types) -> dict[str, Any]:
    links = _links(endpoint, endpoints)
    return {
        str(status): {
            "description": HTTPStatus(status).phrase,
            **({"content": {endpoint.media: {"schema": types.answer(endpoint, status)}}} if kind is not None else {}),
            **({"links": links} if links else {}),
        }
        for status, kind in endpoint.answers.items()
    }


def _links(endpoint: Endpoint, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return how an answer leads on: an id in it is the id that the operations below a path ask for."""
    found: dict[str, Any] = {}
    for pointer, path in endpoint.leads:
        for one in endpoints:
            parts = _PART.findall(one.path)
            if one.path.startswith(path) and len(parts) == 1 and one.base == endpoint.base:
                found[name_of(one)] = {
                    "operationId": name_of(one), "parameters": {parts[0]: f"$response.body#/{pointer}"}
                }  # fmt: skip
    return found


def _refusals(endpoint: Endpoint) -> dict[str, Any]:
    prefix = words.prefix(endpoint.problem)
    return {
        str(status): {"$ref": f"#/components/responses/{prefix}{words.NAMES[status]}"}
        for status in refusals_of(endpoint)
    }
