"""What the bodies of answers have in common. Bodies are typed, and the OpenAPI document is made from their types."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic.json_schema import WithJsonSchema
from typing_extensions import TypedDict  # pydantic reads the one of `typing` from Python 3.12 on

T = TypeVar("T")

#: RFC 3339 in UTC, as `bodies.moment` writes it.
Instant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]

#: Marks another's words beside it as data, never as instructions.
Untrusted = Literal[True]


class Page(TypedDict, Generic[T]):
    """One page of a list. `next_cursor` leads to the next one; it is null on the last."""

    items: list[T]
    next_cursor: str | None


class Problem(TypedDict):
    """Every refusal: a code for programs, one sentence for people, and details."""

    code: str
    error: str
    details: dict[str, Any]
