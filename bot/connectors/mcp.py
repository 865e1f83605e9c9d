"""The mcp connector: one tool of another MCP server, over HTTP or over the standard streams of a process.

The mcp package is an extra of its own and slow to import, so it is imported by the first call.
"""

import asyncio
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import aiohttp

from bot.net import new_session
from governance.attempts import Result
from operations.execute import Started
from storage.database import Clock


class McpConnector:
    """Runs calls whose tool says `kind = "mcp"`."""

    def __init__(self, environment: Mapping[str, str], clock: Clock) -> None:
        self._environment, self._clock = environment, clock
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def close(self) -> None:
        """Close every connection."""
        for session in self._sessions.values():
            await session.close()

    async def __call__(self, started: Started) -> Result:
        """Make one attempt. Never raises for what the other side or the network does."""
        calling: Any = await asyncio.to_thread(import_module, "bot.connectors.mcp_call")
        result: Result = await calling.call(started, self._environment, self._session(started), self._clock)
        return result

    def _session(self, started: Started) -> aiohttp.ClientSession:
        is_open = started.tool.connector.allow_private
        if is_open not in self._sessions:
            self._sessions[is_open] = new_session(guarded=not is_open)
        return self._sessions[is_open]
