"""The newest events of a workspace as they are sent, bounded in number; readers hold numbers into it."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

_AT_ONCE = 50  # frames of one write


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as it is sent: its place, whose agent's it is, and its bytes."""

    place: int
    agent: str
    text: bytes


class Ring:
    """Some frames, numbered from 0 on as they came in; the oldest go first.

    Every event above `floor`, up to `place`, is among them.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._frames: list[Frame] = []
        self._dropped = 0
        self.place = self.floor = 0

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def end(self) -> int:
        """The number of the frame that comes next."""
        return self._dropped + len(self._frames)

    def begin(self, place: int) -> None:
        """Hold nothing, and go on from a place. Numbers that were given out lie before what is held from now on."""
        self._dropped, self._frames = self.end, []
        self.place = self.floor = place

    def add(self, frames: Sequence[Frame], place: int) -> None:
        """Take in the frames of everything up to a place."""
        self._frames += frames
        self.place = place
        excess = len(self._frames) - self._most
        if excess > 0:
            self.floor = self._frames[excess - 1].place
            self._dropped += excess
            del self._frames[:excess]

    def number_after(self, place: int) -> int | None:
        """Return the number of the first frame after a place, None where that lies before what is held."""
        if place < self.floor:
            return None
        return self._dropped + bisect_right(self._frames, place, key=attrgetter("place"))

    def frames(self, number: int) -> list[Frame] | None:
        """Return some frames from this number on, none where there are no more yet, None where it is gone."""
        start = number - self._dropped
        return self._frames[start : start + _AT_ONCE] if start >= 0 else None
