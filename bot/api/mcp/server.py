"""The MCP server as such: tools that answer refusals with a code, one sentence and details."""

import logging
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.types import CallToolResult, InputRequiredResult, TextContent
from pydantic import ValidationError

from bot.api.bodies import unprocessable
from governance.errors import Refusal

Called = Context[Any, Any]


class ToolServer(MCPServer[Any]):
    """An MCPServer whose tools raise Refusals, as everything of ours does."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Called | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool. A refusal, and arguments that do not fit, are results that a model can act on."""
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, ValidationError) and not isinstance(error, UnexpectedToolError):
                cause = unprocessable(cause)
            if not isinstance(cause, Refusal):
                raise
            return refused(cause)


def refused(refusal: Refusal) -> CallToolResult:
    """Return a refusal as the HTTP API words it, and for readers of text as `CODE: sentence`."""
    body = {"code": refusal.name, "error": refusal.sentence, "details": refusal.details}
    text = TextContent(type="text", text=f"{refusal.name}: {refusal.sentence}")
    return CallToolResult(content=[text], structured_content=body, is_error=True)


def new_server(instructions: str) -> ToolServer:
    """Return a server without tools; what the library says about each request is left out of the log."""
    logging.getLogger("mcp").setLevel(logging.WARNING)
    return ToolServer("countersign", title="Countersign", version=_version(), instructions=instructions)


def _version() -> str:
    try:
        return version("countersign")
    except PackageNotFoundError:  # run from its sources
        return ""
