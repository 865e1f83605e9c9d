"""Flows: what has to be asked, waited for and run, as generators that do none of it themselves.

A flow yields an effect and is sent what came of it; a driver (drivers.py) carries effects out, in threads or
asyncio.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, ready to be sent. `target` is path and query, already encoded; `timeout` is in seconds."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    timeout: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Names of headers are in small letters."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer came back; whether the request arrived is not known."""

    why: str


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """Run the guarded function; with `arguments` instead of those it was called with, where a person changed them."""

    arguments: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """What the guarded function returned."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """What the guarded function raised."""

    error: BaseException


Effect = Request | Sleep | Run
Flow = Generator[Effect, Any, T]


@dataclass(frozen=True, slots=True)
class World:
    """What a flow may know of its surroundings; tests hand in their own."""

    monotonic: Callable[[], float]
    unix_time: Callable[[], float]
    random: Callable[[], float]  #: 0 to 1
    token: Callable[[], str]  #: 32 characters that nobody can guess
