"""What an address of the API is, said once: the router and the OpenAPI document are both made from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from bot.api.errors import Handler

BASE = "/api/v1"


class Who(StrEnum):
    """Who may call an address."""

    PUBLIC = "public"
    AGENT = "agent"
    OPERATOR = "operator"
    EITHER = "either"
    PROVISIONER = "provisioner"  #: of instances of an agent, see bot/aap


@dataclass(frozen=True, slots=True)
class Query:
    """One value of the query string: `kind` is what pydantic reads it as."""

    name: str
    kind: Any
    about: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method at one address below its base. `answers` gives the type of the body under each status that is a
    success, `refuses` the statuses of refusals beyond those that follow from `who`, `body` and `query`.

    The handler's docstring says what the address is for.
    """

    method: str
    path: str
    handle: Handler
    who: Who
    answers: Mapping[int, Any]
    body: type[BaseModel] | None = None
    query: tuple[Query, ...] = ()
    refuses: tuple[int, ...] = ()
    media: str = field(default="application/json", kw_only=True)


def as_routes(endpoints: Iterable[Endpoint], base: str = BASE) -> list[web.RouteDef]:
    """Return the routes that answer some endpoints below `base`, in their order."""
    return [web.RouteDef(one.method, base + one.path, one.handle, _options(one.method)) for one in endpoints]


def _options(method: str) -> dict[str, Any]:
    return {"allow_head": False} if method == "GET" else {}
