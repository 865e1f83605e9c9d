"""Running calls by hand: a connector that follows a script, and executors that work when told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from governance.attempts import Answer, Result
from governance.policy import Policy
from operations.execute import Started
from scheduler.execution import Executor
from storage.database import Database
from storage.dossier import Dossier
from storage.opening import open_database
from storage.tables import Execution
from tests.conftest import ENCRYPTION_KEY, Clock
from tests.integration.verbs import Held, asked, look, say

Step = Result | Exception | Callable[[], Awaitable[Result]]

DONE = Result(Answer.SUCCEEDED, result='{"done":true}')
NO = Result(Answer.FAILED, error="HTTP 404")
SILENT = Result(Answer.NO_ANSWER, error="no answer: dropped")
REFUSED = Result(Answer.NOT_SENT, error="could not connect")


def busy(seconds: int | None = None) -> Result:
    after = None if seconds is None else timedelta(seconds=seconds)
    return Result(Answer.BUSY, error="HTTP 503", retry_after=after)


@dataclass
class Scripted:
    """A connector that gives the next answer of its script, then succeeds, and remembers what it was handed."""

    script: list[Step] = field(default_factory=list)
    calls: list[Started] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, started: Started) -> Result:
        self.calls.append(started)
        self.arrived.set()
        step = self.script.pop(0) if self.script else DONE
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Result) else await step()

    @property
    def attempts(self) -> list[int]:
        """The attempt numbers it was handed, in order."""
        return [call.execution.attempt for call in self.calls]


@dataclass
class Worker:
    """An executor that works when told, and the connector it hands calls to."""

    executor: Executor
    connector: Scripted
    policy: Held

    async def work(self) -> None:
        """Start what is due and let it end."""
        await self.executor.drain()
        await self.executor.stop()

    async def recover(self) -> None:
        await self.executor.recover()


def worker(database: Database, policy: Policy, *script: Step) -> Worker:
    held, connector = Held(policy), Scripted(list(script))
    return Worker(Executor(database, held, {"http": connector}), connector, held)


async def approved(database: Database, policy: Policy, tool: str = "deploy.production", **more: object) -> Dossier:
    """A call that Bob has approved."""
    found = await asked(database, policy, tool, **more)
    await say(database, found, "U0BOB")
    return await look(database, found)


async def execution_of(database: Database, found: Dossier) -> Execution:
    execution = (await look(database, found)).execution
    assert execution is not None
    return execution


@asynccontextmanager
async def another(url: str, clock: Clock) -> AsyncIterator[Database]:
    """The same database as another process opens it."""
    opened = await open_database(url, ENCRYPTION_KEY, clock=clock)
    try:
        yield opened
    finally:
        await opened.close()
