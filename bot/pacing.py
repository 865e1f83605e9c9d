"""Slack takes about one message a second per channel, in short bursts more; this keeps us below that."""

from time import monotonic

BURST = 5
PER_SECOND = 1.0


class Pacer:
    """A token bucket per channel."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, channel: str) -> float:
        """Take a turn and return 0, or return the seconds until there is one to take."""
        now = monotonic()
        tokens, at = self._buckets.get(channel, (float(BURST), now))
        tokens = min(BURST, tokens + (now - at) * PER_SECOND)
        if tokens < 1:
            self._buckets[channel] = (tokens, now)
            return (1 - tokens) / PER_SECOND
        self._buckets[channel] = (tokens - 1, now)
        return 0.0

    def hold(self, channel: str, seconds: float) -> None:
        """Obey a Retry-After."""
        self._buckets[channel] = (1 - seconds * PER_SECOND, monotonic())
