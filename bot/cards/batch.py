"""The modal in which somebody approves several calls of low risk, and what came of it: pure, from stored state."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.cards.blocks import draw, mrkdwn
from bot.cards.modals import View, message_modal
from bot.ids import Block, Callback, Field
from governance.text import cut, one_line
from storage.dossier import Dossier

TITLE = "Approve several"
MOST = 50
_IN_A_GROUP = 10  # options that a group of checkboxes holds
_SHOWN = 15
_NOTHING = "Nothing of low risk waits for you. `/approvals mine` lists everything that does."


class Ending(StrEnum):
    """What came of one call, in the words of the summary."""

    APPROVED = "approved"
    COUNTED = "approved by you and waiting for others"
    ALREADY = "already decided"
    EDITED = "edited since you looked, not approved"
    EXPIRED = "expired before"
    WITHDRAWN = "withdrawn before"
    REFUSED = "not approved"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one call; `said` is mrkdwn that says more, empty where the ending says it all."""

    title: str
    ending: Ending
    said: str = ""


def choosing_modal(offered: Sequence[tuple[Dossier, str]], left: int) -> View:
    """Ask which calls to approve. `offered`: each with the opaque id of its rendering; `left`: how many did not fit."""
    if not offered:
        return message_modal(TITLE, _NOTHING)
    lines = ["Each is decided by itself, exactly as listed here: what changes meanwhile is not approved."]
    if left:
        lines.append(f"{left} more are waiting; run it again afterwards.")
    view: View = draw("batch", callback=Callback.BATCH.value, title=TITLE, lines=lines, groups=_groups(offered),
                      block=Block.BATCH.value, ticked=Field.TICKED.value)  # fmt: skip
    return view


def _groups(offered: Sequence[tuple[Dossier, str]]) -> list[dict[str, Any]]:
    """Put the calls of one tool together, ten to a group."""
    tools: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for found, rendering_id in offered:
        tools[found.proposal.tool].append(_option(found, rendering_id))
    return [
        {"label": cut(one_line(tool), 200), "options": options[start : start + _IN_A_GROUP]}
        for tool, options in tools.items()
        for start in range(0, len(options), _IN_A_GROUP)
    ]


def _option(found: Dossier, rendering_id: str) -> dict[str, Any]:
    proposal = found.proposal
    text = f"{cut(one_line(proposal.title), 45)} · {cut(one_line(proposal.agent_name), 27)}"
    option: dict[str, Any] = {"text": _plain(text), "value": rendering_id}
    if consequence := one_line(proposal.consequence or ""):
        option["description"] = _plain(cut(consequence, 75))
    return option


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def working_modal(count: int) -> View:
    """Say that the answers are being recorded."""
    return message_modal(TITLE, f"Working… {count} calls, one after the other. This changes when it is done.")


def summary(outcomes: Iterable[Outcome]) -> str:
    """Say in mrkdwn what came of every call: how many of each, then each that was not approved."""
    found = list(outcomes)
    if not found:
        return "Nothing was ticked, so nothing was approved."
    counts = Counter(one.ending for one in found)
    head = " · ".join(f"*{counts[ending]}* {ending}" for ending in Ending if counts[ending])
    others = [one for one in found if one.ending is not Ending.APPROVED]
    lines = [f"• {mrkdwn(cut(one_line(one.title), 60))}: {one.said or one.ending}" for one in others[:_SHOWN]]
    more = [f"… and {len(others) - _SHOWN} more"] if len(others) > _SHOWN else []
    return "\n".join([head[:1].upper() + head[1:], *lines, *more])


def summary_modal(outcomes: Iterable[Outcome]) -> View:
    """Show what came of every call."""
    return message_modal(TITLE, summary(outcomes))
