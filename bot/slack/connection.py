"""Whether Slack takes our token. While it does not, one call in half a minute asks again, instead of every message."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from bot.slack.trouble import Disconnected, SlackTrouble, TryLater, calling

log = logging.getLogger(__name__)

T = TypeVar("T")

PAUSE = timedelta(seconds=30)  #: between two calls that ask whether it is taken again


class HasTrouble(Protocol):
    """Where it is written down why Slack is out of reach, None where it is not; `/readyz` tells it."""

    trouble: str | None


class Connection:
    """The line to one workspace. `on_return` is awaited when Slack takes our token again."""

    def __init__(
        self, state: Callable[[], HasTrouble], on_return: Callable[[], Awaitable[None]], clock: Callable[[], datetime]
    ) -> None:
        self._state_now, self._on_return, self._clock = state, on_return, clock
        self._cut_at: datetime | None = None
        self._error = ""

    @property
    def _state(self) -> HasTrouble:
        """Where it is written down now: a workspace that is installed again begins anew."""
        return self._state_now()

    async def call(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Make one call. Raises SlackTrouble; Disconnected without asking where that was the answer a moment ago."""
        self.check()
        try:
            answer = await calling(ask())
        except Disconnected as gone:
            self._lose(gone.error)
            raise
        except TryLater:
            raise  # says nothing about the token
        except SlackTrouble:
            await self._found()
            raise
        await self._found()
        return answer

    def begin_anew(self) -> None:
        """Forget what Slack said of an earlier token."""
        self._cut_at = None

    def check(self) -> None:
        """Raise Disconnected where that was the answer a moment ago."""
        if self._cut_at is not None and abs(self._clock() - self._cut_at) < PAUSE:
            raise Disconnected(self._error)

    async def probe(self, ask: Callable[[], Awaitable[Any]]) -> None:
        """Where something is wrong, find out whether it still is; nobody else does while nothing is delivered."""
        if self._state.trouble is None:
            return
        try:
            await self.call(ask)
        except SlackTrouble as trouble:
            log.debug("Slack still answers %s", trouble.error)

    def _lose(self, error: str) -> None:
        if self._state.trouble != error:
            log.error(
                "Slack answers %s: no cards are posted until the app is installed again; what is owed is kept, and "
                "requests can be decided over the API", error,
            )  # fmt: skip
        self._cut_at, self._error, self._state.trouble = self._clock(), error, error

    async def _found(self) -> None:
        if self._state.trouble is None:
            return
        self._cut_at = self._state.trouble = None
        log.info("Slack answers again; what waited is delivered now")
        await self._on_return()
