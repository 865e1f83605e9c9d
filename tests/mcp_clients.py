"""Clients of our MCP servers, as agents have them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

#: The two eras of the protocol, and how the client is told which one to speak.
MODES = {"2025-11-25": "legacy", "2026-07-28": "auto"}
ERAS = tuple(MODES)


@asynccontextmanager
async def connected(url: str, era: str, secret: str) -> AsyncIterator[Client]:
    """A client over HTTP with an agent key."""
    headers = {"Authorization": f"Bearer {secret}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=MODES[era]) as client,
    ):
        assert client.protocol_version == era
        yield client


async def use(client: Client, tool: str, /, **arguments: Any) -> Any:
    """Call a tool; returns what it answered."""
    answer = await client.call_tool(tool, arguments)
    assert isinstance(answer, CallToolResult)
    assert not answer.is_error, answer.content
    return answer.structured_content


async def refusal(client: Client, tool: str, /, **arguments: Any) -> str:
    """Call a tool that does not do it; returns what it says."""
    answer = await client.call_tool(tool, arguments)
    assert isinstance(answer, CallToolResult)
    assert answer.is_error, answer.structured_content
    said: str = answer.content[0].text  # type: ignore[union-attr]
    return said
