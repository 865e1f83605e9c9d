"""The mcp package at work inside the server: what the first request at `/mcp` loads."""

import asyncio
from collections.abc import Awaitable, Callable

from mcp.server.transport_security import TransportSecuritySettings

from bot.api.mcp.agent_tools import AgentTools
from bot.api.mcp.bridge import AsgiApp
from bot.api.mcp.desks import AgentDesk
from bot.api.mcp.local import Visit
from bot.api.mcp.server import Called, new_server
from bot.api.mcp.texts import FOR_AGENTS

#: Under which name a visit travels in the ASGI scope.
VISIT = "countersign.visit"


async def start(
    desk_for: Callable[[Visit], AgentDesk], until: Callable[[], Awaitable[None]]
) -> tuple[AsgiApp, asyncio.Task[None]]:
    """Start serving; returns the application and the task that serves until `until` has returned.

    Sessions are not kept: a call carries everything, so any replica answers it, also after a restart. One task holds
    the library's task group, which must be left by who entered it.
    """
    server = new_server(FOR_AGENTS)
    AgentTools(lambda ctx: desk_for(_visit(ctx))).add_to(server)
    # Every call bears a key that no browser attaches by itself, so a name that was rebound gains nothing by it.
    anywhere = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    server.streamable_http_app(stateless_http=True, transport_security=anywhere)
    manager, ready = server.session_manager, asyncio.Event()

    async def serve() -> None:
        async with manager.run():
            ready.set()
            await until()

    task = asyncio.create_task(serve(), name="mcp")
    await ready.wait()
    return manager.handle_request, task


def _visit(ctx: Called) -> Visit:
    request = ctx.request_context.request
    assert request is not None  # it came over HTTP
    visit: Visit = request.scope[VISIT]
    return visit
