"""What callers of the protocol may send; a mistake names its field."""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Self, TypeVar

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from bot.api import bodies
from bot.api.bodies import Arguments, Words
from governance.aap import length_of
from governance.canonical import Json
from governance.errors import NotStrictJson, Unprocessable
from governance.text import cut, storable

Model = TypeVar("Model", bound=BaseModel)

MAX_WAIT = 30.0
_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_SESSION = re.compile(r"[\x21-\x7e]{1,200}")


def _is_length(text: str) -> str:
    length_of(text)
    return text


Length = Annotated[str, StringConstraints(max_length=64, pattern="^[1-9][0-9]*[smh]$"), AfterValidator(_is_length)]
Uuid = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"),
]
SigningSecret = Annotated[str, StringConstraints(pattern=r"^whsec_[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$")]
InstanceName = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(storable)]


def _without_nulls(schema: dict[str, Any], model: Any) -> None:
    """Describe fields that may be left out, but not be null, as what they are."""
    for name, field in schema.get("properties", {}).items():
        kinds = [one for one in field.get("anyOf", ()) if one != {"type": "null"}]
        if len(kinds) == 1 and name not in model.may_be_null():
            field.pop("anyOf")
            field.pop("default", None)
            field.update(kinds[0])


def _not_empty(schema: dict[str, Any], model: Any) -> None:
    _without_nulls(schema, model)
    schema["minProperties"] = 1


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_without_nulls)

    @model_validator(mode="before")
    @classmethod
    def _no_nulls(cls, value: Any) -> Any:
        """Refuse nulls where a field may be left out, but for those that mean something."""
        for name, item in value.items() if isinstance(value, dict) else ():
            if item is None and name not in cls.may_be_null():
                raise ValueError(f"{name}: leave it out instead of sending null")
        return value

    @classmethod
    def may_be_null(cls) -> frozenset[str]:
        return frozenset()


class RequestBody(_Strict):
    """`POST /v1/requests`."""

    tool: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    arguments: Arguments
    timeout: Length
    server: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    agent_reasoning: Words | None = None
    context: Arguments | None = None


class OutcomeBody(_Strict):
    """`POST /v1/requests/{id}/outcome`."""

    status: Annotated[str, StringConstraints(pattern="^(succeeded|failed)$")]
    note: Annotated[str, StringConstraints(min_length=1, max_length=4_000)] | None = None


class DeliveryBody(_Strict):
    """Where an instance is to be notified."""

    type: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    url: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
    registration_id: Uuid
    signing_secret: SigningSecret


class InstanceBody(_Strict):
    """`POST /v1/instances`."""

    instance_name: InstanceName | None = None
    delivery: DeliveryBody | None = None


class InstanceChangeBody(_Strict):
    """`PATCH /v1/instances/{id}`; a delivery of null ends the notifications."""

    model_config = ConfigDict(json_schema_extra=_not_empty)

    instance_name: InstanceName | None = None
    delivery: DeliveryBody | None = Field(default=None)

    @classmethod
    def may_be_null(cls) -> frozenset[str]:
        return frozenset({"delivery"})

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("send instance_name, delivery or both")
        return self


async def read_body(request: web.Request, kind: type[Model]) -> tuple[Model, int]:
    """Parse a body strictly; returns it with its size in bytes. Raises Malformed, NotStrictJson or Unprocessable.

    Numbers that would not come back exactly as they were sent are refused: people would approve another number.
    """
    body, size = await bodies.read_body(request, kind)
    json.loads(await request.read() or b"{}", parse_float=_exact)
    return body, size


def _exact(text: str) -> float:
    number = float(text)
    if not _is_exactly(number, text):
        raise NotStrictJson(f"The number {cut(text, 40)} has more digits than can be kept; send it as a string.")
    return number


def _is_exactly(number: float, text: str) -> bool:
    try:
        return Decimal(text) == Decimal(repr(number))
    except InvalidOperation:  # an exponent beyond what decimals hold
        return False


def key_of(request: web.Request) -> str:
    """Return the caller's `Idempotency-Key`. Raises Unprocessable where it is missing or no printable ASCII."""
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        raise Unprocessable("Send an Idempotency-Key header.", code="missing_idempotency_key")
    if not _KEY.fullmatch(key):
        raise Unprocessable("Idempotency-Key: send at most 255 printable characters.", code="invalid_idempotency_key")
    return key


def wait_of(request: web.Request) -> float:
    """Return `?wait=` in seconds, at most MAX_WAIT; 0 where it is absent."""
    text = request.query.get("wait")
    if text is None:
        return 0.0
    try:
        return min(length_of(text[:64]).total_seconds(), MAX_WAIT)
    except ValueError as error:
        raise Unprocessable(f"wait: {error}.", code="invalid_wait") from None


def session_in(context: dict[str, Json] | None) -> str | None:
    """Return the session that an adapter observed, where it names one that can be kept."""
    found = (context or {}).get("session_id")
    return found if isinstance(found, str) and _SESSION.fullmatch(found) else None
