"""The outcome of a proof: counts, percentiles, breaches; as a table for people and as JSON for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

_NAMES = 46


@dataclass(slots=True)
class Report:
    """What was tried, what was measured, and what must be zero."""

    kind: str
    seed: int
    tried: dict[str, int] = field(default_factory=dict)
    measured: dict[str, dict[str, float]] = field(default_factory=dict)  #: seconds, by percentile
    breaches: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every promise was kept."""
        return not any(self.breaches.values())

    def as_json(self) -> dict[str, Any]:
        """Return everything, for programs."""
        return {**asdict(self), "holds": self.holds}

    def as_table(self) -> str:
        """Return everything, for people."""
        lines = [f"{'tried':<{_NAMES}}"]
        lines += [f"  {name:<{_NAMES}}{count:>8,}" for name, count in self.tried.items()]
        lines += ["", f"{'measured, in seconds':<{_NAMES + 2}}{'p50':>8}{'p95':>8}{'p99':>8}{'worst':>8}"]
        lines += [
            f"  {name:<{_NAMES}}" + "".join(f"{values[one]:>8.3f}" for one in ("p50", "p95", "p99", "worst"))
            for name, values in self.measured.items()
        ]
        lines += ["", "must be zero"]
        lines += [
            f"  {name:<{_NAMES}}{count:>8,}{'' if not count else '   ✘'}" for name, count in self.breaches.items()
        ]
        lines += [f"  {name}: {', '.join(some)}" for name, some in self.examples.items() if some]
        return "\n".join([*lines, "", "Every promise held." if self.holds else "BROKEN: see the lines marked ✘."])


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return p50, p95, p99 and the worst of some measurements; zeros where there are none."""
    ordered = sorted(values) or [0.0]
    at = {share: ordered[min(len(ordered) - 1, share * len(ordered) // 100)] for share in (50, 95, 99)}
    return {"p50": at[50], "p95": at[95], "p99": at[99], "worst": ordered[-1]}
