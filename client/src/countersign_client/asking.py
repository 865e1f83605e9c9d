"""Asking the server once, however many tries that takes."""

import math
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

from countersign_client.answers import is_worth_another_try, read, retry_after
from countersign_client.calls import Call, Identity, request_of
from countersign_client.flow import Answer, Effect, Flow, Lost, Request, Sleep, World

_FIRST, _LONGEST = 0.25, 10.0  # seconds between tries, doubled each time


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and for how long: a call without an answer is tried again for `patience` seconds, and no longer.

    Every call this package makes may be repeated: proposals carry an idempotency key that was made before their first
    try, and the same report, withdrawal or verdict again changes nothing.
    """

    identity: Identity
    world: World
    prefix: str = ""
    patience: float = 60.0
    until: float = math.inf  #: by the clock of `world`: nothing goes on beyond this moment

    def with_patience(self, seconds: float) -> "Asker":
        """Return the same asker, with another patience."""
        return replace(self, patience=seconds)

    def within(self, seconds: float) -> "Asker":
        """Return the same asker, who has ended after so many seconds, whatever hangs."""
        return replace(self, until=self.world.monotonic() + seconds)

    def ask(self, call: Call) -> Flow[Any]:
        """Return the JSON of the answer. Raises Refused or Unreachable."""
        answer = yield from self.tries(call, self.world.monotonic() + self.patience)
        return read(answer)

    def tries(self, call: Call, deadline: float) -> Generator[Effect, Any, Answer | Lost]:
        """Send a call until its answer is worth reading, or until another try would come too late."""
        tried = 0
        while True:
            answer: Answer | Lost = yield self._request(call)
            if not is_worth_another_try(answer):
                return answer
            pause = pause_before(tried, self.world.random(), retry_after(answer))
            if self.world.monotonic() + pause > min(deadline, self.until):
                return answer
            yield Sleep(pause)
            tried += 1

    def _request(self, call: Call) -> Request:
        request = request_of(call, self.prefix, self.identity, self.world)
        left = max(self.until - self.world.monotonic(), 0.1)
        return replace(request, timeout=min(request.timeout, left))


def pause_before(tried: int, random: float, asked: float | None = None) -> float:
    """Return how long to wait after so many tries in vain: doubled, spread, and no less than the server asked for."""
    doubled: float = min(_FIRST * 2 ** min(tried, 16), _LONGEST)
    return (asked or 0.0) + doubled * (0.5 + random / 2)
