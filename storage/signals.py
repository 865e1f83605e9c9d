"""Wake-ups inside one process: whoever waits for a topic is told after the commit that touched it.

What other processes commit is announced here by storage.notices.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Signals:
    """Topics that waiters sleep on. A wake-up carries no news: the waiter reads the database again."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self.closed = False

    @contextmanager
    def listen(self, topic: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever `topic` is announced; subscribe before you read."""
        event = asyncio.Event()
        self._waiting[topic].add(event)
        try:
            yield event
        finally:
            self._waiting[topic].discard(event)
            if not self._waiting[topic]:
                del self._waiting[topic]

    def close(self) -> None:
        """Wake everybody for good: the process stops, and long waits should end with what is known."""
        self.closed = True
        self.announce_all()

    def announce_all(self) -> None:
        """Wake everybody: what they wait for may have happened where nobody heard of it."""
        self.announce(list(self._waiting))

    def announce(self, topics: Iterable[str]) -> None:
        """Wake everybody who waits for one of the topics."""
        for topic in topics:
            for event in self._waiting.get(topic, ()):
                event.set()
