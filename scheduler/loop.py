"""The loop: APScheduler only ticks; what is due stands in the database."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from scheduler import expiry, lifecycle, upkeep
from scheduler.execution import Executor
from scheduler.inbox import Inbox
from scheduler.outbox import Outbox
from scheduler.pump import Pump
from scheduler.spending import SpendClock, forget_reports
from storage.database import Database


class Loop:
    """All pumps of a process, ticked at their intervals and nudged by commits."""

    def __init__(
        self, database: Database, outbox: Outbox, executor: Executor, inbox: Inbox, spending: SpendClock,
        receivers: Collection[Outbox],
    ) -> None:  # fmt: skip
        self._database, self._outbox, self._executor, self._inbox = database, outbox, executor, inbox
        self._receivers = receivers
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._pumps: list[tuple[Pump, str | None]] = []
        self._add("outbox", outbox.drain, 1, "outbox")
        for one in receivers:
            self._add(one.lane, one.drain, 1, one.lane)
        self._add("inbox", inbox.drain, 1, "inbox")
        self._add("executions", executor.drain, 1, "executions")
        self._add("leases", executor.recover, 1)
        self._add("expiry", self._bound(lambda each: expiry.attend_due(each, executor.policies)), 1)
        self._add("lifecycle", self._bound(lambda each: lifecycle.attend_due(each, executor.policies.of)), 5)
        self._add("seals", self._bound(upkeep.seal_audit), 1, upkeep.SEAL_SOON)
        self._add("surfaces", self._bound(upkeep.reconcile_surfaces), 30)
        self._add("old rules", self._bound(upkeep.ask_about_old_rules), 60)
        self._add("digests", self._bound(upkeep.owe_digests), 60)
        self._add("nonces", self._bound(upkeep.forget_nonces), 60)
        self._add("answered events", self._bound(upkeep.forget_events), 60)
        self._add("old webhooks", self._bound(upkeep.forget_webhooks), 600)
        self._add("spend stops", spending.drain, 1, "spend")
        self._add("old reports", self._bound(forget_reports), 600)

    def start(self) -> None:
        """Start ticking; the first tick of everything comes at once, so that what waited is caught up."""
        for pump, topic in self._pumps:
            pump.start(self._database.signals, topic)
            pump.nudge()
        self._scheduler.start()

    async def stop(self) -> None:
        """Stop ticking and let running calls finish."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        await asyncio.gather(*(pump.stop() for pump, _topic in self._pumps))
        await self._inbox.stop()
        await self._executor.stop()
        await asyncio.gather(*(one.stop() for one in self._receivers))
        await self._outbox.stop()

    def _bound(self, tick: Callable[[Database], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
        async def drain() -> None:
            await tick(self._database)

        return drain

    def _add(self, name: str, drain: Callable[[], Awaitable[None]], seconds: int, topic: str | None = None) -> None:
        pump = Pump(name, drain)
        self._pumps.append((pump, topic))

        async def tick() -> None:  # a coroutine, because APScheduler runs plain functions in threads
            pump.nudge()

        self._scheduler.add_job(tick, "interval", seconds=seconds, id=name, coalesce=True, misfire_grace_time=None)
