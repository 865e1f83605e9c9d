"""A closed loop: so many callers, each sending its next call when its last was answered."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from time import perf_counter

from benchmarks.figures import Samples

#: Makes the call with the given number; raises when the answer is not the expected one.
Call = Callable[[int], Awaitable[None]]


async def closed_loop(call: Call, count: int, concurrency: int) -> Samples:
    """Make `count` calls in total, `concurrency` at a time."""
    samples, numbers = Samples(), iter(range(count))
    began = perf_counter()
    async with asyncio.TaskGroup() as callers:
        for _ in range(concurrency):
            callers.create_task(_caller(call, numbers, samples))
    samples.wall = perf_counter() - began
    return samples


async def _caller(call: Call, numbers: Iterator[int], samples: Samples) -> None:
    for number in numbers:
        began = perf_counter()
        await call(number)
        samples.seconds.append(perf_counter() - began)
