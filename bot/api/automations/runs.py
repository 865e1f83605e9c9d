"""`/automations/{id}/runs` and `/runs/{id}`: runs are admitted, reported on, and read."""

from aiohttp import web
from typing_extensions import TypedDict

from bot.api import bodies
from bot.api.automations import bodies as automation_bodies
from bot.api.automations.door import acting, looking
from bot.api.automations.run_wire import RunJson, run_event_json, run_json
from bot.api.cursors import next_after
from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer
from bot.api.principals import Callers
from bot.api.queries import CURSOR, LIMIT, PAGING
from bot.api.shapes import Page
from bot.office import Office
from bot.office.automations import carry_out, visible
from governance.automations import RunStatus, StopKind
from governance.errors import NotFound
from operations import runs as operation
from operations.runs import Step, unknown_run
from storage import runs
from storage.tables import AutomationRun


class RunTold(TypedDict):
    """One run."""

    run: RunJson


class Runs:
    """Handlers of `/automations/{id}/runs` and `/runs/{id}`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        here, one, told = "/automations/{id}/runs", "/runs/{id}", {200: RunTold}
        return [
            Endpoint("GET", here, self.index, Who.EITHER, {200: Page[RunJson]}, query=PAGING,
                     leads=(("items/0/id", one),)),
            Endpoint("POST", here, self.start, Who.EITHER, {201: RunTold}, bodies.NothingBody, refuses=(409, 503),
                     leads=(("run/id", one),)),
            Endpoint("GET", one, self.read, Who.EITHER, told),
            Endpoint("PATCH", one, self.change, Who.EITHER, told, automation_bodies.RunBody, refuses=(409, 503)),
        ]  # fmt: skip

    async def start(self, request: web.Request) -> web.Response:
        """`POST /automations/{id}/runs`: start a run; it is queued."""
        caller, id = await acting(self._callers, request), request.match_info["id"]
        await bodies.read_body(request, bodies.NothingBody)
        run = await carry_out(self._office, caller, lambda tx, policy, by: operation.start(tx, policy, by, id))
        return _told(run_json(run), 201)

    async def index(self, request: web.Request) -> web.Response:
        """`GET /automations/{id}/runs`: its runs, newest first."""
        caller, limit = await looking(self._callers, request), LIMIT.read(request)
        async with self._office.database.read(self._office.tenant) as tx:
            row = await visible(tx, caller, request.match_info["id"])
            page = await runs.page(tx, row.id, CURSOR.read(request), limit + 1)
        more = next_after(page, limit)
        shown: Page[RunJson] = {"items": [run_json(one) for one in page[:limit]], "next_cursor": more}
        return answer(shown)

    async def read(self, request: web.Request) -> web.Response:
        """`GET /runs/{id}`: one run, with what happened to it, in order."""
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
        return _told({**run_json(run), "events": [run_event_json(one) for one in events]})

    async def change(self, request: web.Request) -> web.Response:
        """`PATCH /runs/{id}`: report where a run stands."""
        caller, id = await acting(self._callers, request), request.match_info["id"]
        body, _ = await bodies.read_body(request, automation_bodies.RunBody)
        stop = StopKind(body.stop_kind) if body.stop_kind else None
        step = Step(RunStatus(body.status), body.outputs, stop, body.detail)
        run = await carry_out(self._office, caller, lambda tx, policy, by: operation.change(tx, policy, by, id, step))
        return _told(run_json(run))


def _told(run: RunJson, status: int = 200) -> web.Response:
    told: RunTold = {"run": run}
    return answer(told, status)
