"""Gate check, proposal and decision over the API, each beside the machine's limits at the same concurrency."""

import asyncio
import math
from collections import defaultdict
from dataclasses import dataclass
from time import perf_counter

from benchmarks.client import Client
from benchmarks.figures import Figure, Limits, Samples, figure
from benchmarks.limits import merged
from benchmarks.load import closed_loop
from benchmarks.site import Site

_WARM_UP = 20
_SETTLES = 3.0  # seconds in which what the warm-up owes Slack is posted


@dataclass(frozen=True)
class Plan:
    """How much is measured: calls per round, and rounds, each on a fresh server; automations that ticks pass over."""

    calls: int
    rounds: int
    clicks: int
    clicks_under_load: int
    starts: int
    automations: tuple[int, ...]


async def measure_calls(site: Site, plan: Plan, concurrency: int) -> list[Figure]:
    """Measure everything at one concurrency; rounds are pooled, so that a slow minute weighs on all alike."""
    samples: defaultdict[str, Samples] = defaultdict(Samples)
    limits: list[Limits] = []
    for number in range(plan.rounds):
        async with site.server() as client:
            await _warm_up(client, f"{concurrency}-{number}")
            limits.append(await site.machine.limits(plan.calls, concurrency))
            for name, one in (await _round(site, client, plan.calls, concurrency, f"{concurrency}-{number}")).items():
                samples[name] += one
    limit = merged(limits)
    found = {"limit: HTTP echo": limit.echo, "limit: committed INSERT": limit.insert, **samples}
    return [figure(name, concurrency, one, limit) for name, one in found.items()]


async def _warm_up(client: Client, name: str) -> None:
    """Have the statements compiled and the caches filled before anything is timed."""
    for number in range(_WARM_UP):
        await client.gate_check(f"warm-{name}-{number}")
    await client.approve(await client.ask(f"warm-asked-{name}"))
    await asyncio.sleep(_SETTLES)


async def _round(site: Site, client: Client, count: int, concurrency: int, name: str) -> dict[str, Samples]:
    """Check, ask and decide `count` times each. The cards of what was asked wait for the channel's turn meanwhile."""
    approvals: list[str] = []

    async def check(number: int) -> None:
        await client.gate_check(f"gate-{name}-{number}")

    async def ask(number: int) -> None:
        approvals.append(await client.ask(f"ask-{name}-{number}"))

    async def approve(number: int) -> None:
        await client.approve(approvals[number])

    before, began = await site.effects(), perf_counter()
    checked = await closed_loop(check, count, concurrency)
    await site.carried_out(before + count)
    carried_out = Samples([math.nan] * count, perf_counter() - began)
    asked = await closed_loop(ask, count, concurrency)
    decided = await closed_loop(approve, count, concurrency)
    return {"gate check": checked, "gate check, call carried out": carried_out, "proposal": asked, "decision": decided}
