"""The daily digest: what waits, what expires, what one's agents and rules did, who is paused. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.cards.blocks import date, draw, mrkdwn
from bot.cards.message import TEXT, Message
from governance.lifecycle import ProposalState
from governance.text import cut, one_line

_SHOWN = 5  #: of each kind


@dataclass(frozen=True, slots=True)
class Awaited:
    """One request that waits for the reader. `link` leads to its card, empty while that is not posted."""

    title: str
    agent: str
    link: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AgentDay:
    """How the calls of one agent of the last day stand now, and how often people were asked about them."""

    name: str
    calls: Mapping[ProposalState, int]
    asked: int


@dataclass(frozen=True, slots=True)
class RuleDay:
    """How often one rule of the reader answered in the last day."""

    effect: str
    tool: str
    agent: str
    used: int


@dataclass(frozen=True, slots=True)
class Pause:
    """One agent that is paused, and by whom."""

    agent: str
    by: str


@dataclass(frozen=True, slots=True)
class Digest:
    """Everything a digest says. `waiting` has what expires first at its head, `soon` counts what does in a day."""

    waiting: tuple[Awaited, ...] = ()
    soon: int = 0
    agents: tuple[AgentDay, ...] = ()
    rules: tuple[RuleDay, ...] = ()
    paused: tuple[Pause, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.waiting or self.agents or self.rules or self.paused)


def digest(found: Digest) -> Message:
    """Draw a digest."""
    listed = [
        ("Your agents in the last 24 hours", [_agent(one) for one in found.agents]),
        ("Your rules that answered", [_rule(one) for one in found.rules]),
        ("Paused", [_pause(one) for one in found.paused]),
    ]
    shown = [_section(_heading(found), [_awaited(one) for one in found.waiting])]
    shown += [_section(title, lines) for title, lines in listed if lines]
    text = " ".join(part for one in shown for part in (one["title"], one["text"]) if part)
    return Message(cut(f"🗞️ Your day: {text}".replace("*", ""), TEXT), draw("digest", sections=shown))


def _heading(found: Digest) -> str:
    if not found.waiting:
        return "Nothing waits for you"
    count = len(found.waiting)
    soon = f", {found.soon} of them expiring within 24 hours" if found.soon else ""
    return f"{count} {'request waits' if count == 1 else 'requests wait'} for you{soon}"


def _section(title: str, lines: list[str]) -> dict[str, str]:
    more = len(lines) - _SHOWN
    rest = [f"… and {more} more"] if more > 0 else []
    return {"title": title, "text": "\n".join([*lines[:_SHOWN], *rest])}


def _awaited(one: Awaited) -> str:
    title = mrkdwn(cut(one_line(one.title), 150))
    return (
        f"• *{f'<{one.link}|{title}>' if one.link else title}* · {mrkdwn(cut(one_line(one.agent), 80))}"
        f" · expires {date(one.expires_at)}"
    )


def _agent(one: AgentDay) -> str:
    figures = [f"{one.calls[state]} {word}" for state, word in _STATES.items() if one.calls.get(state)]
    asked = [f"people asked {one.asked}×"] if one.asked else []
    return f"• *{mrkdwn(cut(one_line(one.name), 80))}*: " + ", ".join([*figures, *asked])


def _rule(one: RuleDay) -> str:
    return f"• *{one.effect}* `{mrkdwn(one.tool)}` by {mrkdwn(cut(one_line(one.agent), 80))}: {one.used}×"


def _pause(one: Pause) -> str:
    return f"• ⏸️ *{mrkdwn(cut(one_line(one.agent), 80))}* by <@{one.by}>"


#: What went wrong first.
_STATES = {
    ProposalState.FAILED: "failed",
    ProposalState.UNKNOWN: "with unknown outcome",
    ProposalState.INVALIDATED: "not run after all",
    ProposalState.REJECTED: "rejected",
    ProposalState.EXPIRED: "expired",
    ProposalState.DENIED: "denied",
    ProposalState.SUCCEEDED: "ran",
    ProposalState.ALLOWED: "running",
    ProposalState.PENDING: "waiting",
    ProposalState.SUGGESTED: "suggested",
    ProposalState.SHADOWED: "only noted",
    ProposalState.WITHDRAWN: "withdrawn",
}
