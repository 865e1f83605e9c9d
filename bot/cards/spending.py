"""What agents cost, as lines: a bar of the week, figures, and whether an agent is stopped. Pure, from stored state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.cards.blocks import date, mrkdwn
from bot.cards.home_agents import bar
from governance.automations import SpendSpan
from governance.money import format_usd
from governance.spend import warns
from governance.text import cut, one_line
from storage.tables import SpendStop, SpendWindow

_SPANS = {
    SpendSpan.DAILY: "Today",
    SpendSpan.WEEKLY: "This week",
    SpendSpan.MONTHLY: "This month",
    SpendSpan.LIFETIME: "Ever",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What an agent has spent in the windows of now, its cap in micro-dollars, and its stop while it has not ended."""

    windows: Mapping[str, SpendWindow] = field(default_factory=dict)  #: by span
    cap: int | None = None
    ratio: float = 0.0
    stop: SpendStop | None = None
    is_held: bool = False  #: whether the stop holds now, or an override lifts it

    @property
    def week(self) -> int:
        """What it cost this week, in micro-dollars."""
        found = self.windows.get(SpendSpan.WEEKLY)
        return found.cost if found else 0

    @property
    def share(self) -> float:
        """How much of its cap is used up; 0 without a cap."""
        if self.cap is None:
            return 0.0
        return self.week / self.cap if self.cap else 1.0


def cost_line(cost: Cost) -> str:
    """Return the bar of the week with its figures and where the agent stands."""
    if cost.cap is None:
        return f"{format_usd(cost.week)} USD this week · no cap{_standing(cost)}"
    figures = f"{format_usd(cost.week)} of {format_usd(cost.cap)} USD this week"
    return f"{bar(cost.week, cost.cap)} {figures}{_standing(cost)}"


def agent_cost_line(agent_id: str, agent_name: str, cost: Cost) -> str:
    """Return the line of an agent in the table of all."""
    return f"*{_short(agent_name)}* (`{_short(agent_id)}`)\n{cost_line(cost)}"


def window_lines(cost: Cost) -> list[str]:
    """Return what was spent in each window, with tokens where they were reported."""
    return [_window(words, cost.windows.get(span)) for span, words in _SPANS.items()]


def near_cap(cost: Cost) -> bool:
    """Whether the week is near its cap, or past it."""
    return warns(cost.week, cost.cap, cost.ratio)


def _window(words: str, found: SpendWindow | None) -> str:
    if found is None:
        return f"{words}: nothing"
    tokens = f" · {found.total_tokens:,} tokens" if found.total_tokens else ""
    return f"{words}: {format_usd(found.cost)} USD{tokens}"


def _standing(cost: Cost) -> str:
    stop = cost.stop
    if stop is not None and cost.is_held:
        return f" · 🛑 *stopped* since {_when(stop.at)}, until {_when(stop.release_at)}"
    if stop is not None and stop.lifted_until is not None:
        return f" · ⏫ let go on until {_when(stop.lifted_until)}"
    return " · ⚠️ near its cap" if near_cap(cost) else ""


def _when(moment: datetime) -> str:
    return date(moment)


def _short(text: str) -> str:
    return mrkdwn(cut(one_line(text), 100))
