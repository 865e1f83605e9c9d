"""Whether one more call of a tool may start now: how many run at once, how often they start."""

from dataclasses import dataclass
from enum import StrEnum

from governance.policy import Tool


class Room(StrEnum):
    """Which calls of a tool may start."""

    ANY = "any"
    RETRIES = "retries"  #: those alone that have started before
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Load:
    """What a tool is doing: its calls that run, and how many of its calls started within the span of its rate."""

    running: int = 0
    started: int = 0


def is_limited(tool: Tool) -> bool:
    """Whether a tool's calls have to be counted before one starts."""
    return tool.concurrency is not None or tool.rate is not None


def room_for(tool: Tool, load: Load) -> Room:
    """Return which calls of a tool may start. A rate counts calls, not attempts: a retry passes it again."""
    if tool.concurrency is not None and load.running >= tool.concurrency:
        return Room.NONE
    if tool.rate is not None and load.started >= tool.rate.count:
        return Room.RETRIES
    return Room.ANY
