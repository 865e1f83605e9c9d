"""`/audit`: the sealed record of a workspace, for operators, in its one order."""

import asyncio
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field
from typing_extensions import TypedDict

from bot.api.bodies import moment
from bot.api.cursors import cursor_at
from bot.api.endpoints import Endpoint, Query, Who
from bot.api.errors import answer
from bot.api.principals import Callers
from bot.api.queries import LIMIT, PLACE
from bot.api.shapes import Page
from bot.office import Office
from governance.roles import Role, check_role
from governance.story import detail_of
from scheduler.upkeep import seal_for_reader
from storage import audit
from storage.tables import AuditEntry, AuditSeal


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


AFTER: Query[int] = Query(
    "after", Annotated[int, Field(ge=0, le=10**18 - 1)],
    "The id of the last entry you know; 0 or nothing begins at the first one.", "the id of an entry", 0,
)  # fmt: skip


class Audit:
    """Handler of `/audit`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers = office, callers
        self._sealing = asyncio.Lock()  #: many readers at once hold one connection to seal, not one each

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here."""
        query = (AFTER, PLACE, LIMIT)
        return [Endpoint("GET", "/audit", self.index, Who.OPERATOR, {200: Page[AuditItem]}, query=query)]

    async def index(self, request: web.Request) -> web.Response:
        """`GET /audit?after=&cursor=&limit=`: oldest first; whatever was committed before the call is among it.

        Ids are those of the stream's events. To follow the record, ask again after the last id you have seen.
        """
        operator = await self._callers.governor(request, tightens=True)
        check_role(operator.role, Role.OPERATOR, "read the audit record")
        limit, after = LIMIT.read(request), PLACE.read(request) or AFTER.read(request)
        async with self._sealing:
            await seal_for_reader(self._office.database)
        async with self._office.database.read(self._office.tenant) as tx:
            page = await audit.sealed_after(tx, after, limit + 1)
        more = cursor_at(page[limit - 1][0].chain_index) if len(page) > limit else None
        shown: Page[AuditItem] = {"items": [_item(*one) for one in page[:limit]], "next_cursor": more}
        return answer(shown)


def _item(seal: AuditSeal, entry: AuditEntry) -> AuditItem:
    return {
        "id": seal.chain_index, "at": moment(entry.at), "kind": entry.kind, "actor": entry.actor,
        "agent": entry.agent_id, "proposal_id": entry.proposal_id, "approval_id": entry.request_id,
        "execution_id": entry.execution_id, "detail": detail_of(entry.detail), "hash": seal.entry_hash,
        "previous_hash": seal.previous_hash,
    }  # fmt: skip
