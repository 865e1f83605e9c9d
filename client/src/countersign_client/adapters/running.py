"""What adapters for asyncio share."""

from collections.abc import Awaitable, Callable
from typing import Any

from countersign_client.async_gate import AsyncGate
from countersign_client.flow import Run
from countersign_client.gate import Gate
from countersign_client.guarding import Guarded

#: A Gate opens its connections anew for each call; an AsyncGate keeps them.
AnyGate = Gate | AsyncGate


async def run_guarded(gate: AnyGate, call: Guarded, function: Callable[[Run], Awaitable[Any]]) -> Any:
    """Propose one call, and run it by `function` where it is ours to run."""
    if isinstance(gate, Gate):
        return await gate.run_guarded_async(call, function)
    return await gate.run_guarded(call, function)
