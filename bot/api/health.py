"""Whether this process lives, and whether it can do its work."""

from collections.abc import Callable
from typing import Any

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from bot.api.errors import answer
from bot.office import TENANT, Office
from storage.database import ping


class Health:
    """Handlers of `/healthz` and `/readyz`."""

    def __init__(self, offices: Callable[[], list[Office]]) -> None:
        self._offices = offices

    async def live(self, _request: web.Request) -> web.Response:
        """`GET /healthz`: the process answers."""
        return answer({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """`GET /readyz`: the database answers. Slack being away is told, but the API decides without it."""
        offices = self._offices()
        state = _slack(offices) | {"policy": offices[0].policy.current.hash[:12]}
        try:
            async with offices[0].database.read(offices[0].tenant) as tx:
                await ping(tx)
        except (SQLAlchemyError, OSError) as error:
            return answer({"status": "not ready", "database": type(error).__name__, **state}, 503)
        return answer({"status": "ready", "database": "ok", **state})


def _slack(offices: list[Office]) -> dict[str, Any]:
    """Tell how the workspaces are: of the one connected by token what is wrong, of the others how many are how.

    Everybody can read this page, so it does not name who else has installed the app; `countersign doctor` does.
    """
    others = [one for one in offices if one.tenant != TENANT]
    broken = [one for one in others if one.is_connected and one.identity.trouble]
    trouble = next((one.identity.trouble for one in (*offices[:1], *broken) if _is_in_trouble(one)), None)
    told: dict[str, Any] = {"slack": trouble or "ok"}
    if others:
        waiting = sum(not one.is_connected for one in others)
        told["workspaces"] = {
            "connected": len(others) - len(broken) - waiting, "in_trouble": len(broken), "not_installed": waiting,
        }  # fmt: skip
    return told


def _is_in_trouble(office: Office) -> bool:
    """A workspace that nobody has installed yet is not."""
    return bool(office.identity.trouble) and (office.tenant == TENANT or office.is_connected)
