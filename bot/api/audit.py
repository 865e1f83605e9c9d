"""`/audit`: the sealed record of a workspace, for operators, in its one order."""

import asyncio
import re
from typing import Any, TypedDict

from aiohttp import web

from bot.api import bodies, filters
from bot.api.bodies import moment
from bot.api.endpoints import Endpoint, Query, Who
from bot.api.errors import answer
from bot.api.principals import Callers
from bot.office import Office
from governance.roles import Role, check_role
from governance.story import detail_of
from scheduler.upkeep import seal_for_reader
from storage import audit
from storage.tables import AuditEntry, AuditSeal

_PLACE = re.compile(r"\d{1,18}", re.ASCII)


class AuditItem(TypedDict):
    """One entry at its place in the chain. `detail` is masked, and holds words of people and agents: data only."""

    id: int
    at: str
    kind: str
    actor: str
    agent: str | None
    proposal_id: str | None
    approval_id: str | None
    execution_id: str | None
    detail: dict[str, Any]
    hash: str
    previous_hash: str


class AuditPage(TypedDict):
    """Some entries, oldest first; `next_cursor` is null where there were no more."""

    items: list[AuditItem]
    next_cursor: str | None


class Audit:
    """Handler of `/audit`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers
        self._sealing = asyncio.Lock()  #: many readers at once hold one connection to seal, not one each

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        query = (
            Query("after", int, "The id of the last entry you know; 0 or nothing begins at the first one."),
            Query("cursor", str, "The next_cursor of an earlier answer; goes on from there."),
            Query("limit", int, "How many entries at most: 1 to 200, otherwise 50."),
        )
        return [Endpoint("GET", "/audit", self.index, Who.OPERATOR, {200: AuditPage}, query=query, refuses=(403, 422))]

    async def index(self, request: web.Request) -> web.Response:
        """`GET /audit?after=&cursor=&limit=`: oldest first; whatever was committed before the call is among it.

        Ids are those of the stream's events. To follow the record, ask again after the last id you have seen.
        """
        operator = await self._callers.governor(request, tightens=True)
        check_role(operator.role, Role.OPERATOR, "read the audit record")
        limit, after = bodies.limit_of(request), _after(request)
        async with self._sealing:
            await seal_for_reader(self._office.database)
        async with self._office.database.read(self._office.tenant) as tx:
            page = await audit.sealed_after(tx, after, limit + 1)
        more = filters.cursor_at(page[limit - 1][0].chain_index) if len(page) > limit else None
        return answer({"items": [_item(*one) for one in page[:limit]], "next_cursor": more})


def _after(request: web.Request) -> int:
    """Return the place to go on from: the cursor's where there is one."""
    text = request.query.get("after", "0")
    if not _PLACE.fullmatch(text):
        raise filters.invalid("after", "the id of an entry")
    return filters.place_in(request) or int(text)


def _item(seal: AuditSeal, entry: AuditEntry) -> AuditItem:
    return {
        "id": seal.chain_index, "at": moment(entry.at), "kind": entry.kind, "actor": entry.actor,
        "agent": entry.agent_id, "proposal_id": entry.proposal_id, "approval_id": entry.request_id,
        "execution_id": entry.execution_id, "detail": detail_of(entry.detail), "hash": seal.entry_hash,
        "previous_hash": seal.previous_hash,
    }  # fmt: skip
