"""`/approvals`: operators list, look and decide; agents see their own."""

from typing import Any

from aiohttp import web

from bot.api import bodies, wire
from bot.api.cursors import Row, next_after
from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer
from bot.api.principals import Callers, Operator
from bot.api.queries import CURSOR, LIMIT, PAGING, Query, switch
from bot.api.shapes import Page
from bot.api.wire import RequestJson
from bot.office import Office
from bot.office.deciding import decide
from governance.errors import NotFound, Unprocessable
from governance.lifecycle import RequestStatus
from governance.reviewers import ReviewVerdict
from governance.rules import Remember
from operations.remember import Wish
from operations.review import Answer
from storage import requests
from storage.dossier import Dossier, dossier
from storage.tables import ApprovalRequest, Door, RequestType

STATUS: Query[RequestStatus | None] = Query("status", RequestStatus, "Only requests in this status.")
TYPE: Query[RequestType | None] = Query("request_type", RequestType, "Only requests that ask about this.")
OPEN = switch("open", "1: only requests that can still be answered, pending or deferred.", default=False)
_VERDICTS = {
    "approve": ReviewVerdict.APPROVE,
    "reject": ReviewVerdict.REJECT,
    "deny": ReviewVerdict.REJECT,
    "defer": ReviewVerdict.DEFER,
}


class Approvals:
    """Handlers of `/approvals`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        told, one = {200: RequestJson}, "/approvals/{id}"
        return [
            Endpoint("GET", "/approvals", self.index, Who.EITHER, {200: Page[RequestJson]},
                     query=(STATUS, OPEN, TYPE, *PAGING), leads=(("items/0/id", one),)),
            Endpoint("GET", one, self.read, Who.EITHER, told),
            Endpoint("POST", one, self.decide, Who.OPERATOR, told, bodies.DecisionBody, refuses=(409, 503)),
        ]  # fmt: skip

    async def index(self, request: web.Request) -> web.Response:
        """`GET /approvals`: requests to people, newest first; agents see their own."""
        caller = await self._callers.either(request)
        limit, status, kind = LIMIT.read(request), STATUS.read(request), TYPE.read(request)
        agent_id = None if isinstance(caller, Operator) else caller.id
        found = await page_of(
            self._office, CURSOR.read(request), limit,
            status=status, request_type=kind, agent_id=agent_id, only_open=OPEN.read(request),
        )  # fmt: skip
        return answer(found)

    async def read(self, request: web.Request) -> web.Response:
        """`GET /approvals/{id}`: one request, with what was answered so far."""
        caller = await self._callers.either(request)
        found = await self._dossier(request.match_info["id"])
        if not isinstance(caller, Operator) and found.proposal.agent_id != caller.id:
            raise NotFound("There is no approval request under this id.")
        return answer(wire.request_json(found))

    async def decide(self, request: web.Request) -> web.Response:
        """`POST /approvals/{id}`: answer a request as the person whose key signs the call."""
        operator = await self._callers.operator(request)
        body, _ = await bodies.read_body(request, bodies.DecisionBody)
        given = Answer(
            operator.person, _VERDICTS[body.decision], Door.API, body.reason, body.until, seen_digest=body.digest,
            wish=_wish(body),
        )  # fmt: skip
        await decide(self._office, request.match_info["id"], given)
        return answer(wire.request_json(await self._dossier(request.match_info["id"])))

    async def _dossier(self, request_id: str) -> Dossier:
        async with self._office.database.read(self._office.tenant) as tx:
            row = await tx.get(ApprovalRequest, request_id)
            found = await dossier(tx, row.proposal_id) if row else None
        if found is None:
            raise NotFound("There is no approval request under this id.")
        return found


async def page_of(office: Office, before: Row | None, limit: int, **filters: Any) -> Page[RequestJson]:
    """Return a page of requests as the wire has it; `filters` are those of `storage.requests.page`."""
    async with office.database.read(office.tenant) as tx:
        page = await requests.page(tx, before=before, limit=limit + 1, **filters)
        found = [await dossier(tx, one.proposal_id) for one in page[:limit]]
    more = next_after(page, limit)
    return {"items": [wire.request_json(one) for one in found if one], "next_cursor": more}


def _wish(body: bodies.DecisionBody) -> Wish:
    pattern = body.remember_pattern.pattern if body.remember_pattern else None
    remember = Remember(body.remember)
    if remember is Remember.ONCE and (pattern or body.remember_until or body.remember_uses):
        raise Unprocessable("remember: send session or forever with what is to be remembered.")
    return Wish(remember, pattern, body.remember_until, body.remember_uses, body.remember_confirmed)
