"""Values of the query string: each is declared once, and read and described by the same declaration."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar

from aiohttp import web
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic.json_schema import WithJsonSchema

from bot.api.cursors import Row, place_of, row_of
from governance.errors import Unprocessable

T = TypeVar("T")

MAX_WAIT = 60.0
_KNOWN = web.RequestKey("known", frozenset[str])  #: the names that the address knows that is called


@dataclass(frozen=True)
class Query(Generic[T]):
    """One value of the query string: `kind` is what pydantic reads it as, `expected` completes "send …"."""

    name: str
    kind: Any
    about: str
    expected: str = "another value"
    default: T = None  # type: ignore[assignment]  # who gives no default says so in T

    def read(self, request: web.Request) -> T:
        """Return the value, or the default where it is absent. Raises Unprocessable, also where it stands twice."""
        found = request.query.getall(self.name, [])
        if not found:
            return self.default
        if len(found) > 1:
            raise invalid(self.name, "it once")
        return self.parse(found[0])

    def parse(self, text: str | None) -> T:
        """Return the value that a text stands for, the default for none. Raises Unprocessable."""
        if text is None:
            return self.default
        try:
            return self.adapter.validate_python(text)
        except (ValidationError, OverflowError):
            raise invalid(self.name, self._wanted) from None

    @cached_property
    def adapter(self) -> TypeAdapter[T]:
        """What reads the value, and knows its JSON schema."""
        return TypeAdapter(self.kind)

    @property
    def _wanted(self) -> str:
        is_enum = isinstance(self.kind, type) and issubclass(self.kind, StrEnum)
        return f"one of {', '.join(self.kind)}" if is_enum else self.expected


def invalid(name: str, expected: str) -> Unprocessable:
    """Return the refusal of a query value."""
    return Unprocessable(f"{name}: send {expected}.", code="INVALID_QUERY")


def declare(request: web.Request, known: frozenset[str]) -> None:
    """Note which values the address knows that is called, so that others are refused."""
    request[_KNOWN] = known


def refuse_unknown(request: web.Request) -> None:
    """Raise Unprocessable for a value that a call which may write does not know: a mistyped `dry_run` must not."""
    known = request.get(_KNOWN)
    unknown = sorted({*request.query} - known) if known is not None else []
    if unknown:
        named = ", ".join(ascii(one[:60])[1:-1] for one in unknown[:5])
        takes = ", ".join(sorted(known or ())) or "none"
        raise Unprocessable(f"{named}: not a query value of this address; it takes {takes}.", code="INVALID_QUERY")


_SWITCHES = {"1": True, "true": True, "0": False, "false": False}


def _switched(text: str) -> bool:
    if text not in _SWITCHES:
        raise ValueError("no switch")
    return _SWITCHES[text]


def _in_utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


def switch(name: str, about: str, *, default: bool) -> Query[bool]:
    """Declare a value that is 1 or 0."""
    kind = Annotated[bool, BeforeValidator(_switched), WithJsonSchema({"type": "string", "enum": [*_SWITCHES]})]
    return Query(name, kind, about, "1 or 0", default)


def name(name: str, about: str) -> Query[str | None]:
    """Declare a name of ours, so one without spaces and in ASCII."""
    kind = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,255}$")]
    return Query(name, kind, about, "a name of 1 to 255 printable ASCII characters without spaces")


def instant(name: str, about: str) -> Query[datetime | None]:
    """Declare a moment: RFC 3339 with its zone, or seconds or milliseconds since 1970."""
    schema = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}]}
    kind = Annotated[AwareDatetime, AfterValidator(_in_utc), WithJsonSchema(schema)]
    return Query(name, kind, about, "a moment such as 2026-11-23T10:00:00Z, or seconds since 1970")


_OF_ROWS = WithJsonSchema({"type": "string", "format": "cursor"})
_OF_CHAIN = WithJsonSchema({"type": "string", "format": "chain-cursor"})
_EARLIER = "the next_cursor of an earlier answer"
_ON = "`next_cursor` of the page before."

WAIT: Query[float] = Query(
    "wait", Annotated[float, Field(ge=0, le=MAX_WAIT, allow_inf_nan=False)],
    "How many seconds to wait for the proposal to leave `pending` and `allowed`.",
    f"a number of seconds from 0 to {MAX_WAIT:.0f}", 0.0,
)  # fmt: skip
LIMIT: Query[int] = Query(
    "limit", Annotated[int, Field(ge=1, le=200)], "How many of them to answer at most; 50 where it is absent.",
    "a whole number from 1 to 200", 50,
)  # fmt: skip
CURSOR: Query[Row | None] = Query("cursor", Annotated[Any, AfterValidator(row_of), _OF_ROWS], _ON, _EARLIER)
PLACE: Query[int | None] = Query("cursor", Annotated[Any, AfterValidator(place_of), _OF_CHAIN], _ON, _EARLIER)
PAGING = (LIMIT, CURSOR)
DRY_RUN = switch("dry_run", "1 only tells what would happen; nothing is written.", default=False)
