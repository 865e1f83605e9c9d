"""`/approvals`: operators list, look and decide; agents see their own."""

import base64
import binascii
import re
from datetime import UTC, datetime

from aiohttp import web

from bot.api import bodies, wire
from bot.api.errors import answer
from bot.api.filters import one_of
from bot.api.principals import Callers, Operator
from bot.deciding import decide
from bot.office import Office
from governance.errors import NotFound, Unprocessable
from governance.lifecycle import RequestStatus
from governance.reviewers import ReviewVerdict
from operations.review import Answer
from storage import requests
from storage.dossier import Dossier, dossier
from storage.tables import ApprovalRequest, Door, RequestType

_REQUEST_ID = re.compile(r"apr_\w{1,60}", re.ASCII)
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

    async def index(self, request: web.Request) -> web.Response:
        """`GET /approvals?status=&request_type=&limit=&cursor=`: newest first."""
        caller = await self._callers.either(request)
        limit = bodies.limit_of(request)
        status, kind = one_of(request, "status", RequestStatus), one_of(request, "request_type", RequestType)
        agent_id = None if isinstance(caller, Operator) else caller.id
        async with self._office.database.read(self._office.tenant) as tx:
            page = await requests.page(
                tx, status=status, request_type=kind, agent_id=agent_id, before=_cursor(request), limit=limit + 1
            )
            found = [await dossier(tx, one.proposal_id) for one in page[:limit]]
        more = _next_cursor(page[limit - 1]) if len(page) > limit else None
        return answer({"items": [wire.request_json(one) for one in found if one], "next_cursor": more})

    async def read(self, request: web.Request) -> web.Response:
        """`GET /approvals/{id}`."""
        caller = await self._callers.either(request)
        found = await self._dossier(request.match_info["id"])
        if not isinstance(caller, Operator) and found.proposal.agent_id != caller.id:
            raise NotFound("There is no approval request under this id.")
        return answer(wire.request_json(found))

    async def decide(self, request: web.Request) -> web.Response:
        """`POST /approvals/{id}`: one operator's answer, signed."""
        operator = await self._callers.operator(request)
        body, _ = await bodies.read_body(request, bodies.DecisionBody)
        if body.remember != "once":
            raise Unprocessable("remember: only `once` is in this version; remembered rules come later.")
        given = Answer(
            operator.person, _VERDICTS[body.decision], Door.API, body.reason, body.until, seen_digest=body.digest
        )
        await decide(self._office, request.match_info["id"], given)
        return answer(wire.request_json(await self._dossier(request.match_info["id"])))

    async def _dossier(self, request_id: str) -> Dossier:
        async with self._office.database.read(self._office.tenant) as tx:
            row = await tx.get(ApprovalRequest, request_id)
            found = await dossier(tx, row.proposal_id) if row else None
        if found is None:
            raise NotFound("There is no approval request under this id.")
        return found


def _next_cursor(last: ApprovalRequest) -> str:
    return base64.urlsafe_b64encode(f"{last.created_at.isoformat()}|{last.id}".encode()).decode()


def _cursor(request: web.Request) -> tuple[datetime, str] | None:
    text = request.query.get("cursor")
    if text is None:
        return None
    try:
        at, _, request_id = base64.urlsafe_b64decode(text.encode()).decode().partition("|")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is UTC and _REQUEST_ID.fullmatch(request_id):
            return moment, request_id
    except (binascii.Error, ValueError):
        pass
    raise Unprocessable("cursor: send the next_cursor of an earlier answer.", code="INVALID_QUERY")
