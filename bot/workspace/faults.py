"""Misbehaviour on command: what the next calls of a Web API method do instead of working."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

ANY_METHOD = "*"
NAMED = ("ratelimited", "500", "503", "lost", "drop")
"""The faults with a meaning of their own, next to `slow:<seconds>`; any other word is a Slack error."""


@dataclass(frozen=True)
class Fault:
    """One planned misbehaviour.

    `kind` is `ratelimited` (HTTP 429 with `retry_after` seconds), `500` or `503`, `lost` (the work is done,
    then the connection is cut), `drop` (cut before the work), `slow:<seconds>`, or a Slack error string.
    """

    kind: str
    retry_after: int = 1

    @property
    def delay(self) -> float | None:
        """Seconds a `slow:` fault waits before working normally; None for every other kind."""
        return float(self.kind.removeprefix("slow:")) if self.kind.startswith("slow:") else None


class Faults:
    """Per-method queues of faults; each call of the method consumes one. `*` applies to any method."""

    def __init__(self) -> None:
        self._queues: defaultdict[str, deque[Fault]] = defaultdict(deque)

    def add(self, method: str, kind: str, times: int = 1, retry_after: int = 1) -> None:
        """Let the next `times` calls of `method` misbehave. ValueError when a `slow:` has no number."""
        fault = Fault(kind, retry_after)
        if fault.delay is not None and fault.delay < 0:
            raise ValueError("slow:<seconds> takes a number of seconds that is not negative")
        self._queues[method].extend([fault] * times)

    def take(self, method: str) -> Fault | None:
        """The fault this call shall suffer, if any; the method's own queue comes before `*`."""
        for name in (method, ANY_METHOD):
            if self._queues[name]:
                return self._queues[name].popleft()
        return None

    def clear(self) -> None:
        """Behave again, whatever was planned."""
        self._queues.clear()

    def planned(self) -> dict[str, list[str]]:
        """What is still to come: method -> kinds in order."""
        return {method: [f.kind for f in queue] for method, queue in self._queues.items() if queue}
