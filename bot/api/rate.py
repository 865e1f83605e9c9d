"""How often one key may call: a token bucket per principal, in this process."""

import math
from collections.abc import Callable
from time import monotonic

from governance.errors import TooMany

_ROUNDING = 1e-6  # of a token: what adding up fractions of seconds loses must not make a promise untrue


class RateLimiter:
    """Raises TooMany with `retry_after` in whole seconds once a caller's bucket is empty: after them one call passes.

    `now` counts seconds; no wall clock, because somebody may put that back.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, caller: str, per_second: float, burst: int) -> None:
        """Count one call."""
        now = self._now()
        tokens, at = self._buckets.get(caller, (float(burst), now))
        tokens = min(burst, tokens + (now - at) * per_second)
        if tokens < 1 - _ROUNDING:
            self._buckets[caller] = (tokens, now)
            wait = max(1, math.ceil((1 - _ROUNDING / 2 - tokens) / per_second))
            raise TooMany(f"Too many calls; try again in {wait} s.", code="RATE_LIMITED", details={"retry_after": wait})
        self._buckets[caller] = (max(0.0, tokens - 1), now)
