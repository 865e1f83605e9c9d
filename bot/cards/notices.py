"""Direct messages about things that are no calls: pauses, tiers, old rules."""

from collections.abc import Mapping

from bot.cards import automation_notices
from bot.cards.blocks import draw, mrkdwn
from bot.cards.message import Message
from governance.text import cut, one_line, visible

_LINES = {
    "agent_paused": "⏸️ <@{by}> paused your agent *{agent}*: its calls are denied until somebody resumes it",
    "agent_resumed": "▶️ <@{by}> resumed your agent *{agent}*",
    "tier_changed": "🎚️ Your agent *{agent}* now acts at tier *{tier}*{for_target}, decided by <@{by}>",
    "spend_warning": "💸 Your agent *{agent}* has spent {cost} of its {cap} USD of this week",
    "spend_stopped": (
        "🛑 Your agent *{agent}* has spent {cost} of its {cap} USD of this week: its calls are denied and its runs "
        "paused until Monday, until an admin lets it spend on, or until its cap is raised"
    ),
    "spend_released": "▶️ Your agent *{agent}* may spend again: {why}",
    "channel_closed": (
        "🚧 Cards cannot be posted in <#{channel}> (`{channel}`, {why}). To mend it: {remedy}. Until then those who "
        "may decide get their cards as direct messages"
    ),
    "thread_closed": (
        "🚧 Cards cannot be posted into threads in <#{channel}> (`{channel}`, {why}), so they stand in the approvals "
        "channel alone. To mend it: {remedy}"
    ),
    "old_rule": (
        "🗓️ A rule you made three months ago or earlier still answers: *{effect}* `{tool}` by *{agent}*, used {used}. "
        "If it is not meant any more: `/approvals revoke {rule}`"
    ),
    "webhook_dead": (
        "📮 A webhook at `{host}` took no event for a day, so the first is given up ({why}). Those after it are "
        "still tried; `POST /webhooks/{webhook}/replay` sends what was given up again"
    ),
    "webhook_gone": ("📮 The webhook at `{host}` says that it is gone ({why}), so `{webhook}` is switched off"),
    **automation_notices.LINES,
}
NOTICES = frozenset(_LINES)


def notice(event: str, told: Mapping[str, str]) -> Message:
    """Draw a notice from what its commit wrote down."""
    words = {name: mrkdwn(one_line(value)) for name, value in told.items()}
    words["for_target"] = f" for `{words['target']}`" if words.get("target") else ""
    words["by_whom"] = automation_notices.whom(words)
    line = cut(_LINES[event].format(**words), 2900)
    quote = told.get("reason")
    return Message(line, draw("note", line=line, quote=cut(visible(quote), 900) if quote else None))
