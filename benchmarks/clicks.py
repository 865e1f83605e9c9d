"""A person clicks: how soon Slack has its 200, the service its call, and the channel a card that tells the truth."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.client import Client
from benchmarks.figures import Figure, figure, one_by_one
from benchmarks.site import Site

#: Slack takes one message a second per channel; clicks that come faster measure that queue, not the server.
_BETWEEN = 1.1
_LIMIT_CALLS = 200
_AT_ONCE = 16
_NAMES = {"ack": "click to ack", "start": "click to start", "card": "click to true card"}


async def measure_clicks(site: Site, clicks: int) -> list[Figure]:
    """Approve one request after the other in Slack; the limits are those of calls one at a time."""
    async with site.server() as client:
        await _click(site, client, -1)  # learns who the reviewer is
        limits = await site.machine.limits(_LIMIT_CALLS, 1)
        found = [await _click(site, client, number) for number in range(clicks)]
    return [figure(name, 1, one_by_one([one[key] for one in found]), limits) for key, name in _NAMES.items()]


async def measure_clicks_under_load(site: Site, clicks: int) -> list[Figure]:
    """The same while agents keep a number of gate checks under way all the time."""
    async with site.server() as client:
        await _click(site, client, -1)
        async with _gate_checks(client):
            found = [await _click(site, client, number) for number in range(clicks)]
    return [
        figure(f"{name}, {_AT_ONCE} gate checks on", 1, one_by_one([one[key] for one in found]))
        for key, name in _NAMES.items()
    ]


async def _click(site: Site, client: Client, number: int) -> dict[str, float | None]:
    channel, thread_ts = site.threads[number % len(site.threads)]
    marker = f"click-{client.url.rsplit(':', 1)[1]}-{number:05d}"
    await client.ask(marker, (channel, thread_ts))
    found = await site.click(marker, channel)
    await asyncio.sleep(_BETWEEN)
    return found


@asynccontextmanager
async def _gate_checks(client: Client) -> AsyncIterator[None]:
    """Keep gate checks going while the block lasts; one that fails ends the block."""
    numbers, enough = itertools.count(), asyncio.Event()

    async def caller() -> None:
        while not enough.is_set():
            await client.gate_check(f"load-{client.url}-{next(numbers)}")

    async with asyncio.TaskGroup() as callers:
        for _ in range(_AT_ONCE):
            callers.create_task(caller())
        try:
            yield
        finally:
            enough.set()
