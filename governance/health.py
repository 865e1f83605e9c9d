"""What a health check notices about the latest runs of an automation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from governance.automations import TERMINAL_RUNS, RunStatus, Severity, StopKind
from governance.canonical import Json
from governance.policy import Limits

KIND = "health_drift"
FEWEST = 5  #: ended runs before a rate says anything, and the smallest window
_VERY_HIGH = 0.75
_FAILED = frozenset({RunStatus.FAILED, RunStatus.BLOCKED})


@dataclass(frozen=True, slots=True)
class Ran:
    """One run as a health check sees it."""

    id: str
    status: RunStatus
    stop_kind: StopKind | None = None
    has_outputs: bool = True


@dataclass(frozen=True, slots=True)
class Noticed:
    """One finding. `run_id` is the newest ended run that was looked at."""

    severity: Severity
    summary: str
    evidence: Mapping[str, Json] = field(default_factory=dict)
    run_id: str | None = None


def window_of(limits: Limits) -> int:
    """Return how many of the latest runs a check looks at."""
    return max(FEWEST, limits.health_window_run_limit)


def examine(runs: Sequence[Ran], limits: Limits) -> list[Noticed]:
    """Return what stands out among the latest runs, newest first in `runs`.

    Failures count among ended runs; a guardrail counts wherever it stopped one, also one that is only paused by it.
    """
    ended = [run for run in runs if run.status in TERMINAL_RUNS]
    newest = ended[0].id if ended else None
    found = [_failures(ended, limits, newest), _empty(ended, newest), _stops(runs, limits, newest)]
    return [one for one in found if one is not None]


def _failures(ended: Sequence[Ran], limits: Limits, newest: str | None) -> Noticed | None:
    failed = sum(run.status in _FAILED for run in ended)
    threshold = limits.health_failure_rate_threshold
    if len(ended) < FEWEST or threshold <= 0 or failed / len(ended) < threshold:
        return None
    rate = failed / len(ended)
    evidence = {"failure_count": failed, "terminal_run_count": len(ended), "failure_rate": rate}
    severity = Severity.CRITICAL if rate >= _VERY_HIGH else Severity.WARNING
    return Noticed(severity, "high failure rate", evidence, newest)


def _empty(ended: Sequence[Ran], newest: str | None) -> Noticed | None:
    empty = sum(run.status is RunStatus.COMPLETED and not run.has_outputs for run in ended)
    return Noticed(Severity.WARNING, "empty outputs", {"empty_output_count": empty}, newest) if empty else None


def _stops(runs: Sequence[Ran], limits: Limits, newest: str | None) -> Noticed | None:
    stops = sum(run.stop_kind is StopKind.GUARDRAIL_STOPPED for run in runs)
    threshold = limits.health_guardrail_stop_threshold
    if threshold <= 0 or stops < threshold:
        return None
    return Noticed(Severity.WARNING, "repeated guardrail stops", {"guardrail_stop_count": stops}, newest)
