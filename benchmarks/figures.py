"""What is measured: samples of seconds, and the figures made of them."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field


@dataclass
class Samples:
    """The durations of single calls and the wall time they took together, both in seconds; NaN = counted, not timed.

    `missing` counts what was waited for in vain.
    """

    seconds: list[float] = field(default_factory=list)
    wall: float = 0.0
    missing: int = 0

    def __iadd__(self, other: "Samples") -> "Samples":
        """Add the samples of another round."""
        self.seconds += other.seconds
        self.wall += other.wall
        self.missing += other.missing
        return self

    @property
    def per_second(self) -> float:
        """Calls per second of wall time; 0.0 without samples."""
        return len(self.seconds) / self.wall if self.wall else 0.0

    def percentile(self, share: float) -> float:
        """The nearest-rank percentile in seconds, such as `percentile(0.99)`; NaN without samples."""
        if not self.seconds:
            return math.nan
        return sorted(self.seconds)[max(0, math.ceil(share * len(self.seconds)) - 1)]


def one_by_one(seconds: Sequence[float | None]) -> Samples:
    """Samples of things that came one at a time, with pauses that do not count; None = it never came."""
    came = [one for one in seconds if one is not None]
    return Samples(came, sum(came), len(seconds) - len(came))


@dataclass(frozen=True)
class Limits:
    """What the machine itself does at one concurrency: an HTTP echo, and one committed INSERT."""

    echo: Samples
    insert: Samples


@dataclass(frozen=True)
class Figure:
    """One line of the table. Latencies in milliseconds; `of_echo` and `of_insert` are shares of those throughputs.

    What has no latency of its own, or no limit at its concurrency, has None there.
    """

    name: str
    concurrency: int
    count: int
    per_second: float
    p50_ms: float | None
    p99_ms: float | None
    of_echo: float | None = None
    of_insert: float | None = None
    missing: int = 0

    def as_json(self) -> dict[str, object]:
        """The figure as JSON values."""
        return asdict(self)


def figure(name: str, concurrency: int, samples: Samples, limits: Limits | None = None) -> Figure:
    """Return the figure of some samples, compared with the limits measured at the same concurrency."""
    rate = samples.per_second
    return Figure(
        name, concurrency, len(samples.seconds), rate, _milliseconds(samples, 0.5), _milliseconds(samples, 0.99),
        _share(rate, limits.echo) if limits else None, _share(rate, limits.insert) if limits else None,
        samples.missing,
    )  # fmt: skip


def _milliseconds(samples: Samples, share: float) -> float | None:
    seconds = samples.percentile(share)
    return None if math.isnan(seconds) else seconds * 1000


def _share(rate: float, limit: Samples) -> float | None:
    return rate / limit.per_second if limit.per_second else None
