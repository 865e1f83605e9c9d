"""Webhooks: what an event looks like to a receiver, who is told of it, and when a delivery is tried again."""

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta

from governance.canonical import Json, canonical
from governance.events import EventData, Happening, data_of, moment_of

#: The event that somebody asks for to see whether a webhook works.
PING = "ping"

#: How long to wait after each try that failed: nine tries, a day in all.
_WAITS = (5, 30, 120, 600, 3_600, 10_800, 28_800, 43_200)
_JITTER = 0.1  # of each wait, up or down


def wants(events: Collection[str], agents: Collection[str], happening: Happening) -> bool:
    """Whether an endpoint that asked for these events and agents is told; none of either means all of them."""
    return (not events or happening.event in events) and (not agents or happening.agent in agents)


def body_of(happening: Happening) -> str:
    """Return what receivers are sent about an event: canonical JSON, the same at every try."""
    return _body(happening.event, happening.at, data_of(happening))


def ping_body(endpoint_id: str, at: datetime) -> str:
    """Return what receivers are sent to see whether it arrives."""
    return _body(PING, at, {"webhook_id": endpoint_id})


def wait_after(tries: int, delivery_id: str, asked: timedelta | None = None) -> timedelta | None:
    """Return how long to wait after so many tries, at least as long as the receiver `asked`; None: give up.

    The wait varies with the delivery, always in the same way: what failed together does not come again together.
    """
    if tries > len(_WAITS):
        return None
    digest = hashlib.sha256(f"{delivery_id}:{tries}".encode()).digest()
    spread = 1 + _JITTER * (int.from_bytes(digest[:4], "big") / 2**31 - 1)
    return max(timedelta(seconds=_WAITS[tries - 1] * spread), asked or timedelta())


def _body(kind: str, at: datetime, data: EventData | dict[str, Json]) -> str:
    return canonical({"type": kind, "timestamp": moment_of(at), "data": data}).decode()
