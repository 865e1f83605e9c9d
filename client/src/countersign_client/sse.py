"""Server-sent events, parsed as they come in: bytes in, whole frames out."""

from dataclasses import dataclass, field

MAX_FRAME = 1024 * 1024  # characters without an end; no event of ours is nearly as long


class FrameTooLong(ValueError):
    """What comes in is no stream of events."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as it was sent."""

    event: str
    data: str
    id: str | None


@dataclass(slots=True)
class Parser:
    """Parses a stream according to the HTML standard: CR, LF and CRLF end lines, data may have many lines.

    `last_id` is the id to resume after; `retry` is what the server says about coming back, in seconds.
    """

    last_id: str | None = None
    retry: float | None = None
    _rest: bytes = b""
    _after_cr: bool = False
    _event: str = ""
    _data: list[str] = field(default_factory=list)
    _id: str | None = None
    _size: int = 0

    def feed(self, chunk: bytes) -> list[Frame]:
        """Take some bytes, cut anywhere; returns the frames they completed."""
        frames = []
        for line in self._lines(chunk):
            frame = self._take(line)
            if frame is not None:
                frames.append(frame)
        if self._size + len(self._rest) > MAX_FRAME:
            raise FrameTooLong("what comes in is no stream of events")
        return frames

    def _lines(self, chunk: bytes) -> list[str]:
        if not chunk:
            return []
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_cr = chunk.endswith(b"\r")
        whole = (self._rest + chunk).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = whole.pop()
        return [line.decode("utf-8", "replace") for line in whole]

    def _take(self, line: str) -> Frame | None:
        if not line:
            return self._end()
        name, _, value = line.partition(":")
        self._size += len(line)
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value) / 1000
        return None

    def _end(self) -> Frame | None:
        event, data, id = self._event or "message", "\n".join(self._data), self._id
        had_data = bool(self._data)
        self._event, self._id, self._size = "", None, 0
        self._data.clear()
        if id is not None:
            self.last_id = id or None
        return Frame(event, data, id or None) if had_data else None
