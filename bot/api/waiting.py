"""Long polls: a bounded number per caller, woken by commits, and no trouble to the database while they wait."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from aiohttp import web

from bot.office import Office
from governance.lifecycle import ExecutionStatus, ProposalState
from operations.execute import AGENT
from storage import executions, proposals

MAX_WAITERS = 20

_WAITING = frozenset({ProposalState.PENDING, ProposalState.ALLOWED})
TELL = 4.0  #: seconds between two times that a caller is told that it still waits

Tell = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class _Wait:
    """Somebody who waits until a moment of the loop's clock for a proposal to leave some states."""

    request: web.Request
    proposal_id: str
    until: float
    states: Collection[ProposalState]
    tell: Tell | None
    told: float = field(default_factory=lambda: _now())

    async def say(self) -> None:
        """Tell them that they still wait, where they want to be told and it is time again."""
        if self.tell is not None and _now() - self.told >= TELL:
            self.told = _now()
            await self.tell()


class Waiters:
    """Everybody who waits for a proposal in this process, counted by caller.

    `glance` and `untold` are seconds: until it is noticed that a caller has hung up, and until it is looked again
    while the wake-ups of other processes do not arrive.
    """

    def __init__(self, office: Office, *, glance: float = 2.0, untold: float = 20.0) -> None:
        self._office, self._glance, self._untold = office, glance, untold
        self._counts: Counter[str] = Counter()

    async def wait(
        self, request: web.Request, caller: str, proposal_id: str, seconds: float,
        states: Collection[ProposalState] = _WAITING, tell: Tell | None = None,
    ) -> None:  # fmt: skip
        """Return once a proposal has left `states`, after so many seconds, or when nobody listens any more.

        A caller who already waits in MAX_WAITERS places waits no more: it is answered at once with what is.
        `tell` is called about every TELL seconds meanwhile, and may raise to end the wait.
        """
        if seconds <= 0 or self._counts[caller] >= MAX_WAITERS:
            return
        self._counts[caller] += 1
        try:
            await self._wait(_Wait(request, proposal_id, _now() + seconds, states, tell))
        finally:
            self._counts[caller] -= 1
            self._counts += Counter()  # forgets who waits nowhere

    async def _wait(self, one: "_Wait") -> None:
        with self._office.database.signals.listen(proposals.topic(one.proposal_id)) as changed:
            while await self._is_open(one.proposal_id, one.states) and not self._office.database.signals.closed:
                if not await self._woken(one, changed):
                    return
                changed.clear()

    async def _woken(self, one: "_Wait", changed: asyncio.Event) -> bool:
        """Return True once the proposal is worth another look, False when time is up or nobody listens any more."""
        look_at = _now() + self._untold
        while not changed.is_set():
            left = one.until - _now()
            if left <= 0 or one.request.transport is None or one.request.transport.is_closing():
                return False
            if _now() >= look_at and not self._office.database.is_woken:
                return True
            await one.say()
            await _either(changed, min(left, self._glance))
        return True

    async def _is_open(self, proposal_id: str, states: Collection[ProposalState]) -> bool:
        """Whether an agent has to wait. What it runs itself it waits for no longer than until it may."""
        async with self._office.database.read(self._office.tenant) as tx:
            state, connector = await proposals.state_of(tx, proposal_id) or (None, "")
            if connector != AGENT or state is not ProposalState.ALLOWED or state not in states:
                return state in states
            execution = await executions.of_proposal(tx, proposal_id)
            return execution is not None and execution.status is ExecutionStatus.QUEUED


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _either(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
