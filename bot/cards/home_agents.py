"""One agent on the Home tab: its tier, whether it is paused, what it used up, what became of its calls. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.cards.blocks import mrkdwn
from bot.cards.home_buttons import Element, turning_button
from bot.cards.spend import Budget as SpendBudget
from bot.cards.spend import spend_line
from governance.lifecycle import ProposalState
from governance.policy import Agent
from governance.promotion import written_tier
from governance.text import cut, one_line
from governance.tiers import TIER_ALIASES, Tier
from storage.tables import Budget, Standing, StandingKind

_ALIAS = {tier: alias for alias, tier in TIER_ALIASES.items()}
_BAR = 10
_SHOWN_TIERS = 3


@dataclass(frozen=True, slots=True)
class HomeAgent:
    """An agent, what people decided about it, and what it did. `may_turn`: the person may pause or resume it now."""

    agent: Agent
    tier: Tier | None  #: what the file says for the agent or for all of them
    standings: tuple[Standing, ...] = ()
    used: Mapping[Budget, int] = field(default_factory=dict)
    waiting: int = 0  #: open requests
    states: Mapping[ProposalState, int] = field(default_factory=dict)  #: its calls of the last 24 hours
    may_turn: bool = False
    spend: SpendBudget | None = None  #: what it spent of its weekly cap, where it has one

    @property
    def pause(self) -> Standing | None:
        """The pause in force, None where it runs."""
        return next((one for one in self.standings if one.kind is StandingKind.PAUSE), None)


def agent_line(one: HomeAgent) -> dict[str, str | Element | None]:
    """Return what the Home says of an agent, and the button it offers."""
    agent = one.agent
    lines = [
        f"*{_short(agent.name, 120)}* (`{_short(agent.id, 120)}`) · {_shown(one.tier)}", *_tiers(one), *_paused(one),
        *_stopped(one), *_budgets(one), *_spend(one), _calls(one),
    ]  # fmt: skip
    button = turning_button(agent.id, agent.name, is_paused=one.pause is not None) if one.may_turn else None
    return {"line": "\n".join(lines), "button": button}


def bar(used: int, allowed: int) -> str:
    """Return a bar of ten parts; it is full only where nothing is left, and empty only where nothing is used."""
    filled = _BAR if used >= allowed else max(min(used, 1), used * _BAR // allowed)
    return "▰" * filled + "▱" * (_BAR - filled)


def _shown(tier: Tier | None) -> str:
    if tier is None:
        return "no tier of its own"
    return f"tier {tier} ({_ALIAS[tier]})" if tier in _ALIAS else f"tier {tier}"


def _tiers(one: HomeAgent) -> list[str]:
    """Return the recorded tiers that hold, each beside what the file says."""
    found = [
        standing
        for standing in one.standings
        if standing.kind is StandingKind.TIER and standing.replaces is written_tier(one.agent, standing.target)
    ]
    lines = [_recorded(standing) for standing in found[:_SHOWN_TIERS]]
    more = len(found) - _SHOWN_TIERS
    return [*lines, *([f"🎚️ and {more} more recorded tiers"] if more > 0 else [])]


def _recorded(standing: Standing) -> str:
    target = f"`{_short(standing.target, 80)}` at " if standing.target else ""
    written = f"the file says {standing.replaces}" if standing.replaces else "the file says nothing"
    return f"🎚️ {target}{_shown(standing.tier)} by <@{standing.by}>; {written}"


def _paused(one: HomeAgent) -> list[str]:
    if one.pause is None:
        return []
    return [f"⏸️ *Paused* by <@{one.pause.by}>: {_short(one.pause.reason, 200)}"]


def _stopped(one: HomeAgent) -> list[str]:
    reasons = [standing.reason for standing in one.standings if standing.kind is StandingKind.SPEND]
    return [f"🛑 *Stopped*: {_short(reason, 200)}" for reason in reasons]


def _spend(one: HomeAgent) -> list[str]:
    return [spend_line(one.spend, bar(one.spend.cost, one.spend.cap))] if one.spend is not None else []


def _budgets(one: HomeAgent) -> list[str]:
    allowed = ((Budget.HOUR, one.agent.budget_per_hour, "this hour"), (Budget.DAY, one.agent.budget_per_day, "today"))
    return [
        f"{bar(one.used.get(span, 0), limit)} {one.used.get(span, 0)} of {limit} unasked {words}"
        for span, limit, words in allowed
        if limit is not None
    ]


def _calls(one: HomeAgent) -> str:
    waiting = f"{one.waiting} waiting" if one.waiting else "nothing waiting"
    known = [f"{one.states[state]} {state}" for state in ProposalState if one.states.get(state)]
    return f"{waiting} · last 24 hours: {', '.join(known) or 'no calls'}"


def _short(text: str, limit: int) -> str:
    return cut(mrkdwn(one_line(text)), limit)
