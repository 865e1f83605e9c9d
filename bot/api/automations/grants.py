"""`/grants` and `/automations/{id}/grants`: rights given to agents, listed, given and taken back by admins."""

from datetime import timedelta

from aiohttp import web
from typing_extensions import TypedDict

from bot.api import bodies
from bot.api.automations import bodies as automation_bodies
from bot.api.automations.door import acting, looking
from bot.api.automations.run_wire import GrantJson, grant_json
from bot.api.cursors import next_after
from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer
from bot.api.principals import Callers
from bot.api.queries import CURSOR, LIMIT, PAGING, name, switch
from bot.api.shapes import Page
from bot.office import Office
from bot.office.automations import carry_out, visible
from operations import grants as operation
from operations.grants import unknown_grant
from storage import grants
from storage.tables import Grant

AGENT = name("agent", "Only rights of this agent.")
LIVE = switch("live", "0 shows revoked and expired ones, too.", default=True)
OF_ANY_AGE = switch("live", "1 leaves out revoked and expired ones.", default=False)


class GrantTold(TypedDict):
    """One right given to an agent."""

    grant: GrantJson


class Grants:
    """Handlers of `/grants` and `/automations/{id}/grants`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        page, told, here = {200: Page[GrantJson]}, {200: GrantTold}, "/automations/{id}/grants"
        leads = (("grant/id", "/grants/{gid}"),)
        return [
            Endpoint("GET", here, self.of_automation, Who.EITHER, page, query=(OF_ANY_AGE, *PAGING)),
            Endpoint("POST", here, self.create, Who.OPERATOR, {201: GrantTold}, automation_bodies.GrantBody,
                     refuses=(409, 503), leads=leads),
            Endpoint("DELETE", f"{here}/{{gid}}", self.revoke, Who.OPERATOR, told, bodies.WithdrawBody,
                     refuses=(409, 503), name="grants_revoke_of_automation"),
            Endpoint("GET", "/grants", self.index, Who.EITHER, page, query=(AGENT, LIVE, *PAGING)),
            Endpoint("DELETE", "/grants/{gid}", self.revoke, Who.OPERATOR, told, bodies.WithdrawBody,
                     refuses=(409, 503)),
        ]  # fmt: skip

    async def index(self, request: web.Request) -> web.Response:
        """`GET /grants`: rights given to agents, newest first; agents see their own."""
        caller = await looking(self._callers, request)
        asked, live = AGENT.read(request), LIVE.read(request)
        return await self._page(request, agent_id=asked if caller.is_human else caller.actor.id, live_only=live)

    async def of_automation(self, request: web.Request) -> web.Response:
        """`GET /automations/{id}/grants`: who else may change it, revoked and expired included."""
        caller, live = await looking(self._callers, request), OF_ANY_AGE.read(request)
        async with self._office.database.read(self._office.tenant) as tx:
            row = await visible(tx, caller, request.match_info["id"])
        return await self._page(request, automation_id=row.id, live_only=live)

    async def _page(
        self, request: web.Request, *, agent_id: str | None = None, automation_id: str | None = None, live_only: bool
    ) -> web.Response:
        limit = LIMIT.read(request)
        async with self._office.database.read(self._office.tenant) as tx:
            page = await grants.page(
                tx, agent_id=agent_id, automation_id=automation_id, live_only=live_only, before=CURSOR.read(request),
                limit=limit + 1,
            )  # fmt: skip
            found = [grant_json(one, tx.now) for one in page[:limit]]
        more = next_after(page, limit)
        shown: Page[GrantJson] = {"items": found, "next_cursor": more}
        return answer(shown)

    async def create(self, request: web.Request) -> web.Response:
        """`POST /automations/{id}/grants`: let an agent change it for some hours, signed by an admin."""
        caller, id = await acting(self._callers, request), request.match_info["id"]
        body, _ = await bodies.read_body(request, automation_bodies.GrantBody)
        lasts = timedelta(hours=body.hours)
        grant = await carry_out(
            self._office, caller,
            lambda tx, policy, by: operation.give(tx, policy, by, id, body.granted_to_agent_id, body.reason, lasts),
        )  # fmt: skip
        return self._told(grant, 201)

    async def revoke(self, request: web.Request) -> web.Response:
        """`DELETE /grants/{gid}`: take a right back, signed by an admin; also under its automation."""
        caller, id, of = await acting(self._callers, request), request.match_info["gid"], request.match_info.get("id")
        body, _ = await bodies.read_body(request, bodies.WithdrawBody)
        if of is not None and caller.is_human:
            async with self._office.database.read(self._office.tenant) as tx:
                await visible(tx, caller, of)
                found = await tx.get(Grant, id)
            if found is None or found.automation_id != of:
                raise unknown_grant()
        grant = await carry_out(
            self._office, caller, lambda tx, policy, by: operation.revoke(tx, policy, by, id, body.reason)
        )
        return self._told(grant)

    def _told(self, grant: Grant, status: int = 200) -> web.Response:
        told: GrantTold = {"grant": grant_json(grant, self._office.database.clock())}
        return answer(told, status)
