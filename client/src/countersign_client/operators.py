"""People who decide by key instead of in Slack: every call is signed, every try anew."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from countersign_client import deciding, settings
from countersign_client.drivers import Tasks, Threads
from countersign_client.flow import Flow
from countersign_client.following import Following
from countersign_client.paging import pages, pages_async
from countersign_client.shapes import ApprovalRequest, Event
from countersign_client.streams import follow, follow_async

Remember = Literal["once", "session", "forever"]


class _Verdicts:
    """What both kinds of operator say, as flows."""

    def __init__(self, url: str | None, key_id: str | None, secret: str | None, patience: float) -> None:
        self.url = settings.address(url)
        self.asker = settings.asker(self.url, settings.operator(key_id, secret), patience)

    def _approve(
        self, id: str, digest: str | None, reason: str | None, remember: Remember | None, more: Mapping[str, Any]
    ) -> Flow[ApprovalRequest]:
        return deciding.decide(self.asker, id, "approve", digest=digest, reason=reason, remember=remember, **more)

    def _reject(
        self, id: str, reason: str, remember: Remember | None, more: Mapping[str, Any]
    ) -> Flow[ApprovalRequest]:
        return deciding.decide(self.asker, id, "reject", reason=reason, remember=remember, **more)

    def _defer(self, id: str, until: datetime | str, reason: str | None) -> Flow[ApprovalRequest]:
        return deciding.decide(self.asker, id, "defer", until=until, reason=reason)


class Operator(_Verdicts):
    """One person's operator key.

    Defaults of its address, id and secret: COUNTERSIGN_URL, COUNTERSIGN_OPERATOR_KEY_ID, COUNTERSIGN_OPERATOR_SECRET.
    """

    def __init__(
        self, url: str | None = None, key_id: str | None = None, secret: str | None = None, *, patience: float = 60.0,
        client: httpx.Client | None = None,
    ) -> None:  # fmt: skip
        super().__init__(url, key_id, secret, patience)
        self._driver = Threads(self.url, client)

    def approve(
        self, id: str, *, digest: str | None = None, reason: str | None = None, remember: Remember | None = None,
        **more: Any,
    ) -> ApprovalRequest:  # fmt: skip
        """Approve a request. `digest` is that of the arguments you have looked at; from version 2 on it is required.

        `more` are remember_pattern, remember_until, remember_uses and remember_confirmed. Raises Forbidden for who may
        not decide, Conflict where somebody was first, it expired, or the arguments changed.
        """
        return self._driver.run(self._approve(id, digest, reason, remember, more))

    def reject(self, id: str, reason: str, *, remember: Remember | None = None, **more: Any) -> ApprovalRequest:
        """Reject a request. The agent and the requester read the reason."""
        return self._driver.run(self._reject(id, reason, remember, more))

    def defer(self, id: str, until: datetime | str, reason: str | None = None) -> ApprovalRequest:
        """Put a request off until a moment with a time zone."""
        return self._driver.run(self._defer(id, until, reason))

    def approval(self, id: str) -> ApprovalRequest:
        """Look at a request."""
        return self._driver.run(deciding.look(self.asker, id))

    def approvals(
        self, status: str | None = None, *, request_type: str | None = None, limit: int | None = None
    ) -> Iterator[ApprovalRequest]:
        """Yield requests, newest first; `limit` is the size of a page."""
        return pages(self._driver, self.asker, status=status, request_type=request_type, limit=limit)

    def stream(self, last_event_id: int | str | None = None) -> Iterator[Event]:
        """Yield what happens, for ever; comes back by itself where it left off. See Gate.stream."""
        return follow(self._driver, Following(self.asker, last_event_id))

    def close(self) -> None:
        """Close the connections."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncOperator(_Verdicts):
    """The same as Operator, to await."""

    def __init__(
        self, url: str | None = None, key_id: str | None = None, secret: str | None = None, *, patience: float = 60.0,
        client: httpx.AsyncClient | None = None,
    ) -> None:  # fmt: skip
        super().__init__(url, key_id, secret, patience)
        self._driver = Tasks(self.url, client)

    async def approve(
        self, id: str, *, digest: str | None = None, reason: str | None = None, remember: Remember | None = None,
        **more: Any,
    ) -> ApprovalRequest:  # fmt: skip
        """As Operator.approve."""
        return await self._driver.run(self._approve(id, digest, reason, remember, more))

    async def reject(self, id: str, reason: str, *, remember: Remember | None = None, **more: Any) -> ApprovalRequest:
        """As Operator.reject."""
        return await self._driver.run(self._reject(id, reason, remember, more))

    async def defer(self, id: str, until: datetime | str, reason: str | None = None) -> ApprovalRequest:
        """As Operator.defer."""
        return await self._driver.run(self._defer(id, until, reason))

    async def approval(self, id: str) -> ApprovalRequest:
        """As Operator.approval."""
        return await self._driver.run(deciding.look(self.asker, id))

    def approvals(
        self, status: str | None = None, *, request_type: str | None = None, limit: int | None = None
    ) -> AsyncIterator[ApprovalRequest]:
        """As Operator.approvals."""
        return pages_async(self._driver, self.asker, status=status, request_type=request_type, limit=limit)

    def stream(self, last_event_id: int | str | None = None) -> AsyncIterator[Event]:
        """As Operator.stream. Who stops before the end uses `contextlib.aclosing`."""
        return follow_async(self._driver, Following(self.asker, last_event_id))

    async def close(self) -> None:
        """Close the connections."""
        await self._driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
