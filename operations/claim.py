"""Which execution may start next: what people approved first, and no more of a tool than its limits allow."""

from collections.abc import Callable

from governance.limits import Room, is_limited, room_for
from governance.policy import Policy, Tool
from storage import executions
from storage.database import Tx
from storage.tables import Execution

#: The policy in force of each tenant.
PolicyOf = Callable[[str], Policy]


async def next_startable(tx: Tx, policy_of: PolicyOf, *, unasked: bool) -> Execution | None:
    """Return the execution that may start now, and make its tenant this transaction's; None where there is none.

    Calls of a tool that is at its limit are passed over and keep their place. Calls that people approved come first,
    so that nobody who answered waits behind calls that nobody was asked about.
    """
    passed_over: dict[tuple[str, str], Room] = {}
    for queue in (False, True) if unasked else (False,):
        while (execution := await executions.next_due(tx, unasked=queue, rooms=passed_over)) is not None:
            tx.tenant = execution.tenant
            room = await room_now(tx, policy_of(tx.tenant).tools.get(execution.tool))
            if room is Room.ANY or (room is Room.RETRIES and execution.started_at is not None):
                return execution
            passed_over[execution.tenant, execution.tool] = room
    return None


async def room_now(tx: Tx, tool: Tool | None) -> Room:
    """Return which calls of a tool may start; no other replica starts one before this transaction ends."""
    if tool is None or not is_limited(tool):
        return Room.ANY
    if not await executions.hold_tool(tx, tool.name):
        return Room.NONE  # another replica is just deciding about this tool; the next tick looks again
    return room_for(tool, await executions.load_of(tx, tool.name, tx.now - tool.rate.per if tool.rate else None))
