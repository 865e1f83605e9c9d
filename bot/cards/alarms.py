"""The direct message to those who can help when too few who may decide are there: pure, from stored state."""

from collections.abc import Mapping

from bot.cards import arguments
from bot.cards.answering import expires, is_escalated, people, shortage
from bot.cards.blocks import date, draw, mrkdwn
from bot.cards.message import TEXT, Message
from bot.cards.status import fallback, status_line
from bot.ids import Action
from governance.canonical import short
from governance.text import cut, one_line
from storage.dossier import Dossier


def alarm(payload: Mapping[str, str], dossier: Dossier, link: str) -> Message:
    """Draw the message. `link` leads to the card, empty while that is not posted."""
    proposal, request, near = dossier.proposal, dossier.request, payload.get("reachable", "").split()
    short_of = shortage(len(near), request.quorum if request else 1)
    title = mrkdwn(one_line(proposal.title))
    parts = [f"🚨 {short_of}: *{f'<{link}|{title}>' if link else title}* · {mrkdwn(one_line(proposal.agent_name))}"]
    parts += [f"Asked: {_asked(payload.get('asked', ''))}" + (f" · there: {people(near)}" if near else "")]
    blocks = draw(
        "told", line="\n".join([*parts, _way_out(dossier)]), status=status_line(dossier),
        arguments=arguments.preview(proposal.arguments), consequence=proposal.consequence, quote=None, whose="",
        key=proposal.id, action=Action, verb=cut(one_line(proposal.title), 50),
        footer=f"Digest `{short(proposal.digest)}` · {proposal.id}",
    )  # fmt: skip
    return Message(cut(f"{short_of}. {fallback(dossier)}", TEXT), blocks)


def _asked(asked: str) -> str:
    """Return who was asked; groups by their handle where Slack told it, so that nobody is pinged."""
    handles = [mrkdwn(one) for one in asked.split() if one.startswith("@")]
    others = [one for one in asked.split() if not one.startswith("@")]
    return ", ".join([*handles, *([people(others)] if others else [])])


def _way_out(dossier: Dossier) -> str:
    request, tool = dossier.request, mrkdwn(dossier.proposal.tool)
    if request is not None and request.escalate_at is not None and not is_escalated(request):
        return f"It escalates to {people(request.escalate_to)} {date(request.escalate_at)}."
    return (
        f"It expires {expires(dossier)}. Until then somebody has to come back or name a stand-in; or widen "
        f"`reviewers` of `{tool}` in countersign.toml and let the agent withdraw it and ask anew. "
        f"`/approvals who {tool}` shows who could answer."
    )
