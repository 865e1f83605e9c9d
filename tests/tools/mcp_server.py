"""A real MCP server with tools that do well and badly: over standard streams, or over HTTP on a free port."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError

server = MCPServer("tests")
EFFECTS = os.environ.get("EFFECTS")


def note(service: str) -> None:
    """Leave a mark, so that a test can count what really happened."""
    if EFFECTS:
        with Path(EFFECTS).open("a") as file:
            file.write(f"{service}\n")


@server.tool(name="deploy")
async def deploy(service: str, ctx: Context, token: str = "") -> dict[str, Any]:
    note(service)
    meta = dict(ctx.request_context.meta or {})
    headers = {}
    request = ctx.request_context.request
    if request is not None:
        headers = {"authorization": request.headers.get("authorization")}
    ours = {name: value for name, value in meta.items() if name.startswith("countersign/")}
    return {"deployed": service, "token": token, "meta": ours, "environment": sorted(os.environ), **headers}


@server.tool(name="say", structured_output=False)
async def say(service: str) -> str:
    return f"deployed {service}"


@server.tool(name="refuse")
async def refuse(service: str) -> str:
    raise ToolError(f"not_found: {service}")


@server.tool(name="error")
async def error(service: str) -> str:
    raise MCPError(-32050, f"no service {service}")


@server.tool(name="die")
async def die(service: str) -> str:
    note(service)
    os._exit(1)


@server.tool(name="hang")
def hang(service: str) -> str:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    note(f"{os.getpid()} {child.pid}")
    time.sleep(600)
    return ""


def main() -> None:
    if sys.argv[1:] != ["http"]:
        server.run("stdio")
        return
    import asyncio

    import uvicorn

    async def serve() -> None:
        app = server.streamable_http_app(streamable_http_path="/mcp")
        running = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
        task = asyncio.create_task(running.serve())
        while not running.started:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        print(json.dumps({"port": running.servers[0].sockets[0].getsockname()[1]}), flush=True)
        await task

    asyncio.run(serve())


if __name__ == "__main__":
    main()
