"""What an address of the API is, said once: the router and the OpenAPI document are both made from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from bot.api.errors import Handler
from bot.api.queries import Query, declare
from bot.api.shapes import Problem

__all__ = ["BASE", "Endpoint", "Query", "Who", "as_routes"]

BASE = "/api/v1"


class Who(StrEnum):
    """Who may call an address."""

    PUBLIC = "public"
    AGENT = "agent"
    OPERATOR = "operator"
    EITHER = "either"
    PROVISIONER = "provisioner"  #: of instances of an agent, see bot/aap


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method at one address below `base`. `answers` gives the type of the body under each status that is no
    refusal; `refuses` the statuses of refusals beyond those that follow from `who`, `path`, `body` and `query`.

    The handler's docstring says what the address is for, its name what the operation is called. `leads` says where an
    answer leads: the name of a field of it that holds an id, and the path below which that id is `{id}`. `problem` is
    the type of the body of refusals, `needs` the headers that a call has to carry besides.
    """

    method: str
    path: str
    handle: Handler
    who: Who
    answers: Mapping[int, Any]
    body: type[BaseModel] | None = None
    query: tuple[Query[Any], ...] = ()
    refuses: tuple[int, ...] = ()
    media: str = field(default="application/json", kw_only=True)
    base: str = field(default=BASE, kw_only=True)
    name: str = field(default="", kw_only=True)
    leads: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)
    problem: Any = field(default=Problem, kw_only=True)
    needs: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def address(self) -> str:
        """The whole path."""
        return self.base + self.path


def as_routes(endpoints: Iterable[Endpoint]) -> list[web.RouteDef]:
    """Return the routes that answer some endpoints, in their order."""
    return [web.RouteDef(one.method, one.address, _handler(one), _options(one.method)) for one in endpoints]


def _handler(endpoint: Endpoint) -> Handler:
    if endpoint.method == "GET":
        return endpoint.handle
    known = frozenset(one.name for one in endpoint.query)

    async def handle(request: web.Request) -> web.StreamResponse:
        declare(request, known)
        return await endpoint.handle(request)

    return handle


def _options(method: str) -> dict[str, Any]:
    return {"allow_head": False} if method == "GET" else {}
