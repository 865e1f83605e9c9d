"""Toolsets of Pydantic AI behind a gate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.tools import AgentDepsT
from pydantic_ai.toolsets import ToolsetTool, WrapperToolset
from pydantic_core import to_jsonable_python

from countersign_client.adapters.running import AnyGate, run_guarded
from countersign_client.adapters.words import TOLD, told
from countersign_client.flow import Run
from countersign_client.guarding import Guarded


@dataclass
class GuardedToolset(WrapperToolset[AgentDepsT]):
    """Any toolset, each call of which is proposed first and runs once it is allowed.

    `tools` says under which name of the policy a tool is proposed; what it does not name is proposed under its own
    name, and None lets a tool pass unasked. `proposed` goes into each proposal (rationale, session_id, …). What people
    or the policy refuse becomes what the model reads as the tool's answer.
    """

    gate: AnyGate = field(kw_only=True)
    tools: Mapping[str, str | None] = field(default_factory=dict, kw_only=True)
    timeout: float | None = field(default=None, kw_only=True)
    proposed: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[AgentDepsT], tool: ToolsetTool[AgentDepsT]
    ) -> Any:
        """Propose the call, wait, and run it where it is ours to run."""
        known_as = self.tools.get(name, name)
        if known_as is None:
            return await super().call_tool(name, tool_args, ctx, tool)

        async def run(asked: Run) -> Any:
            given = tool_args if asked.arguments is None else _validated(tool, asked.arguments)
            return await self.wrapped.call_tool(name, given, ctx, tool)

        call = Guarded(known_as, to_jsonable_python(tool_args), timeout=self.timeout, more=self.proposed)
        try:
            return await run_guarded(self.gate, call, run)
        except TOLD as outcome:
            return told(outcome)


def _validated(tool: ToolsetTool[Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments that a person wrote as the tool takes them."""
    found: dict[str, Any] = tool.args_validator.validate_python(dict(arguments))
    return found
