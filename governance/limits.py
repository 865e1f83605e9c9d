"""Whether one more call of a tool may start now: how many run at once, how often they start.

closes governed-proposals 23 (concurrency cap and rate limit), together with every connector's own timeout.
"""

from dataclasses import dataclass

from governance.policy import Tool


@dataclass(frozen=True, slots=True)
class Load:
    """What a tool is doing: its calls that run, and how many of its calls started within the span of its rate."""

    running: int = 0
    started: int = 0


def is_limited(tool: Tool) -> bool:
    """Whether a tool's calls have to be counted before one starts."""
    return tool.concurrency is not None or tool.rate is not None


def may_start(tool: Tool, load: Load, *, has_started: bool) -> bool:
    """Whether a call may start. A rate counts calls, not attempts, so one that `has_started` passes it again."""
    if tool.concurrency is not None and load.running >= tool.concurrency:
        return False
    return has_started or tool.rate is None or load.started < tool.rate.count
