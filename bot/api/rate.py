"""How often one key may call: a token bucket per principal, in this process."""

import math
from time import monotonic

from governance.errors import TooMany


class RateLimiter:
    """Raises TooMany with `retry_after` in whole seconds once a caller's bucket is empty."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, caller: str, per_second: float, burst: int) -> None:
        """Count one call."""
        now = monotonic()
        tokens, at = self._buckets.get(caller, (float(burst), now))
        tokens = min(burst, tokens + (now - at) * per_second)
        if tokens < 1:
            self._buckets[caller] = (tokens, now)
            wait = max(1, math.ceil((1 - tokens) / per_second))
            raise TooMany(f"Too many calls; try again in {wait} s.", code="RATE_LIMITED", details={"retry_after": wait})
        self._buckets[caller] = (tokens - 1, now)
