"""The gate of agents that run in threads."""

import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

import httpx

from countersign_client import proposing, settings
from countersign_client.binding import Arguments
from countersign_client.decorating import Options, decorated, decorated_async, is_async
from countersign_client.drivers import Threads
from countersign_client.flow import Run
from countersign_client.following import Following
from countersign_client.guarding import Guarded, cleared, guarded
from countersign_client.paging import pages
from countersign_client.shapes import ApprovalRequest, Event, Proposal, Step, id_of
from countersign_client.streams import follow

P = ParamSpec("P")
R = TypeVar("R")


class Gate:
    """Where an agent asks before it acts.

    `url` and `key` default to COUNTERSIGN_URL and COUNTERSIGN_AGENT_KEY. A call without an answer is tried again for
    `patience` seconds. May be used by many threads, and as a context manager that closes its connections.
    """

    def __init__(
        self, url: str | None = None, key: str | None = None, *, patience: float = 60.0,
        client: httpx.Client | None = None,
    ) -> None:  # fmt: skip
        self.url = settings.address(url)
        self.asker = settings.asker(self.url, settings.agent(key), patience)
        self._driver = Threads(self.url, client)

    def propose(
        self, tool: str, arguments: Mapping[str, Any], *, rationale: str | None = None, session_id: str | None = None,
        trace_id: str | None = None, on_behalf_of: str | None = None, thread: Mapping[str, str] | None = None,
        automation_id: str | None = None, run_id: str | None = None, idempotency_key: str | None = None,
        wait: float | None = None,
    ) -> Proposal:  # fmt: skip
        """Propose a call, and wait up to `wait` seconds (at most 60) for what becomes of it.

        `thread` is `{"channel", "thread_ts"}`. Raises Denied, NeedsInput, RateLimited, Unauthorized, NotFound for a
        tool that the policy does not know, Conflict for an idempotency key of another call, and Unreachable.
        """
        return self._driver.run(
            proposing.propose(
                self.asker, tool, arguments, rationale=rationale, session_id=session_id, trace_id=trace_id,
                on_behalf_of=on_behalf_of, thread=thread, automation_id=automation_id, run_id=run_id,
                idempotency_key=idempotency_key, wait=wait,
            )
        )  # fmt: skip

    def wait(self, proposal: Proposal | str, timeout: float | None = None) -> Proposal:
        """Wait until people have decided and the call has ended, or is yours to run. Raises StillPending."""
        return self._driver.run(proposing.wait_for(self.asker, proposal, timeout))

    def get(self, proposal_id: str) -> Proposal:
        """Look at a proposal."""
        return self._driver.run(proposing.get(self.asker, proposal_id))

    def withdraw(self, proposal: Proposal | str, reason: str | None = None) -> Proposal:
        """Take a proposal back. Raises Conflict where it has been decided."""
        return self._driver.run(proposing.withdraw(self.asker, id_of(proposal), reason))

    def report(
        self, proposal: Proposal | str, status: str, *, result: Any = None, error: str | None = None
    ) -> Proposal:
        """Say what became of a call that was yours to run: succeeded, failed or unknown."""
        return self._driver.run(proposing.report(self.asker, id_of(proposal), status, result=result, error=error))

    def events(self, proposal: Proposal | str) -> tuple[Step, ...]:
        """Return what happened to a proposal, in order."""
        return self._driver.run(proposing.events(self.asker, id_of(proposal)))

    def list(
        self, status: str | None = None, *, request_type: str | None = None, limit: int | None = None
    ) -> Iterator[ApprovalRequest]:
        """Yield this agent's requests, newest first; `limit` is the size of a page."""
        return pages(self._driver, self.asker, status=status, request_type=request_type, limit=limit)

    def stream(self, last_event_id: int | str | None = None) -> Iterator[Event]:
        """Yield what happens to this agent's requests, for ever; comes back by itself where it left off.

        Who wants the whole picture lists the requests at `opened` and `lagged`, and applies the other events.
        """
        return follow(self._driver, Following(self.asker, last_event_id))

    def guard(
        self, tool: str, *, arguments: Arguments | None = None, timeout: float | None = None,
        uncertain: tuple[type[BaseException], ...] = (), rationale: str | None = None, session_id: str | None = None,
        trace_id: str | None = None, on_behalf_of: str | None = None, thread: Mapping[str, str] | None = None,
        automation_id: str | None = None, run_id: str | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:  # fmt: skip
        """Decorate a function so that each call of it is proposed first.

        Its arguments are proposed under their names; `arguments`, called like the function, makes others. Once allowed
        it runs here and is reported, where the tool's connector is `agent`; otherwise the server runs the tool, and its
        result is returned instead. `timeout` bounds the waiting; what is not decided then is withdrawn, and
        StillPending raised. The rest goes to `propose`. An exception is reported as failed; Uncertain, TimeoutError and
        those in `uncertain` as unknown.
        """
        more = {
            "rationale": rationale, "session_id": session_id, "trace_id": trace_id, "on_behalf_of": on_behalf_of,
            "thread": thread, "automation_id": automation_id, "run_id": run_id,
        }  # fmt: skip
        options = Options(tool, arguments, timeout, uncertain, more)

        def decorate(function: Callable[P, R]) -> Callable[P, R]:
            if is_async(function):
                return decorated_async(function, options, self.run_guarded_async)
            return decorated(function, options, self.run_guarded)

        return decorate

    def run_guarded(self, call: Guarded, function: Callable[[Run], Any]) -> Any:
        """Propose one call and run it, where it is ours to run, by `function`."""
        return self._driver.run(guarded(self.asker, call), function)

    def clear(self, call: Guarded, within: float = math.inf) -> Proposal:
        """Propose one call and wait; return the proposal once it is yours to run, or the server has run it.

        For callers that cannot hand over a function. Ends after `within` seconds, whatever hangs. Raises Unsuccessful,
        StillPending, and what `propose` raises.
        """
        return self._driver.run(cleared(self.asker.within(within), call))

    async def run_guarded_async(self, call: Guarded, function: Callable[[Run], Awaitable[Any]]) -> Any:
        """The same to await, for functions that are to be awaited."""
        from countersign_client.async_gate import AsyncGate

        async with AsyncGate(self.url, patience=self.asker.patience, identity=self.asker.identity) as gate:
            return await gate.run_guarded(call, function)

    def close(self) -> None:
        """Close the connections."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
