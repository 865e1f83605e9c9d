"""Slack takes about one message a second per channel, in short bursts more; this keeps us below that."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

BURST = 5
PER_SECOND = 1.0


@dataclass(slots=True)
class _Channel:
    """A token bucket, and for each priority when the last place in its line falls due."""

    tokens: float
    at: float
    lines: dict[int, float] = field(default_factory=dict)

    def end_of_lines(self, most: int) -> float:
        """Return when the last place falls due in the lines up to a priority; smaller is more urgent."""
        return max((due for priority, due in self.lines.items() if priority <= most), default=0.0)


class Pacer:
    """Turns per channel. Who has to wait is given a place in line, so that each message asks about twice."""

    def __init__(
        self, clock: Callable[[], float] = monotonic, *, burst: int = BURST, per_second: float = PER_SECOND
    ) -> None:
        self._clock, self._burst, self._per_second = clock, burst, per_second
        self._channels: dict[str, _Channel] = {}

    def wait(self, channel: str, priority: int = 0, *, waited: bool = False) -> float:
        """Take a turn and return 0, or return the seconds until the place in line that was given instead.

        `waited` says that the caller comes back at its place: then only who is more urgent still goes first.
        """
        found = self._refilled(channel)
        if found.tokens >= 1 and found.end_of_lines(priority - 1 if waited else priority) <= found.at:
            found.tokens -= 1
            return 0.0
        turn = 1 / self._per_second
        due = max(found.at + (1 - found.tokens) * turn, found.end_of_lines(priority) + turn)
        found.lines[priority] = due
        return due - found.at

    def backlog(self, channel: str) -> float:
        """Return the seconds until everybody who waits now has had a turn."""
        found = self._refilled(channel)
        return max(0.0, max(found.lines.values(), default=0.0) - found.at)

    def hold(self, channel: str, seconds: float) -> None:
        """Obey a Retry-After."""
        self._refilled(channel).tokens = 1 - seconds * self._per_second

    def _refilled(self, channel: str) -> _Channel:
        now = self._clock()
        found = self._channels.setdefault(channel, _Channel(float(self._burst), now))
        found.tokens = min(self._burst, found.tokens + (now - found.at) * self._per_second)
        found.at = now
        return found
