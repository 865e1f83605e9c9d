"""Which execution may start next: what people approved first, and no more of a tool than its limits allow."""

from governance.limits import is_limited, may_start
from governance.policy import Policy, Tool
from storage import executions
from storage.database import Tx
from storage.tables import Execution


async def next_startable(tx: Tx, policy: Policy, *, unasked: bool) -> Execution | None:
    """Return the execution that may start now, and make its tenant this transaction's; None where there is none.

    Calls of a tool that is at its limit are passed over and keep their place. Calls that people approved come first,
    so that nobody who answered waits behind calls that nobody was asked about.
    """
    passed_over: set[tuple[str, str]] = set()
    for queue in (False, True) if unasked else (False,):
        while (execution := await executions.next_due(tx, unasked=queue, passing_over=passed_over)) is not None:
            tx.tenant = execution.tenant
            tool = policy.tools.get(execution.tool)
            if tool is None or not is_limited(tool) or await _fits(tx, tool, execution):
                return execution
            passed_over.add((execution.tenant, execution.tool))
    return None


async def _fits(tx: Tx, tool: Tool, execution: Execution) -> bool:
    """Whether this call may start; if so, no other replica starts one of its tool before this transaction ends."""
    if not await executions.hold_tool(tx, tool.name):
        return False  # another replica is just deciding about this tool; the next tick looks again
    load = await executions.load_of(tx, tool.name, tx.now - tool.rate.per if tool.rate else None)
    return may_start(tool, load, has_started=execution.started_at is not None)
