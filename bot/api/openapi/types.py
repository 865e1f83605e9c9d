"""The JSON schemas of everything endpoints take and answer, made in one go so that equal types are one component."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from bot.api.endpoints import Endpoint
from bot.api.queries import Query

_REF = "#/components/schemas/{model}"
_OUT: JsonSchemaMode = "serialization"
_Asked = tuple[str, JsonSchemaMode, TypeAdapter[Any]]


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles that only repeat the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


class Types:
    """The schema of every body, answer and query value; `components` is what they refer to."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self.problems = list(dict.fromkeys(one.problem for one in endpoints))
        asked = [*((_problem(kind), _OUT, TypeAdapter[Any](kind)) for kind in self.problems), *_asked(endpoints)]
        self._schemas, found = TypeAdapter.json_schemas(asked, ref_template=_REF, schema_generator=_Untitled)
        self.components: dict[str, Any] = found.get("$defs", {})

    def problem(self, kind: Any) -> dict[str, Any]:
        """Return the schema of refusals of a kind."""
        return self._schemas[_problem(kind), _OUT]

    def body(self, endpoint: Endpoint) -> dict[str, Any]:
        """Return the schema of what an endpoint takes."""
        return self._schemas[_place(endpoint, "body"), "validation"]

    def answer(self, endpoint: Endpoint, status: int) -> dict[str, Any]:
        """Return the schema of what an endpoint answers under a status."""
        return self._schemas[_place(endpoint, str(status)), "serialization"]

    def value(self, endpoint: Endpoint, query: Query[Any]) -> dict[str, Any]:
        """Return the schema of a query value."""
        return self._schemas[_place(endpoint, f"?{query.name}"), "validation"]


def _problem(kind: Any) -> str:
    return f"problem {kind.__name__}"


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
