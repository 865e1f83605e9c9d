"""The whole document, and where it is served."""

import asyncio
import json
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from aiohttp import web

from bot.api.endpoints import Endpoint, Who
from bot.api.openapi import words
from bot.api.openapi.elsewhere import ELSEWHERE
from bot.api.openapi.operation import operation
from bot.api.openapi.types import Types


class Document:
    """The handler of `/openapi.json`, which describes some endpoints and itself."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = (*endpoints, *self.endpoints())
        self._written: bytes | None = None

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        return [Endpoint("GET", "/openapi.json", self.read, Who.PUBLIC, {200: dict[str, Any]}, name="openapi")]

    async def read(self, _request: web.Request) -> web.Response:
        """`GET /openapi.json`: this document."""
        if self._written is None:  # made when it is first asked for, so that no start waits for it
            self._written = await asyncio.to_thread(_written, self._endpoints)
        return web.Response(body=self._written, content_type="application/json")


def _written(endpoints: Sequence[Endpoint]) -> bytes:
    document = described(endpoints)
    document["paths"] |= ELSEWHERE
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def described(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of some endpoints. Raises ValueError where two operations have one name."""
    types = Types(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        paths.setdefault(one.address, {})[one.method.lower()] = operation(one, endpoints, types)
    _check_names(paths)
    return {
        "openapi": "3.1.0", "servers": [{"url": "/"}],
        "info": {"title": "Countersign", "version": _version(), "description": words.ABOUT},
        "security": [],
        "paths": paths,
        "components": {
            "schemas": types.components, "responses": _responses(types),
            "securitySchemes": words.SCHEMES,
        },
    }  # fmt: skip


def _responses(types: Types) -> dict[str, Any]:
    made = (words.refusals(words.prefix(kind), types.problem(kind)) for kind in types.problems)
    return {name: response for responses in made for name, response in responses.items()}


def _check_names(paths: dict[str, dict[str, Any]]) -> None:
    names = [one["operationId"] for methods in paths.values() for one in methods.values()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two operations are called {', '.join(twice)}; give one of them a name")


def _version() -> str:
    try:
        return version("countersign")
    except PackageNotFoundError:  # run from a checkout that nobody installed
        return "0"
