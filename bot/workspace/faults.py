"""Misbehaviour on command: planned, standing or random faults of Web API methods, and the other switches.

`ratelimited` or `429` (HTTP 429 with Retry-After), `500`, `503`, `lost` (the work is done, then the connection is cut),
`drop` (cut before the work), `slow:<seconds>`, `hold` (works normally once the faults are cleared); any other word is a
Slack error such as `is_archived`.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.workspace.model import Json

ANY_METHOD = "*"
MESSAGES = "messages"
"""Stands for every method that shows something to people, and nothing else."""
UPLOAD, RESPONSE_URL = "upload", "response_url"
"""Not Web API methods, but as breakable: the bytes of a file, and a POST to a response URL. `*` leaves them alone."""
MESSAGE_METHODS = (
    *("chat.postMessage", "chat.postEphemeral", "chat.update", "chat.delete"),
    *("views.open", "views.push", "views.update", "views.publish"),
    *("files.getUploadURLExternal", "files.completeUploadExternal", "reactions.add", "reactions.remove"),
    *(UPLOAD, RESPONSE_URL),
)
SWITCHES = ("slow_network", "double_clicks", "refuse_sockets", "silent_sockets", "unknown_blocks")


@dataclass(frozen=True)
class Fault:
    """One misbehaviour; `retry_after` (whole seconds) matters for `ratelimited` only."""

    kind: str
    retry_after: int = 1

    def __post_init__(self) -> None:
        if self.kind == "429":
            object.__setattr__(self, "kind", "ratelimited")
        if self.delay is not None and self.delay < 0:
            raise ValueError("slow:<seconds> takes a number of seconds that is not negative")

    @property
    def delay(self) -> float | None:
        """Seconds a `slow:` fault waits before working normally; None for every other kind."""
        return float(self.kind.removeprefix("slow:")) if self.kind.startswith("slow:") else None

    @property
    def works(self) -> bool:
        """Whether the work is done in the end."""
        return self.kind in ("lost", "hold") or self.delay is not None


@dataclass
class Chance:
    """Faults at random: their odds, the methods they fall on, and one sequence of draws for each method."""

    seed: int
    odds: Mapping[str, float]
    methods: frozenset[str]
    retry_after: int
    draws: dict[str, random.Random] = field(default_factory=dict)

    def take(self, method: str) -> Fault | None:
        """The next draw of this method."""
        if method not in self.methods:
            return None
        left = self.draws.setdefault(method, random.Random(f"{self.seed}:{method}")).random()  # noqa: S311
        for kind, odds in self.odds.items():
            left -= odds
            if left < 0:
                return Fault(kind, self.retry_after)
        return None


class Faults:
    """What goes wrong from now on.

    The switches: `slow_network` (seconds added to every call and every delivery), `double_clicks` (how many of the
    next clicks are sent twice), `refuse_sockets` and `silent_sockets` (Socket Mode), `unknown_blocks` (block types this
    workspace does not know yet).
    """

    def __init__(self) -> None:
        self._over = asyncio.Event()
        self.clear()

    def clear(self) -> None:
        """Behave again, whatever was planned or switched on, and let go what a `hold` keeps waiting."""
        self._over.set()
        self._over = asyncio.Event()
        self._queues: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._standing: dict[str, Fault] = {}
        self._chances: list[Chance] = []
        self.slow_network = 0.0
        self.double_clicks = 0
        self.refuse_sockets = self.silent_sockets = False
        self.unknown_blocks: set[str] = set()

    def add(self, method: str, kind: str, times: int = 1, retry_after: int = 1) -> None:
        """Let the next `times` calls of `method` (`*`, `messages`) misbehave. ValueError when `slow:` has no number."""
        self._queues[method].extend([Fault(kind, retry_after)] * times)

    def always(self, method: str, kind: str, retry_after: int = 1) -> None:
        """Let every call of `method` (`*`, `messages`) misbehave until `never` or `clear`."""
        self._standing[method] = Fault(kind, retry_after)

    def never(self, method: str) -> None:
        """End what `always` began for `method`."""
        self._standing.pop(method, None)

    def at_random(
        self, seed: int, odds: Mapping[str, float], methods: Iterable[str] = MESSAGE_METHODS, retry_after: int = 1
    ) -> None:
        """Let calls misbehave by chance: `at_random(7, {"429": .05, "lost": .02})`.

        The n-th call of a method always meets the same fate for the same seed. ValueError when the odds exceed 1.
        """
        for kind in odds:
            Fault(kind)
        if min(odds.values(), default=0) < 0 or sum(odds.values()) > 1:
            raise ValueError("the odds of all faults together must lie between 0 and 1")
        self._chances.append(Chance(seed, dict(odds), frozenset(methods), retry_after))

    def take(self, method: str) -> Fault | None:
        """The fault this call shall suffer, if any: planned ones first, then standing, then random."""
        names = _names(method)
        for name in names:
            if self._queues.get(name):
                return self._queues[name].popleft()
        standing = next((self._standing[name] for name in names if name in self._standing), None)
        drawn = [fault for fault in (chance.take(method) for chance in self._chances) if fault]
        return standing or (drawn[0] if drawn else None)

    async def linger(self, fault: Fault | None) -> None:
        """Wait as long as a slow network and a `slow:` or `hold` fault say."""
        if fault and fault.kind == "hold":
            await self._over.wait()
        if seconds := self.slow_network + ((fault.delay or 0.0) if fault else 0.0):
            await asyncio.sleep(seconds)

    def take_double(self) -> bool:
        """Whether this click is sent twice."""
        if self.double_clicks > 0:
            self.double_clicks -= 1
            return True
        return False

    def unknown_in(self, blocks: object, root: str = "/blocks") -> list[str]:
        """What this workspace says about block types it does not know yet; empty when it knows them all."""
        there = [block.get("type") if isinstance(block, dict) else None for block in _list(blocks)]
        return [
            f"unsupported type: {kind} [json-pointer:{root}/{place}/type]"
            for place, kind in enumerate(there)
            if kind in self.unknown_blocks
        ]

    def switch(self, name: str, value: object) -> None:
        """Set one switch by name, as the page does. ValueError for another name or a value that does not fit."""
        if name not in SWITCHES:
            raise ValueError(f"there is no switch {name}; there is {', '.join(SWITCHES)}")
        if name == "unknown_blocks":
            self.unknown_blocks = {str(kind) for kind in _list(value)}
        else:
            setattr(self, name, type(getattr(self, name))(value))

    def planned(self) -> dict[str, list[str]]:
        """What is still to come: method -> kinds in order."""
        return {method: [f.kind for f in queue] for method, queue in self._queues.items() if queue}

    def shown(self) -> Json:
        """Everything that is on, for the page."""
        switches = {name: getattr(self, name) for name in SWITCHES}
        return {
            **switches,
            "unknown_blocks": sorted(self.unknown_blocks),
            "planned": self.planned(),
            "always": {method: fault.kind for method, fault in self._standing.items()},
            "random": [dict(chance.odds) for chance in self._chances],
        }


def _names(method: str) -> list[str]:
    groups = [MESSAGES] if method in MESSAGE_METHODS else []
    return [method, *groups, *([] if method in (UPLOAD, RESPONSE_URL) else [ANY_METHOD])]


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple | set | frozenset) else []
