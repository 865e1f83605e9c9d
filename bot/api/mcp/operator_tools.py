"""The tools of operators, offered over standard streams only: every call is signed with the operator's key."""

import json
from datetime import datetime
from typing import Annotated, Literal, cast

from mcp.types import ToolAnnotations
from pydantic import Field

from bot.api import bodies
from bot.api.mcp import shapes
from bot.api.mcp.agent_tools import Cursor, Limit
from bot.api.mcp.desks import OperatorDesk
from bot.api.mcp.server import ToolServer
from governance.lifecycle import RequestStatus

_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
_DECIDES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True)

ApprovalId = Annotated[str, Field(description="The id of the request, `apr_…`.")]
Seen = Annotated[
    bodies.Digest | None, Field(description="The digest of the request as it was looked at; needed once it was edited.")
]
Remembered = Annotated[
    Literal["once", "session", "forever"],
    Field(description="Whether calls like this are answered without asking from now on, and how long."),
]
Until = Annotated[datetime | None, Field(description="When the rule ends, with its zone; not with once.")]
OptionalReason = Annotated[bodies.Reason | None, Field(description="Why, in the person's words.")]
NeededReason = Annotated[bodies.Why, Field(description="Why, in the person's words; the agent reads it.")]


class OperatorTools:
    """Each method is a tool; its docstring is what models read."""

    def __init__(self, desk: OperatorDesk) -> None:
        self._desk = desk

    def add_to(self, server: ToolServer) -> None:
        """Offer the tools on a server."""
        server.add_tool(self.list_approvals, title="List approval requests", annotations=_READS, structured_output=True)
        server.add_tool(
            self.get_approval, title="Look at an approval request", annotations=_READS, structured_output=True
        )
        server.add_tool(self.approve, title="Approve a request", annotations=_DECIDES, structured_output=True)
        server.add_tool(self.reject, title="Reject a request", annotations=_DECIDES, structured_output=True)

    async def list_approvals(
        self, status: RequestStatus | None = None, limit: Limit = 50, cursor: Cursor = None
    ) -> shapes.Requests:
        """List approval requests, newest first; with a status, only those."""
        return cast(shapes.Requests, await self._desk.requests(status, limit, cursor))

    async def get_approval(self, approval_id: ApprovalId) -> shapes.Request:
        """Look at one request: the call with its arguments, who is asked, what was answered."""
        return cast(shapes.Request, await self._desk.request(approval_id))

    async def approve(
        self,
        approval_id: ApprovalId,
        reason: OptionalReason = None,
        digest: Seen = None,
        remember: Remembered = "once",
        remember_until: Until = None,
    ) -> shapes.Request:
        """Approve a request as the person whose key this is. Only when that person has just said so."""
        return await self._decide("approve", approval_id, reason, digest, remember, remember_until)

    async def reject(
        self,
        approval_id: ApprovalId,
        reason: NeededReason,
        digest: Seen = None,
        remember: Remembered = "once",
        remember_until: Until = None,
    ) -> shapes.Request:
        """Reject a request as the person whose key this is. Only when that person has just said so."""
        return await self._decide("reject", approval_id, reason, digest, remember, remember_until)

    async def _decide(
        self, decision: str, approval_id: str, reason: str | None, digest: str | None, remember: str,
        until: datetime | None,
    ) -> shapes.Request:  # fmt: skip
        given = {
            "decision": decision, "reason": reason, "digest": digest, "remember": remember,
            "remember_until": until.isoformat() if until else None,
        }  # fmt: skip
        body = await bodies.parse_body(json.dumps(given).encode(), bodies.DecisionBody)
        return cast(shapes.Request, await self._desk.decide(approval_id, body))
