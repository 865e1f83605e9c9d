import asyncio
import os

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def main() -> None:
    bearer = {"Authorization": f"Bearer {os.environ['COUNTERSIGN_AGENT_KEY']}"}
    async with httpx2.AsyncClient(headers=bearer, timeout=120) as http:
        transport = streamable_http_client(os.environ["COUNTERSIGN_URL"] + "/mcp", http_client=http)
        async with Client(transport) as countersign:
            call = {"tool": "files.delete", "arguments": {"path": "/srv/cache.db"}}
            proposed = (await countersign.call_tool("propose", call)).structured_content
            print(proposed["state"])
            asked = {"proposal_id": proposed["proposal_id"]}
            decided = (await countersign.call_tool("wait_for_decision", asked)).structured_content
            print(decided["state"])


asyncio.run(main())
