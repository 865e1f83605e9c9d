"""Whether this process lives, and whether it can do its work."""

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from bot.api.errors import answer
from bot.office import Office
from storage.database import ping


class Health:
    """Handlers of `/healthz` and `/readyz`."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def live(self, _request: web.Request) -> web.Response:
        """`GET /healthz`: the process answers."""
        return answer({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """`GET /readyz`: the database answers. Slack being away is told, but the API decides without it."""
        trouble = self._office.identity.trouble
        state = {"slack": trouble or "ok", "policy": self._office.policy.current.hash[:12]}
        try:
            async with self._office.database.read(self._office.tenant) as tx:
                await ping(tx)
        except (SQLAlchemyError, OSError) as error:
            return answer({"status": "not ready", "database": type(error).__name__, **state}, 503)
        return answer({"status": "ready", "database": "ok", **state})
