"""Tools of LangChain, and so of LangGraph's ToolNode, behind a gate."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from countersign_client.adapters.words import TOLD, told
from countersign_client.flow import Run
from countersign_client.gate import Gate
from countersign_client.guarding import Guarded


def guarded_tool(
    gate: Gate, tool: str, function: Callable[..., Any] | BaseTool, *, timeout: float | None = None, **proposed: Any
) -> StructuredTool:
    """Return a tool that proposes each call as `tool` and runs it once it is allowed.

    `function` may be a function of either kind, or a tool; name, description and schema stay as they are, and injected
    arguments (state, store, runtime) are handed on without being proposed. `proposed` goes into each proposal
    (rationale, session_id, …). What people or the policy refuse becomes an error message for the model.
    """
    inner = function if isinstance(function, BaseTool) else _as_tool(function)
    guard = _Guard(gate, tool, inner, timeout, proposed)
    return StructuredTool(
        name=inner.name, description=inner.description, args_schema=inner.args_schema, func=guard.run,
        coroutine=guard.arun, handle_tool_error=True, return_direct=inner.return_direct, metadata=inner.metadata,
        tags=inner.tags,
    )  # fmt: skip


def _as_tool(function: Callable[..., Any]) -> StructuredTool:
    is_async = asyncio.iscoroutinefunction(function)
    return StructuredTool.from_function(None if is_async else function, function if is_async else None)


class _Guard:
    """The two functions of a guarded tool."""

    def __init__(
        self, gate: Gate, tool: str, inner: BaseTool, timeout: float | None, proposed: Mapping[str, Any]
    ) -> None:
        self._gate, self._tool, self._inner, self._timeout, self._proposed = gate, tool, inner, timeout, proposed
        self._names = _names(inner)

    def run(self, **arguments: Any) -> Any:
        """Propose, wait and run, in this thread."""
        try:
            return self._gate.run_guarded(self._call(arguments), lambda run: self._run(arguments, run))
        except TOLD as outcome:
            raise ToolException(told(outcome)) from outcome

    async def arun(self, **arguments: Any) -> Any:
        """Propose, wait and run, in asyncio."""
        try:
            return await self._gate.run_guarded_async(self._call(arguments), lambda run: self._arun(arguments, run))
        except TOLD as outcome:
            raise ToolException(told(outcome)) from outcome

    def _call(self, arguments: dict[str, Any]) -> Guarded:
        shown = {name: value for name, value in arguments.items() if name in self._names}
        return Guarded(self._tool, to_jsonable_python(shown), timeout=self._timeout, more=self._proposed)

    def _run(self, arguments: dict[str, Any], run: Run) -> Any:
        inner, given = self._inner, self._approved(arguments, run)
        if isinstance(inner, StructuredTool) and inner.func is not None:
            return inner.func(**given)
        if isinstance(inner, StructuredTool) and inner.coroutine is not None:
            raise NotImplementedError(f"{inner.name} is async; use ainvoke")
        return inner.invoke(given)

    async def _arun(self, arguments: dict[str, Any], run: Run) -> Any:
        inner, given = self._inner, self._approved(arguments, run)
        if isinstance(inner, StructuredTool) and inner.coroutine is not None:
            return await inner.coroutine(**given)
        if isinstance(inner, StructuredTool) and inner.func is not None:
            return await asyncio.to_thread(inner.func, **given)
        return await inner.ainvoke(given)

    def _approved(self, arguments: dict[str, Any], run: Run) -> dict[str, Any]:
        """Return what to run with: as called, or with what a person put in place of the arguments that were shown."""
        if run.arguments is None:
            return arguments
        kept = {name: value for name, value in arguments.items() if name not in self._names}
        edited, schema = {**kept, **run.arguments}, self._inner.args_schema
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            checked = schema.model_validate(edited)
            return {name: getattr(checked, name) for name in type(checked).model_fields}
        return edited


def _names(tool: BaseTool) -> frozenset[str]:
    """Return the arguments that a model fills in."""
    schema = tool.tool_call_schema
    if isinstance(schema, dict):
        return frozenset(schema.get("properties", ()))
    if not issubclass(schema, BaseModel):
        raise TypeError(f"{tool.name}: describe its arguments by a model of pydantic 2, or by JSON Schema")
    return frozenset(schema.model_fields)
