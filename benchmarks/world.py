"""The other side, in a process of its own: the tools' service, a Slack workspace with people in it, and an echo.

`python -m benchmarks.world THREADS` prints one JSON line with its addresses and serves until its standard input
closes. All moments it compares are read from one clock in one process.
"""

import asyncio
import json
import sys
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from aiohttp import web

from benchmarks.policy import APPROVER
from bot.workspace import Channel, Message, WorkspaceServer, demo_workspace
from bot.workspace.cast import ALICE, BOT, CAROL

SIGNING_SECRET = "benchmark-signing-secret"
BOT_TOKEN = "xoxb-benchmark"
_PATIENCE = 10.0  # seconds


@dataclass
class Arrival:
    """Set once the service was called for a marker; `at` is the moment, by perf_counter in seconds."""

    event: asyncio.Event
    at: float = 0.0


class World:
    """Everything outside the server. `threads` are conversations agents may discuss their work in."""

    def __init__(self) -> None:
        self.slack = WorkspaceServer(demo_workspace(BOT_TOKEN, SIGNING_SECRET))
        self._arrivals: defaultdict[str, Arrival] = defaultdict(lambda: Arrival(asyncio.Event()))
        self._effects = 0
        self._runner: web.AppRunner | None = None

    async def start(self, threads: int) -> dict[str, Any]:
        """Serve; returns the addresses and the threads as [channel, thread_ts]."""
        await self.slack.start()
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_post("/echo", self._echo)
        app.router.add_post("/tools/{tool}", self._tool)
        app.router.add_get("/told", self._told)
        app.router.add_post("/server", self._server)
        app.router.add_post("/click", self._click)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return {"url": url, "slack_api_url": self.slack.api_url, "threads": [self._thread(n) for n in range(threads)]}

    async def stop(self) -> None:
        """Stop serving."""
        await self.slack.stop()
        if self._runner:
            await self._runner.cleanup()

    def _thread(self, number: int) -> tuple[str, str]:
        channel = Channel(f"C0BENCH{number:03d}", f"bench-{number}", [ALICE, APPROVER, CAROL, BOT])
        self.slack.workspace.add_channel(channel)
        opening = Message(channel.id, self.slack.workspace.tick(), ALICE, "Please deploy.")
        self.slack.workspace.put(opening)
        return channel.id, opening.ts

    async def _echo(self, request: web.Request) -> web.Response:
        return web.Response(body=await request.read(), content_type="application/json")

    async def _tool(self, request: web.Request) -> web.Response:
        arrived = perf_counter()
        arrival = self._arrivals[(await request.json())["arguments"]["service"]]
        if not arrival.event.is_set():
            arrival.at = arrived
            arrival.event.set()
            self._effects += 1
        return web.json_response({"done": True})

    async def _told(self, _request: web.Request) -> web.Response:
        workspace = self.slack.workspace
        return web.json_response({"effects": self._effects, "violations": workspace.violations})

    async def _server(self, request: web.Request) -> web.Response:
        self.slack.workspace.app.request_url = (await request.json())["url"] + "/slack/events"
        return web.json_response({})

    async def _click(self, request: web.Request) -> web.Response:
        """Click Approve on the card that holds `marker`; answers seconds from the click on, null = it never came."""
        asked = await request.json()
        marker, channel, workspace = asked["marker"], asked["channel"], self.slack.workspace
        found = await workspace.until(lambda: workspace.card(channel, marker), _PATIENCE)
        assert found is not None  # what `until` returns is true
        card = found.snapshot()  # the screen as the person saw it
        true_card = asyncio.create_task(self._true_card(channel, card.ts))
        clicked = perf_counter()
        answer = await self.slack.click(APPROVER, card, "Approve")
        started = await self._arrival(marker)
        shown = await true_card
        return web.json_response(
            {"status": answer.status, "ack": answer.seconds, "start": started and started - clicked,
             "card": shown and shown - clicked}
        )  # fmt: skip

    async def _arrival(self, marker: str) -> float | None:
        arrival = self._arrivals[marker]
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await arrival.event.wait()
        return arrival.at or None

    async def _true_card(self, channel: str, ts: str) -> float | None:
        workspace = self.slack.workspace

        def decided() -> bool:
            message = workspace.find(channel, ts)
            return message is not None and "*Approved*" in json.dumps(message.blocks)

        try:
            await workspace.until(decided, _PATIENCE)
        except TimeoutError:
            return None
        return perf_counter()


async def _main(threads: int) -> None:
    world = World()
    print(json.dumps(await world.start(threads)), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await world.stop()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
