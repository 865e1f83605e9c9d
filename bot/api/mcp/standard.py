"""The MCP server over standard streams: tools for the keys it was given, done by the HTTP API."""

from dataclasses import dataclass

import aiohttp

from bot.api.mcp.agent_tools import AgentTools
from bot.api.mcp.operator_tools import OperatorTools
from bot.api.mcp.remote import Line, OperatorKey, RemoteAgent, RemoteOperator
from bot.api.mcp.server import ToolServer, new_server
from bot.api.mcp.texts import FOR_AGENTS, FOR_OPERATORS


@dataclass(frozen=True, slots=True)
class Keys:
    """What the environment gave; at least one of them."""

    agent: str | None = None
    operator: OperatorKey | None = None


def server_for(session: aiohttp.ClientSession, url: str, keys: Keys, pause: float = 4.0) -> ToolServer:
    """Return the server with the tools that its keys can use: without an agent key there are none of agents.

    Who waits is told so every `pause` seconds."""
    parts = [text for key, text in ((keys.agent, FOR_AGENTS), (keys.operator, FOR_OPERATORS)) if key]
    server = new_server("\n".join(parts))
    if keys.agent:
        agent = RemoteAgent(Line(session, url, keys.agent), pause)
        AgentTools(lambda _: agent).add_to(server)
    if keys.operator:
        OperatorTools(RemoteOperator(Line(session, url, keys.operator))).add_to(server)
    return server


async def check(session: aiohttp.ClientSession, url: str, keys: Keys) -> None:
    """Raise a Refusal where the server is out of reach or does not know a key."""
    for key in (keys.agent, keys.operator):
        if key:
            await Line(session, url, key).call("GET", "/whoami", again=False)


async def serve(url: str, keys: Keys) -> None:
    """Serve until the input ends. Raises what `check` raises, before a word of the protocol is said."""
    async with aiohttp.ClientSession(trust_env=True) as session:
        await check(session, url, keys)
        await server_for(session, url, keys).run_stdio_async()
