"""`/grants` and `/automations/{id}/grants`: rights given to agents, listed, given and taken back by admins."""

from datetime import timedelta

from aiohttp import web

from bot.api import automation_bodies, bodies
from bot.api.automation_wire import grant_json
from bot.api.automations import acting, looking
from bot.api.cursors import cursor_after, cursor_of
from bot.api.errors import answer
from bot.api.filters import name_in
from bot.api.principals import Callers
from bot.office import Office
from bot.office.automations import carry_out, visible
from operations import grants as operation
from operations.grants import unknown_grant
from storage import grants
from storage.tables import Grant


class Grants:
    """Handlers of `/grants` and `/automations/{id}/grants`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    async def index(self, request: web.Request) -> web.Response:
        """`GET /grants?agent=&live=&limit=&cursor=`: newest first; agents see their own."""
        caller = await looking(self._callers, request)
        agent_id = name_in(request, "agent") if caller.is_human else caller.actor.id
        live = bodies.flag_of(request, "live", default=True)
        return await self._page(request, agent_id=agent_id, live_only=live)

    async def of_automation(self, request: web.Request) -> web.Response:
        """`GET /automations/{id}/grants?live=&limit=&cursor=`: who else may change it, revoked and expired included."""
        caller, live = await looking(self._callers, request), bodies.flag_of(request, "live", default=False)
        async with self._office.database.read(self._office.tenant) as tx:
            row = await visible(tx, caller, request.match_info["id"])
        return await self._page(request, automation_id=row.id, live_only=live)

    async def _page(
        self, request: web.Request, *, agent_id: str | None = None, automation_id: str | None = None, live_only: bool
    ) -> web.Response:
        limit = bodies.limit_of(request)
        async with self._office.database.read(self._office.tenant) as tx:
            page = await grants.page(
                tx, agent_id=agent_id, automation_id=automation_id, live_only=live_only, before=cursor_of(request),
                limit=limit + 1,
            )  # fmt: skip
            shown = [grant_json(one, tx.now) for one in page[:limit]]
        more = cursor_after(page[limit - 1].created_at, page[limit - 1].id) if len(page) > limit else None
        return answer({"items": shown, "next_cursor": more})

    async def create(self, request: web.Request) -> web.Response:
        """`POST /automations/{id}/grants` `{granted_to_agent_id, reason?, hours?}`, signed by an admin."""
        caller, id = await acting(self._callers, request), request.match_info["id"]
        body, _ = await bodies.read_body(request, automation_bodies.GrantBody)
        lasts = timedelta(hours=body.hours)
        grant = await carry_out(
            self._office, caller,
            lambda tx, policy, by: operation.give(tx, policy, by, id, body.granted_to_agent_id, body.reason, lasts),
        )  # fmt: skip
        return answer({"grant": grant_json(grant, self._office.database.clock())}, 201)

    async def revoke(self, request: web.Request) -> web.Response:
        """`DELETE /grants/{gid}` or `/automations/{id}/grants/{gid}` `{reason?}`, signed by an admin."""
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
        return answer({"grant": grant_json(grant, self._office.database.clock())})
