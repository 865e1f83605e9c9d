"""What an agent may cost: in which windows spend is counted, when it is warned of, when it stops, until when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from governance.automations import SpendSpan
from governance.money import format_usd
from governance.policy import Limits, Policy

_DAY = timedelta(days=1)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time in UTC from `start` up to, not including, `end`; None: without an end."""

    span: SpendSpan
    start: datetime
    end: datetime | None

    def holds(self, moment: datetime) -> bool:
        """Whether a moment lies in it."""
        return self.start <= moment and (self.end is None or moment < self.end)


def window_of(span: SpendSpan, moment: datetime) -> Window:
    """Return the one window of a span that holds a moment. Weeks begin on Monday; a lifetime began with 1970."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    monday, first = day - day.weekday() * _DAY, day.replace(day=1)
    bounds: dict[SpendSpan, tuple[datetime, datetime | None]] = {
        SpendSpan.DAILY: (day, day + _DAY),
        SpendSpan.WEEKLY: (monday, monday + 7 * _DAY),
        SpendSpan.MONTHLY: (first, (first + 31 * _DAY).replace(day=1)),
        SpendSpan.LIFETIME: (_EVER, None),
    }
    return Window(span, *bounds[span])


def windows_at(moment: datetime) -> tuple[Window, ...]:
    """Return the four windows that hold a moment."""
    return tuple(window_of(span, moment) for span in SpendSpan)


def release_of(moment: datetime) -> datetime:
    """Return when a stop made at a moment ends by itself: with the next week."""
    return window_of(SpendSpan.WEEKLY, moment).start + 7 * _DAY


def cap_of(limits: Limits, agent_id: str) -> int | None:
    """Return what an agent may cost in a week, in micro-dollars: its own cap, else everybody's; None for no cap."""
    return limits.agent_caps.get(agent_id, limits.weekly_spend_cap)


def reaches(cost: int, cap: int | None) -> bool:
    """Whether a week's cost reaches its cap. Under a cap of nothing any cost does."""
    return cap is not None and cost > 0 and cost >= cap


def warns(cost: int, cap: int | None, ratio: float) -> bool:
    """Whether a week's cost is near enough to its cap to say so. A ratio of 0 never warns."""
    if cap is None or ratio <= 0 or cost <= 0:
        return False
    return cost >= int((cap * Decimal(str(ratio))).to_integral_value(ROUND_CEILING))


def lineage_of(policy: Policy, agent_id: str) -> tuple[str, ...]:
    """Return an agent and the agents above it, nearest first, as the policy has them now."""
    return tuple(_upwards(policy, agent_id))


def _upwards(policy: Policy, agent_id: str) -> Iterator[str]:
    seen: set[str] = set()
    at: str | None = agent_id
    while at is not None and at not in seen:
        seen.add(at)
        yield at
        found = policy.agents.get(at)
        at = found.parent if found else None


def why_stopped(cap: int) -> str:
    """Say in a few words why an agent is stopped."""
    return f"weekly spend cap {format_usd(cap)} USD reached"


def why_paused(agent_id: str, cost: int, cap: int) -> str:
    """Say why its runs are paused, with the figures."""
    return f"weekly spend cap exceeded for {agent_id} ({format_usd(cost)}/{format_usd(cap)} USD)"
