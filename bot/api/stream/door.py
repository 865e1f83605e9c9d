"""`/approvals/stream`: what happens, as it happens, in the one order all replicas agree on."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.api.endpoints import Endpoint, Query, Who
from bot.api.principals import Callers, find_key
from bot.api.queries import invalid
from bot.api.stream.frames import Lagged
from bot.api.stream.hub import Hub, Pace
from bot.api.stream.reader import Reader
from bot.office import Office
from governance.errors import TooMany, Unauthenticated
from governance.events import EventData
from governance.policy import Agent
from scheduler.upkeep import seal_for_reader

MAX_STREAMS = 1000  # of one process
MAX_STREAMS_PER_KEY = 250
_RETRY_AFTER = 15  # seconds
_PLACE = re.compile(r"\d{1,18}", re.ASCII)
AFTER: Query[int | None] = Query(
    "after", Annotated[int, Field(ge=0, le=10**18 - 1)],
    "The id of the last event you know, where you cannot send Last-Event-ID.", "the id of an event",
)  # fmt: skip
_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Places:
    """How many streams are open, of all keys and of each."""

    def __init__(self, most: int = MAX_STREAMS, most_per_key: int = MAX_STREAMS_PER_KEY) -> None:
        self._most, self._most_per_key = most, most_per_key
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, key_id: str) -> Iterator[None]:
        """Hold a place. Raises TooMany where there is none."""
        if self._taken.total() >= self._most or self._taken[key_id] >= self._most_per_key:
            raise TooMany(
                "Too many streams are open; close one, or try again later.",
                code="TOO_MANY_STREAMS", details={"retry_after": _RETRY_AFTER},
            )  # fmt: skip
        self._taken[key_id] += 1
        try:
            yield
        finally:
            self._taken[key_id] -= 1
            self._taken += Counter()  # forgets who reads nothing


_OF_THIS_PROCESS = Places()  # whichever workspaces it serves


class Stream:
    """Handler of `/approvals/stream`."""

    def __init__(
        self, office: Office, callers: Callers, pace: Pace | None = None, places: Places = _OF_THIS_PROCESS
    ) -> None:
        self._office, self._callers, self._places = office, callers, places
        self.hub = Hub(office.database, office.tenant, pace or Pace())

    def endpoints(self) -> list[Endpoint]:
        """Return what is answered here; it has to stand before `/approvals/{id}`."""
        return [
            Endpoint(
                "GET", "/approvals/stream", self.follow, Who.EITHER, {200: EventData | Lagged}, query=(AFTER,),
                media="text/event-stream",
            )
        ]  # fmt: skip

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """`GET /approvals/stream?after=`: server-sent events; agents see what is about their own calls.

        Without `Last-Event-ID` or `after` it begins with what happens next. A comment is sent every 15 s. A reader that
        falls too far behind is sent `lagged` and goes on from the newest event.
        """
        caller = await self._callers.either(request)
        after, key = _after(request), await find_key(self._office.database, request)
        if key is None:
            raise Unauthenticated("This key is unknown, expired or revoked.")
        with self._places.taken(key.id):
            async with self.hub.reading():
                if after is None:  # what happened before is over, also what has no place in the order yet
                    await seal_for_reader(self._office.database)
                head = await self.hub.head()
                place = head if after is None else min(after, head)
                response = web.StreamResponse(headers=_HEADERS)
                response.force_close()
                await response.prepare(request)
                agent = caller.id if isinstance(caller, Agent) else None
                reader = Reader(self.hub, request, response, agent, place)
                await reader.serve(lambda: self._callers.still_may(request, caller), self._office.database.clock)
        return response


def _after(request: web.Request) -> int | None:
    """Return the id to resume after. The header is newer than the address it is sent to again and again."""
    text = request.headers.get("Last-Event-ID")
    if text is None:
        return AFTER.read(request)
    if not _PLACE.fullmatch(text):
        raise invalid("Last-Event-ID", "the id of an event")
    return int(text)
