"""The tools of agents. There is none that decides."""

import asyncio
import json
from collections.abc import Callable
from typing import Annotated, Any, cast

from mcp.types import ToolAnnotations
from pydantic import Field

from bot.api import bodies
from bot.api.mcp import shapes
from bot.api.mcp.desks import OPEN, AgentDesk, Told
from bot.api.mcp.server import Called, ToolServer
from governance.lifecycle import ProposalState

MAX_WAIT = 300.0  #: seconds; what stock clients wait for an answer

_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
_PROPOSES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True)
_TAKES_BACK = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

ProposalId = Annotated[str, Field(description="The proposal_id that propose gave you.")]
Limit = Annotated[int, Field(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[str | None, Field(description="The next_cursor of an earlier answer, for the page after it.")]
Seconds = Annotated[float, Field(ge=0, le=MAX_WAIT, description="How long to wait at most.")]
Name = Annotated[str, Field(min_length=1, max_length=200, description="The exact name of the governed tool.")]
Arguments = Annotated[dict[str, Any], Field(description="The arguments that shall run, complete and exact.")]
Rationale = Annotated[bodies.Words | None, Field(description="Why, in a few words; people read it beside the call.")]
Repeatable = Annotated[
    bodies.Token | None, Field(description="A key of your making: the same call under it is the same proposal.")
]
Person = Annotated[bodies.PersonId | None, Field(description="The Slack user id of the person you act for.")]


class AgentTools:
    """Each method is a tool; its docstring is what models read."""

    def __init__(self, desk_of: Callable[[Called], AgentDesk]) -> None:
        self._desk_of = desk_of

    def add_to(self, server: ToolServer) -> None:
        """Offer the tools on a server."""
        server.add_tool(self.propose, title="Propose a call", annotations=_PROPOSES, structured_output=True)
        server.add_tool(self.get_proposal, title="Look at a proposal", annotations=_READS, structured_output=True)
        server.add_tool(self.wait_for_decision, title="Wait for a decision", annotations=_READS, structured_output=True)
        server.add_tool(
            self.list_pending, title="List what waits for people", annotations=_READS, structured_output=True
        )
        server.add_tool(self.withdraw, title="Withdraw a proposal", annotations=_TAKES_BACK, structured_output=True)

    async def propose(
        self,
        ctx: Called,
        tool: Name,
        arguments: Arguments,
        rationale: Rationale = None,
        idempotency_key: Repeatable = None,
        session_id: bodies.Token | None = None,
        trace_id: bodies.Token | None = None,
        automation_id: bodies.Token | None = None,
        run_id: bodies.Token | None = None,
        on_behalf_of: Person = None,
        thread: bodies.ThreadBody | None = None,
    ) -> shapes.Proposed:
        """Propose a call of a governed tool. Answers at once: allowed, pending (people are asked), or denied with a
        code and, in `problems`, what to mend. The call runs as proposed or not at all; never do it another way."""
        given = {
            "tool": tool, "arguments": arguments, "rationale": rationale, "idempotency_key": idempotency_key,
            "session_id": session_id, "trace_id": trace_id, "automation_id": automation_id, "run_id": run_id,
            "on_behalf_of": on_behalf_of, "thread": thread.model_dump() if thread else None,
        }  # fmt: skip
        raw = json.dumps(given).encode()
        body = await bodies.parse_body(raw, bodies.ProposalBody)
        return cast(shapes.Proposed, await self._desk_of(ctx).propose(body, len(raw)))

    async def get_proposal(self, ctx: Called, proposal_id: ProposalId) -> shapes.Proposal:
        """Look at one of your proposals: its state, what people answered, what became of the call."""
        return cast(shapes.Proposal, await self._desk_of(ctx).read(proposal_id))

    async def wait_for_decision(
        self, ctx: Called, proposal_id: ProposalId, timeout_seconds: Seconds = MAX_WAIT
    ) -> shapes.Proposal:
        """Wait until a proposal is decided and, where Countersign runs it, until it has run, and report progress
        meanwhile. When the time is up it answers with the proposal as it is: if still pending, call this again."""
        desk, clock = self._desk_of(ctx), asyncio.get_running_loop().time
        began, told = clock(), await desk.read(proposal_id)

        async def tell(now: Told) -> None:
            await ctx.report_progress(clock() - began, timeout_seconds, _waited_for(now))

        if told["state"] in OPEN and timeout_seconds > 0:
            await tell(told)
            told = await desk.wait(proposal_id, timeout_seconds, tell)
        return cast(shapes.Proposal, told)

    async def list_pending(self, ctx: Called, limit: Limit = 50, cursor: Cursor = None) -> shapes.Requests:
        """List your own requests that people can still answer, newest first."""
        return cast(shapes.Requests, await self._desk_of(ctx).pending(limit, cursor))

    async def withdraw(
        self, ctx: Called, proposal_id: ProposalId, reason: bodies.Reason | None = None
    ) -> shapes.Proposal:
        """Take back a proposal that waits for people, because it is no longer needed. Again is fine."""
        body = await bodies.parse_body(json.dumps({"reason": reason}).encode(), bodies.WithdrawBody)
        return cast(shapes.Proposal, await self._desk_of(ctx).withdraw(proposal_id, body.reason))


def _waited_for(told: Told) -> str:
    approval = told["approval"]
    if told["state"] == ProposalState.PENDING and approval is not None:
        return f"waiting for people: {approval['approvals']} of {approval['quorum']} approvals"
    return "allowed; waiting until it has run"
