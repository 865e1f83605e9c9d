"""The gate of agents that run in asyncio."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

import httpx

from countersign_client import proposing, settings
from countersign_client.binding import Arguments
from countersign_client.calls import Identity
from countersign_client.decorating import Options, decorated_async, is_async
from countersign_client.drivers import Tasks
from countersign_client.flow import Run
from countersign_client.following import Following
from countersign_client.guarding import Guarded, guarded
from countersign_client.paging import pages_async
from countersign_client.shapes import ApprovalRequest, Event, Proposal, Step, id_of
from countersign_client.streams import follow_async

P = ParamSpec("P")
R = TypeVar("R")


class AsyncGate:
    """The same as Gate, to await. It belongs to the event loop it is used in."""

    def __init__(
        self, url: str | None = None, key: str | None = None, *, patience: float = 60.0,
        client: httpx.AsyncClient | None = None, identity: Identity | None = None,
    ) -> None:  # fmt: skip
        self.url = settings.address(url)
        self.asker = settings.asker(self.url, identity or settings.agent(key), patience)
        self._driver = Tasks(self.url, client)

    async def propose(
        self, tool: str, arguments: Mapping[str, Any], *, rationale: str | None = None, session_id: str | None = None,
        trace_id: str | None = None, on_behalf_of: str | None = None, thread: Mapping[str, str] | None = None,
        automation_id: str | None = None, run_id: str | None = None, idempotency_key: str | None = None,
        wait: float | None = None,
    ) -> Proposal:  # fmt: skip
        """As Gate.propose."""
        return await self._driver.run(
            proposing.propose(
                self.asker, tool, arguments, rationale=rationale, session_id=session_id, trace_id=trace_id,
                on_behalf_of=on_behalf_of, thread=thread, automation_id=automation_id, run_id=run_id,
                idempotency_key=idempotency_key, wait=wait,
            )
        )  # fmt: skip

    async def wait(self, proposal: Proposal | str, timeout: float | None = None) -> Proposal:
        """As Gate.wait."""
        return await self._driver.run(proposing.wait_for(self.asker, proposal, timeout))

    async def get(self, proposal_id: str) -> Proposal:
        """As Gate.get."""
        return await self._driver.run(proposing.get(self.asker, proposal_id))

    async def withdraw(self, proposal: Proposal | str, reason: str | None = None) -> Proposal:
        """As Gate.withdraw."""
        return await self._driver.run(proposing.withdraw(self.asker, id_of(proposal), reason))

    async def report(
        self, proposal: Proposal | str, status: str, *, result: Any = None, error: str | None = None
    ) -> Proposal:
        """As Gate.report."""
        return await self._driver.run(proposing.report(self.asker, id_of(proposal), status, result=result, error=error))

    async def events(self, proposal: Proposal | str) -> tuple[Step, ...]:
        """As Gate.events."""
        return await self._driver.run(proposing.events(self.asker, id_of(proposal)))

    def list(
        self, status: str | None = None, *, request_type: str | None = None, limit: int | None = None
    ) -> AsyncIterator[ApprovalRequest]:
        """As Gate.list."""
        return pages_async(self._driver, self.asker, status=status, request_type=request_type, limit=limit)

    def stream(self, last_event_id: int | str | None = None) -> AsyncIterator[Event]:
        """As Gate.stream. Who stops before the end uses `contextlib.aclosing`, so that the connection is closed."""
        return follow_async(self._driver, Following(self.asker, last_event_id))

    def guard(
        self, tool: str, *, arguments: Arguments | None = None, timeout: float | None = None,
        uncertain: tuple[type[BaseException], ...] = (), rationale: str | None = None, session_id: str | None = None,
        trace_id: str | None = None, on_behalf_of: str | None = None, thread: Mapping[str, str] | None = None,
        automation_id: str | None = None, run_id: str | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:  # fmt: skip
        """As Gate.guard, for coroutine functions."""
        more = {
            "rationale": rationale, "session_id": session_id, "trace_id": trace_id, "on_behalf_of": on_behalf_of,
            "thread": thread, "automation_id": automation_id, "run_id": run_id,
        }  # fmt: skip
        options = Options(tool, arguments, timeout, uncertain, more)

        def decorate(function: Callable[P, R]) -> Callable[P, R]:
            if not is_async(function):
                raise TypeError("an AsyncGate guards `async def` functions; for others use Gate")
            return decorated_async(function, options, self.run_guarded)

        return decorate

    async def run_guarded(self, call: Guarded, function: Callable[[Run], Awaitable[Any]]) -> Any:
        """Propose one call and run it, where it is ours to run, by `function`."""
        return await self._driver.run(guarded(self.asker, call), function)

    async def close(self) -> None:
        """Close the connections."""
        await self._driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
