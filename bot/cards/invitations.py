"""Direct messages that ask somebody to answer: a place of a reviewer is theirs now, or time runs out. Pure."""

from collections.abc import Mapping

from bot.cards import arguments
from bot.cards.answering import away, expires
from bot.cards.blocks import draw, mrkdwn
from bot.cards.message import TEXT, Message
from bot.cards.status import fallback, status_line
from bot.ids import Action
from governance.canonical import short
from governance.text import cut, one_line, visible
from storage.dossier import Dossier


def invitation(payload: Mapping[str, str], dossier: Dossier, link: str) -> Message:
    """Draw the message. `link` leads to the card, empty while that is not posted."""
    proposal, by, reason = dossier.proposal, payload.get("by", ""), payload.get("reason")
    title = mrkdwn(one_line(proposal.title))
    asks = f"<@{by}> asks you to answer in their place"
    if payload.get("event") == "covered":
        asks = f"You answer for <@{by}>, who is {away(payload.get('until'))}"
    line = f"🤝 {asks}: *{f'<{link}|{title}>' if link else title}*"
    blocks = draw(
        "told", line=f"{line} · {mrkdwn(one_line(proposal.agent_name))}", status=status_line(dossier),
        arguments=arguments.preview(proposal.arguments), consequence=proposal.consequence,
        quote=cut(visible(reason), 900) if reason else None, whose="What they say to you",
        key=proposal.id, action=Action, verb=cut(one_line(proposal.title), 50),
        footer=f"Digest `{short(proposal.digest)}` · {proposal.id}",
    )  # fmt: skip
    return Message(cut(f"{asks}. {fallback(dossier)}", TEXT), blocks)


def last_call(dossier: Dossier, link: str) -> Message:
    """Draw the last warning to somebody who may answer and has not. `link` as above."""
    proposal = dossier.proposal
    title = mrkdwn(one_line(proposal.title))
    line = f"⚠️ Last call, this expires {expires(dossier)}: *{f'<{link}|{title}>' if link else title}*"
    blocks = draw(
        "told", line=f"{line} · {mrkdwn(one_line(proposal.agent_name))}", status=status_line(dossier),
        arguments=arguments.preview(proposal.arguments), consequence=proposal.consequence, quote=None,
        key=proposal.id, action=Action, verb=cut(one_line(proposal.title), 50),
        footer=f"Digest `{short(proposal.digest)}` · {proposal.id}",
    )  # fmt: skip
    return Message(cut(f"Last call. {fallback(dossier)}", TEXT), blocks)
