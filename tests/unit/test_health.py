"""What a health check notices, at its exact thresholds."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.automations import TERMINAL_RUNS, RunStatus, Severity, StopKind
from governance.health import Ran, examine, window_of
from governance.policy import Limits

LIMITS = Limits()


def runs(**counts: int) -> list[Ran]:
    """So many runs of each status, with outputs."""
    statuses = [RunStatus(status) for status, count in counts.items() for _ in range(count)]
    return [Ran(f"run_{n}", status) for n, status in enumerate(statuses)]


@pytest.mark.parametrize(
    ("ran", "severity"),
    [
        (runs(failed=4), None),
        (runs(failed=2, completed=3), None),
        (runs(failed=2, blocked=1, completed=3), Severity.WARNING),
        (runs(failed=3, completed=2), Severity.WARNING),
        (runs(failed=5, blocked=1, completed=2), Severity.CRITICAL),
        (runs(failed=11, completed=4), Severity.WARNING),
        (runs(failed=5), Severity.CRITICAL),
        (runs(failed=2, cancelled=2, running=9), None),
    ],
)
def test_half_of_five_failing_is_a_finding_and_three_quarters_is_critical(
    ran: list[Ran], severity: Severity | None
) -> None:
    found = examine(ran, LIMITS)
    assert [one.severity for one in found] == ([severity] if severity else [])
    if severity:
        failed = Counter(run.status for run in ran)
        assert found[0].evidence["failure_count"] == failed[RunStatus.FAILED] + failed[RunStatus.BLOCKED]
        assert found[0].run_id == "run_0"


def test_one_empty_completed_run_is_a_finding() -> None:
    (found,) = examine([Ran("run_1", RunStatus.COMPLETED, has_outputs=False)], LIMITS)
    assert (found.severity, found.summary, found.evidence) == (
        Severity.WARNING, "empty outputs", {"empty_output_count": 1},
    )  # fmt: skip
    assert examine([Ran("run_1", RunStatus.CANCELLED, has_outputs=False)], LIMITS) == []


def test_two_guardrail_stops_are_a_finding_also_where_they_only_paused() -> None:
    """closes automation-governance 24"""
    stopped = [Ran("a", RunStatus.PAUSED, StopKind.GUARDRAIL_STOPPED), Ran("b", RunStatus.CANCELLED, StopKind.PANIC)]
    assert examine(stopped, LIMITS) == []
    stopped.append(Ran("c", RunStatus.FAILED, StopKind.GUARDRAIL_STOPPED))
    (found,) = examine(stopped, LIMITS)
    assert found.evidence == {"guardrail_stop_count": 2}
    assert examine(stopped, Limits(health_guardrail_stop_threshold=0)) == []


def test_a_rate_of_zero_looks_at_no_failures() -> None:
    assert examine(runs(failed=9), Limits(health_failure_rate_threshold=0)) == []


def test_the_window_is_never_smaller_than_what_a_rate_needs() -> None:
    assert [window_of(Limits(health_window_run_limit=n)) for n in (0, 5, 20)] == [5, 5, 20]


@given(
    st.lists(
        st.builds(Ran, st.just("r"), st.sampled_from(RunStatus), st.sampled_from([None, *StopKind]), st.booleans())
    )
)
def test_what_goes_on_is_never_held_against_an_automation(ran: list[Ran]) -> None:
    ended = [run for run in ran if run.status in TERMINAL_RUNS]
    plain = [one.summary for one in examine(ran, LIMITS) if one.summary != "repeated guardrail stops"]
    assert plain == [one.summary for one in examine(ended, LIMITS) if one.summary != "repeated guardrail stops"]
