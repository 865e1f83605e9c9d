"""Whether this process lives, and whether it can do its work."""

from collections.abc import Callable
from typing import Literal, NotRequired

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError
from typing_extensions import TypedDict

from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer
from bot.office import TENANT, Office
from storage.database import ping


class LifeJson(TypedDict):
    """The process answers."""

    status: Literal["ok"]


class WorkspacesJson(TypedDict):
    """How many of the workspaces that may install the app are how."""

    connected: int
    in_trouble: int
    not_installed: int


class SlackState(TypedDict):
    """`ok`, or what is wrong between us and Slack."""

    slack: str
    workspaces: NotRequired[WorkspacesJson]


class ReadinessJson(SlackState):
    """Whether this process can do its work; `database` says `ok`, or how it failed."""

    status: Literal["ready", "not ready"]
    database: str
    policy: str


class Health:
    """Handlers of `/healthz` and `/readyz`."""

    def __init__(self, offices: Callable[[], list[Office]]) -> None:
        self._offices = offices

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here, at the root."""
        ready = {200: ReadinessJson, 503: ReadinessJson}
        return [
            Endpoint("GET", "/healthz", self.live, Who.PUBLIC, {200: LifeJson}, base=""),
            Endpoint("GET", "/readyz", self.ready, Who.PUBLIC, ready, base=""),
        ]

    async def live(self, _request: web.Request) -> web.Response:
        """`GET /healthz`: the process answers."""
        told: LifeJson = {"status": "ok"}
        return answer(told)

    async def ready(self, _request: web.Request) -> web.Response:
        """`GET /readyz`: the database answers. Slack being away is told, but the API decides without it."""
        offices = self._offices()
        told: ReadinessJson = {
            "status": "ready", "database": "ok", **_slack(offices), "policy": offices[0].policy.current.hash[:12],
        }  # fmt: skip
        try:
            async with offices[0].database.read(offices[0].tenant) as tx:
                await ping(tx)
        except (SQLAlchemyError, OSError) as error:
            return answer({**told, "status": "not ready", "database": type(error).__name__}, 503)
        return answer(told)


def _slack(offices: list[Office]) -> SlackState:
    """Tell how the workspaces are: of the one connected by token what is wrong, of the others how many are how.

    Everybody can read this page, so it does not name who else has installed the app; `countersign doctor` does.
    """
    others = [one for one in offices if one.tenant != TENANT]
    broken = [one for one in others if one.is_connected and one.identity.trouble]
    trouble = next((one.identity.trouble for one in (*offices[:1], *broken) if _is_in_trouble(one)), None)
    told: SlackState = {"slack": trouble or "ok"}
    if others:
        waiting = sum(not one.is_connected for one in others)
        told["workspaces"] = {
            "connected": len(others) - len(broken) - waiting, "in_trouble": len(broken), "not_installed": waiting,
        }  # fmt: skip
    return told


def _is_in_trouble(office: Office) -> bool:
    """A workspace that nobody has installed yet is not."""
    return bool(office.identity.trouble) and (office.tenant == TENANT or office.is_connected)
