"""Following the stream: what to ask for, what came in, and when to come back. Drivers only carry bytes."""

import json

from countersign_client.answers import is_worth_another_try, read, retry_after
from countersign_client.asking import Asker, pause_before
from countersign_client.calls import Call, call, request_of
from countersign_client.flow import Answer, Lost, Request
from countersign_client.shapes import Event
from countersign_client.sse import Parser

_SILENCE = 60.0  # seconds without a byte; a heartbeat comes every 15
_KEEPS_COMING_BACK = 600.0  # seconds that a reader who has been let in tries to come back


class Following:
    """One reader's place in the stream, across as many connections as it takes."""

    def __init__(self, asker: Asker, last_event_id: int | str | None) -> None:
        self._asker, self._tried = asker, 0
        self._last_id = None if last_event_id is None else str(last_event_id)
        self._parser, self._retry = Parser(), 0.0
        self._silent_since, self._patience = asker.world.monotonic(), asker.patience

    def request(self) -> Request:
        """Return the request that opens the stream where the last connection ended."""
        self._parser = Parser(last_id=self._last_id)
        asked: Call = call("GET", "/approvals/stream")
        request = request_of(asked, self._asker.prefix, self._asker.identity, self._asker.world)
        place = {"Last-Event-ID": self._last_id} if self._last_id else {}
        headers = {**request.headers, "Accept": "text/event-stream", "Cache-Control": "no-store", **place}
        return Request(request.method, request.target, headers, request.body, _SILENCE)

    def opened(self) -> list[Event]:
        """Return what to say about a connection that stands: `opened` where nothing is known of what was before."""
        return [] if self._last_id else [Event("opened")]

    def take(self, chunk: bytes) -> list[Event]:
        """Return the events that some bytes completed."""
        self._tried = 0
        frames = self._parser.feed(chunk)
        self._last_id, self._retry = self._parser.last_id, self._parser.retry or self._retry
        self._silent_since = self._asker.world.monotonic()
        self._patience = max(self._asker.patience, _KEEPS_COMING_BACK)
        return [Event.from_json(one.event, _object(one.data), _number(one.id)) for one in frames]

    def pause(self, answer: Answer | Lost | None) -> float:
        """Return how long to wait before coming back: nearly nothing after a stream that simply ended.

        Raises Refused where the server does not let this key read, and Unreachable where nothing is heard for the
        asker's patience, or for ten minutes once it has been let in.
        """
        if answer is not None and not is_worth_another_try(answer):
            read(answer)
        asked = retry_after(answer) if answer else None
        pause = max(self._retry, pause_before(self._tried, self._asker.world.random(), asked))
        if answer is not None and self._asker.world.monotonic() + pause - self._silent_since > self._patience:
            read(answer)
        self._tried += 1
        return pause


def _object(text: str) -> dict[str, object]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _number(id: str | None) -> int | None:
    return int(id) if id and id.isascii() and id.isdigit() else None
