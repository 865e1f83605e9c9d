"""`/whoami`: whom a key stands for."""

from typing import Literal

from aiohttp import web
from typing_extensions import TypedDict

from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer
from bot.api.principals import Callers, Operator
from governance.roles import Role


class AgentCaller(TypedDict):
    """An agent."""

    kind: Literal["agent"]
    id: str
    name: str
    scopes: list[str]


class OperatorCaller(TypedDict):
    """A person, with the role they have through this key."""

    kind: Literal["operator"]
    id: str
    role: Role
    key_id: str


class WhoAmI:
    """The handler of `/whoami`."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        return [Endpoint("GET", "/whoami", self.read, Who.EITHER, {200: AgentCaller | OperatorCaller}, name="whoami")]

    async def read(self, request: web.Request) -> web.Response:
        """`GET /whoami`: whom this key stands for."""
        caller = await self._callers.either(request)
        told: AgentCaller | OperatorCaller
        if isinstance(caller, Operator):
            told = {"kind": "operator", "id": caller.person, "role": caller.role, "key_id": caller.key_id}
        else:
            told = {"kind": "agent", "id": caller.id, "name": caller.name, "scopes": sorted(caller.scopes)}
        return answer(told)
