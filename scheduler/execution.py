"""Running allowed calls: claim, call under a heartbeat, settle; and taking over from workers that died."""

import asyncio
import logging
import os
import socket
from collections.abc import Mapping

from governance.attempts import Answer, Result
from governance.policy import Policy
from operations import execute
from scheduler.ports import Connector, HasPolicy
from scheduler.slots import Slots
from storage.database import Database, Tx
from storage.tables import Execution
from storage.tables.base import new_id

log = logging.getLogger(__name__)

_HEARTBEAT = 3.0
_SLOTS = 16
_KEPT = 4  # of these, for calls that people approved and wait for


class Executor:
    """Runs due executions of every tenant, a bounded number at once."""

    def __init__(self, database: Database, policy: HasPolicy, connectors: Mapping[str, Connector]) -> None:
        self._database, self._policy, self._connectors = database, policy, connectors
        self._owner = f"{socket.gethostname()[:16]}:{os.getpid()}:{new_id('w')[-12:]}"
        self._slots = Slots(_SLOTS, lambda: database.signals.announce(["executions"]))
        self._unasked = 0  # how many places are taken by calls that nobody was asked about

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._policy.current

    async def drain(self) -> None:
        """Start everything that is due and fits; what does not fit starts as slots fall free."""
        while self._slots.free:
            started = await self._database.write("", self._start_next)
            if started is None:
                return
            if isinstance(started, execute.Started):
                self._unasked += started.execution.unasked
                self._slots.run(self._run(started))

    async def _start_next(self, tx: Tx) -> execute.Started | Execution | None:
        fits = self._unasked < _SLOTS - _KEPT
        return await execute.start_next(tx, self._policy.current, self._owner, unasked=fits)

    async def recover(self) -> None:
        """Take over every execution whose worker stopped sending heartbeats."""
        while await self._database.write("", lambda tx: execute.recover_next(tx, self._policy.current)):
            pass

    async def stop(self, grace: float = 10.0) -> None:
        """Let running calls finish within `grace` seconds; whoever starts next recovers the rest."""
        await self._slots.stop(grace)

    async def _run(self, started: execute.Started) -> None:
        try:
            await self._run_one(started)
        finally:
            self._unasked -= started.execution.unasked

    async def _run_one(self, started: execute.Started) -> None:
        heartbeat = asyncio.create_task(self._beat(started))
        try:
            result = await self._call(started)
        finally:
            heartbeat.cancel()
            await asyncio.gather(heartbeat, return_exceptions=True)
        tenant, policy = started.execution.tenant, self._policy.current
        if not await self._database.write(tenant, lambda tx: execute.settle(tx, policy, started, result)):
            log.warning("%s: an answer came after the lease was lost; it was not recorded", started.execution.id)

    async def _call(self, started: execute.Started) -> Result:
        connector = started.tool.connector
        try:
            async with asyncio.timeout(connector.timeout.total_seconds() + 5):
                return await self._connectors[connector.kind](started)
        except TimeoutError:
            return Result(Answer.NO_ANSWER, error="no answer in time")
        except Exception:  # the outer loop: a connector that breaks says nothing about the other side
            log.exception("connector %s broke while running %s", connector.kind, started.execution.id)
            return Result(Answer.NO_ANSWER, error="the connector broke; the server's log says how")

    async def _beat(self, started: execute.Started) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT)
            try:
                await self._database.write(
                    started.execution.tenant, lambda tx: execute.keep_lease(tx, started.execution)
                )
            except Exception:  # the outer loop: one beat that failed must not be the last
                log.exception("a heartbeat of %s failed; the next one tries again", started.execution.id)
