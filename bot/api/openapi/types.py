"""The JSON schemas of everything endpoints take and answer, made in one go so that equal types are one component."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from bot.api.endpoints import Endpoint
from bot.api.queries import Query
from bot.api.shapes import Problem

_REF = "#/components/schemas/{model}"
_Asked = tuple[str, JsonSchemaMode, TypeAdapter[Any]]


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles that only repeat the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


class Types:
    """The schema of every body, answer and query value; `components` is what they refer to."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        asked = [("problem", "serialization", TypeAdapter[Any](Problem)), *_asked(endpoints)]
        self._schemas, found = TypeAdapter.json_schemas(asked, ref_template=_REF, schema_generator=_Untitled)
        self.components: dict[str, Any] = found.get("$defs", {})

    @property
    def problem(self) -> dict[str, Any]:
        """The schema of every refusal."""
        return self._schemas["problem", "serialization"]

    def body(self, endpoint: Endpoint) -> dict[str, Any]:
        """Return the schema of what an endpoint takes."""
        return self._schemas[_place(endpoint, "body"), "validation"]

    def answer(self, endpoint: Endpoint, status: int) -> dict[str, Any]:
        """Return the schema of what an endpoint answers under a status."""
        return self._schemas[_place(endpoint, str(status)), "serialization"]

    def value(self, endpoint: Endpoint, query: Query[Any]) -> dict[str, Any]:
        """Return the schema of a query value."""
        return self._schemas[_place(endpoint, f"?{query.name}"), "validation"]


def _asked(endpoints: Iterable[Endpoint]) -> Iterator[_Asked]:
    for one in endpoints:
        if one.body is not None:
            yield _place(one, "body"), "validation", TypeAdapter(one.body)
        for status, kind in one.answers.items():
            yield _place(one, str(status)), "serialization", TypeAdapter(kind)
        for query in one.query:
            yield _place(one, f"?{query.name}"), "validation", query.adapter


def _place(endpoint: Endpoint, part: str) -> str:
    return f"{endpoint.method} {endpoint.address} {part}"
