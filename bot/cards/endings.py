"""The direct message that tells an owner how a call of their agent ended: pure, from stored state."""

from bot.cards import arguments
from bot.cards.blocks import draw, mrkdwn
from bot.cards.kinds import kind_of
from bot.cards.message import TEXT, Message
from bot.cards.status import fallback, status_line
from bot.ids import Action
from governance.canonical import short
from governance.text import cut, one_line, visible
from governance.tiers import Tier
from storage.dossier import Dossier
from storage.tables import Proposal


def direct_message(event: str, dossier: Dossier) -> Message:
    """Draw the direct message that tells an owner how a call of their agent ended."""
    proposal, request = dossier.proposal, dossier.request
    line = f"{_ending(event, dossier)} *{mrkdwn(one_line(proposal.title))}* · {mrkdwn(one_line(proposal.agent_name))}"
    whose, said = _said(event, dossier)
    decided = f"{status_line(dossier)}\n" if request is not None else ""
    blocks = draw(
        "told", line=line, status=decided + f"{_tier_line(proposal)}", arguments=arguments.preview(proposal.arguments),
        consequence=proposal.consequence, quote=cut(visible(said), 900) if said else None, whose=whose,
        footer=f"Digest `{short(proposal.digest)}` · {proposal.id}", key=proposal.id, action=Action,
        verb=cut(one_line(proposal.title), 50),
    )  # fmt: skip
    return Message(cut(f"{line.replace('*', '')} {fallback(dossier)}", TEXT), blocks)


def _ending(event: str, dossier: Dossier) -> str:
    no = kind_of(dossier).no
    return f"{no.mark} {no.given}:" if event == "rejected" else _ENDINGS[event]


def _said(event: str, dossier: Dossier) -> tuple[str, str | None]:
    """Return what was said at the end, after the words that say whose it is."""
    execution, request = dossier.execution, dossier.request
    if event == "rejected" and request is not None:
        return "Reason given", request.reason
    error, result = (execution.error, execution.result) if execution else (None, None)
    return ("What went wrong", error) if error else ("Answer", result)


def _tier_line(proposal: Proposal) -> str:
    if proposal.tier is Tier.ACT_AND_NOTIFY:
        return "It ran without asking, at tier act_and_notify (L2)."
    return f"Tier {proposal.tier}."


_ENDINGS = {
    "succeeded": "🚀 Done:",
    "failed": "🔥 Failed:",
    "unknown": "❓ Outcome unknown:",
    "invalidated": "🚫 Not run:",
    "expired": "⌛ Expired, nobody answered:",
    "withdrawn": "↩️ Withdrawn:",
}
