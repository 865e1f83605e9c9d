"""The message that counts what a noisy agent ran without asking: pure, from stored state."""

from collections.abc import Mapping

from bot.cards.blocks import date, draw, mrkdwn
from bot.cards.message import Message
from bot.ids import Action
from governance.folding import went_well
from governance.text import cut, one_line
from storage.tables import Folding

_SHOWN = 8


def folded(folding: Folding) -> Message:
    """Draw the message: how many calls since when, how they ended, and the last of them, what went wrong first."""
    total = sum(folding.counts.values())
    calls = "1 more call" if total == 1 else f"{total} more calls"
    since = f" since {date(folding.counted_since)}" if folding.counted_since else ""
    line = f"🗂️ *{mrkdwn(one_line(folding.agent_name))}* ran {calls} without asking{since}: {_counts(folding.counts)}"
    newest = reversed(folding.lines)
    lines = sorted(newest, key=lambda one: went_well(one["outcome"]))[:_SHOWN]
    blocks = draw("folded", line=line, lines=[_line(one) for one in lines], more=total - len(lines), action=Action)
    return Message(line.replace("*", ""), blocks)


def _line(one: Mapping[str, str]) -> dict[str, str]:
    icon, word = _ENDED[one["outcome"]]
    title = mrkdwn(cut(one_line(one["title"]), 200))
    return {"text": f"{icon} {title} · {word}", "key": one["proposal"]}


def _counts(counts: Mapping[str, int]) -> str:
    """Return the figures in a fixed order, so that what went wrong never hides."""
    bad = any(counts.get(outcome) for outcome in _ENDED if not went_well(outcome))
    figures = [f"{counts[outcome]} {word}" for outcome, (_, word) in _ENDED.items() if counts.get(outcome)]
    return ("⚠️ " if bad else "") + ", ".join(figures)


_ENDED = {
    "succeeded": ("🚀", "done"),
    "failed": ("🔥", "failed"),
    "unknown": ("❓", "outcome unknown"),
    "invalidated": ("🚫", "not run"),
}
