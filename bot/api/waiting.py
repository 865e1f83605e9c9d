"""Long polls: a bounded number per caller, woken by commits, and cheap while they wait."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.office import Office
from governance.lifecycle import ExecutionStatus, ProposalState
from operations.execute import AGENT
from storage import executions, proposals

MAX_WAITERS = 20

_WAITING = frozenset({ProposalState.PENDING, ProposalState.ALLOWED})
TELL = 4.0  #: seconds between two times that a caller is told that it still waits

_RECHECK = 2.0  # seconds; the wake-up of another replica does not reach this one


Tell = Callable[[], Awaitable[None]]


class Waiters:
    """Everybody who waits for a proposal in this process, counted by caller."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._counts: Counter[str] = Counter()

    async def wait(
        self, request: web.Request, caller: str, proposal_id: str, seconds: float, tell: Tell | None = None
    ) -> None:
        """Return once a proposal has left pending and allowed, after so many seconds, or when nobody listens any more.

        A caller who already waits in MAX_WAITERS places waits no more: it is answered at once with what is.
        `tell` is called about every TELL seconds meanwhile, and may raise to end the wait.
        """
        if seconds <= 0 or self._counts[caller] >= MAX_WAITERS:
            return
        self._counts[caller] += 1
        try:
            await self._wait(request, proposal_id, seconds, tell)
        finally:
            self._counts[caller] -= 1
            self._counts += Counter()  # forgets who waits nowhere

    async def _wait(self, request: web.Request, proposal_id: str, seconds: float, tell: Tell | None) -> None:
        clock = asyncio.get_running_loop().time
        deadline, told = clock() + seconds, clock()
        with self._office.database.signals.listen(proposals.topic(proposal_id)) as changed:
            while await self._is_open(proposal_id) and not self._office.database.signals.closed:
                left = deadline - clock()
                if left <= 0 or request.transport is None or request.transport.is_closing():
                    return
                if tell is not None and clock() - told >= TELL:
                    told = clock()
                    await tell()
                await _either(changed, min(left, _RECHECK))
                changed.clear()

    async def _is_open(self, proposal_id: str) -> bool:
        """Whether an agent has to wait. What it runs itself it waits for no longer than until it may."""
        async with self._office.database.read(self._office.tenant) as tx:
            state, connector = await proposals.state_of(tx, proposal_id) or (None, "")
            if connector != AGENT or state is not ProposalState.ALLOWED:
                return state in _WAITING
            execution = await executions.of_proposal(tx, proposal_id)
            return execution is not None and execution.status is ExecutionStatus.QUEUED


async def _either(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
