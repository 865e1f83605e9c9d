"""`/automations/{id}/runs` and `/runs/{id}`: runs are admitted, reported on, and read."""

from aiohttp import web

from bot.api import automation_bodies, bodies
from bot.api.automation_wire import run_event_json, run_json
from bot.api.automations import acting, looking
from bot.api.cursors import cursor_after, cursor_of
from bot.api.errors import answer
from bot.api.principals import Callers
from bot.office import Office
from bot.office.automations import carry_out, visible
from governance.automations import RunStatus, StopKind
from governance.errors import NotFound
from operations import runs as operation
from operations.runs import Step, unknown_run
from storage import runs
from storage.tables import AutomationRun


class Runs:
    """Handlers of `/automations/{id}/runs` and `/runs/{id}`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    async def start(self, request: web.Request) -> web.Response:
        """`POST /automations/{id}/runs`: 201 with a queued run."""
        caller, id = await acting(self._callers, request), request.match_info["id"]
        await bodies.read_body(request, bodies.NothingBody)
        run = await carry_out(self._office, caller, lambda tx, policy, by: operation.start(tx, policy, by, id))
        return answer({"run": run_json(run)}, 201)

    async def index(self, request: web.Request) -> web.Response:
        """`GET /automations/{id}/runs?limit=&cursor=`: newest first."""
        caller, limit = await looking(self._callers, request), bodies.limit_of(request)
        async with self._office.database.read(self._office.tenant) as tx:
            row = await visible(tx, caller, request.match_info["id"])
            page = await runs.page(tx, row.id, cursor_of(request), limit + 1)
        more = cursor_after(page[limit - 1].created_at, page[limit - 1].id) if len(page) > limit else None
        return answer({"items": [run_json(one) for one in page[:limit]], "next_cursor": more})

    async def read(self, request: web.Request) -> web.Response:
        """`GET /runs/{id}`: with what happened to it, in order."""
        caller = await looking(self._callers, request)
        async with self._office.database.read(self._office.tenant) as tx:
            run = await tx.get(AutomationRun, request.match_info["id"])
            if run is None:
                raise unknown_run()
            try:
                await visible(tx, caller, run.automation_id)
            except NotFound:
                raise unknown_run() from None
            events = await runs.events(tx, run.id)
        return answer({"run": {**run_json(run), "events": [run_event_json(one) for one in events]}})

    async def change(self, request: web.Request) -> web.Response:
        """`PATCH /runs/{id}` `{status, outputs?, stop_kind?, detail?}`."""
        caller, id = await acting(self._callers, request), request.match_info["id"]
        body, _ = await bodies.read_body(request, automation_bodies.RunBody)
        stop = StopKind(body.stop_kind) if body.stop_kind else None
        step = Step(RunStatus(body.status), body.outputs, stop, body.detail)
        run = await carry_out(self._office, caller, lambda tx, policy, by: operation.change(tx, policy, by, id, step))
        return answer({"run": run_json(run)})
