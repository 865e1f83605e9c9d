"""Function tools of the OpenAI Agents SDK behind a gate."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from agents import FunctionTool, default_tool_error_function, function_tool
from agents.tool_context import ToolContext

from countersign_client.adapters.running import AnyGate, run_guarded
from countersign_client.adapters.words import TOLD, told
from countersign_client.flow import Run
from countersign_client.guarding import Guarded
from countersign_client.outcomes import CountersignError


def guarded_tool(
    gate: AnyGate, tool: str, function: Callable[..., Any], *, timeout: float | None = None,
    name_override: str | None = None, description_override: str | None = None, strict_mode: bool = True,
    **proposed: Any,
) -> FunctionTool:  # fmt: skip
    """Return a function tool that proposes each call as `tool` and runs it once it is allowed.

    `proposed` goes into each proposal (rationale, session_id, …). What people or the policy refuse, and what the
    function raises, is told to the model; trouble with the server itself is raised.
    """
    inner = function_tool(
        function, name_override=name_override, description_override=description_override, strict_mode=strict_mode,
        failure_error_function=None,
    )  # fmt: skip

    async def invoke(context: ToolContext[Any], arguments: str) -> Any:
        async def run(asked: Run) -> Any:
            given = arguments if asked.arguments is None else json.dumps(dict(asked.arguments))
            return await inner.on_invoke_tool(context, given)

        try:
            call = Guarded(tool, _object(arguments), timeout=timeout, more=proposed)
            return await run_guarded(gate, call, run)
        except TOLD as outcome:
            return told(outcome)
        except CountersignError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the tool raised, as the SDK itself does it
            return default_tool_error_function(context, error)

    return replace(inner, on_invoke_tool=invoke)


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text or "{}")
    if not isinstance(found, dict):
        raise ValueError("the arguments must be a JSON object")
    return found
