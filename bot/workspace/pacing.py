"""Slack's rate limits, enforced only when asked for: token buckets on the workspace's clock."""

from __future__ import annotations

import math
from collections.abc import Callable

from bot.workspace.errors import rate_limited

POST_BURST = 5
POSTS_PER_SECOND = 1.0
TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
"""Calls a minute per method and workspace."""

TIER_OF = {
    "apps.connections.open": 2,
    "chat.update": 3,
    "chat.delete": 3,
    "chat.postEphemeral": 4,
    "conversations.history": 3,
    "conversations.info": 3,
    "conversations.members": 4,
    "conversations.open": 3,
    "conversations.replies": 3,
    "dnd.info": 3,
    "files.completeUploadExternal": 4,
    "files.getUploadURLExternal": 4,
    "files.info": 4,
    "reactions.add": 3,
    "reactions.get": 3,
    "reactions.remove": 2,
    "team.info": 3,
    "usergroups.list": 2,
    "usergroups.users.list": 2,
    "users.getPresence": 3,
    "users.info": 4,
    "users.profile.get": 4,
    "users.list": 2,
    "views.open": 4,
    "views.publish": 4,
    "views.push": 4,
    "views.update": 4,
}


class Bucket:
    """A token bucket: `burst` calls at once, refilled at `per_second`."""

    def __init__(self, burst: int, per_second: float, at: float) -> None:
        self.burst, self.per_second = burst, per_second
        self.tokens, self.at = float(burst), at

    def take(self, at: float) -> float:
        """0.0 when a token was there, else the seconds until one will be."""
        self.tokens = min(self.burst, self.tokens + (at - self.at) * self.per_second)
        self.at = at
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.per_second


class Pacing:
    """Off by default. `strict` on: postMessage about one a second per channel, the rest by tier."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.strict = False
        self._now = now
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def check(self, method: str, channel: str, restricted_history: bool = False) -> None:
        """Count one call; raises `ratelimited` with the whole seconds to wait when it is one too many."""
        key, burst, rate = _limit(method, channel, restricted_history)
        if not self.strict or rate == 0:
            return
        bucket = self._buckets.setdefault(key, Bucket(burst, rate, self._now()))
        wait = bucket.take(self._now())
        if wait:
            raise rate_limited(math.ceil(wait))


def _limit(method: str, channel: str, restricted: bool) -> tuple[tuple[str, str], int, float]:
    if method == "chat.postMessage":
        return (method, channel), POST_BURST, POSTS_PER_SECOND
    history = method in ("conversations.history", "conversations.replies")
    per_minute = TIERS[1] if history and restricted else TIERS.get(TIER_OF.get(method, 0), 0)
    return (method, ""), per_minute, per_minute / 60
