"""Answers to commands: a page of a list, one call in short, or a sentence. Pure, from stored state."""

from dataclasses import dataclass

from bot.cards.answering import circumstances, people
from bot.cards.blocks import date, draw, mrkdwn
from bot.cards.message import TEXT, Message
from bot.cards.status import fallback, outcome_line, status_line
from bot.ids import Action
from governance.canonical import short
from governance.lifecycle import RequestStatus
from governance.text import cut, one_line
from storage.dossier import Dossier

_ICONS = {
    RequestStatus.PENDING: "⏳",
    RequestStatus.DEFERRED: "💤",
    RequestStatus.APPROVED: "✅",
    RequestStatus.REJECTED: "❌",
    RequestStatus.EXPIRED: "⌛",
    RequestStatus.WITHDRAWN: "↩️",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a list, in mrkdwn; `key` is the proposal that its Details button opens, empty for none."""

    text: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list. `question` is what its buttons carry: what was asked, to be asked again; empty for none."""

    heading: str
    lines: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()
    page: int = 0
    pages: int = 1
    question: str = ""
    can_share: bool = False
    can_batch: bool = False


def listing(found: Listing) -> Message:
    """Draw a list for the one person who asked."""
    pages = (f"Page {found.page + 1} of {found.pages}",) if found.pages > 1 else ()
    blocks = draw(
        "list", heading=found.heading, lines=found.lines, notes=[*pages, *found.notes],
        buttons=_buttons(found), question=found.question, action=Action,
    )  # fmt: skip
    return Message(_text(found, *pages), blocks)


def shared(found: Listing, by: str) -> Message:
    """Draw the same page for everybody in a channel: no buttons, and who shared it."""
    blocks = draw(
        "list", heading=found.heading, lines=[Line(one.text) for one in found.lines], notes=[f"Shared by <@{by}>"],
        buttons=[], question="", action=Action,
    )  # fmt: skip
    return Message(_text(found), blocks)


def _text(found: Listing, *notes: str) -> str:
    """Say the page in text alone, whole lines as far as there is room."""
    lines = [cut(found.heading, 1000), *(f"• {one.text}" for one in found.lines), *notes, *found.notes]
    said = lines[0]
    for line in lines[1:]:
        if len(said) + len(line) + 1 > TEXT:
            return f"{said}\n…"
        said = f"{said}\n{line}"
    return said


def _buttons(found: Listing) -> list[tuple[Action, str]]:
    offered = [
        (Action.LIST_BACK, "Previous", found.page > 0), (Action.LIST_ON, "Next", found.page + 1 < found.pages),
        (Action.LIST_BATCH, "Approve several…", found.can_batch), (Action.LIST_SHARE, "Share here", found.can_share),
    ]  # fmt: skip
    return [(action, words) for action, words, is_offered in offered if is_offered and found.question]


def entry(found: Dossier, link: str, *, is_yours: bool = False) -> Line:
    """Draw one request of a list: title, agent, tool, risk and where it stands, and nothing an agent wrote."""
    proposal = found.proposal
    title = mrkdwn(cut(one_line(proposal.title), 70))
    name = f"*<{link}|{title}>*" if link else f"*{title}*"
    agent, tool = mrkdwn(cut(one_line(proposal.agent_name), 40)), mrkdwn(cut(one_line(proposal.tool), 60))
    risk = (proposal.risk or "risk not declared").replace("_", " ")
    yours = " · you may answer" if is_yours else ""
    return Line(f"{name} · {agent}\n`{tool}` · {risk} · {_standing(found)}{yours}", proposal.id)


def _standing(found: Dossier) -> str:
    request = found.request
    assert request is not None
    icon = _ICONS[request.status]
    if request.status is RequestStatus.PENDING:
        return f"expires {date(request.expires_at)}"
    if request.status is RequestStatus.DEFERRED:
        return f"{icon} put off{f' until {date(request.reopen_at)}' if request.reopen_at else ''}"
    return f"{icon} {request.status}{f' {date(request.decided_at)}' if request.decided_at else ''}"


def in_short(found: Dossier, link: str) -> Message:
    """Draw one call in short: where it stands, who may decide, where its card is, and a button for the rest."""
    proposal, request = found.proposal, found.request
    title = mrkdwn(cut(one_line(f"{proposal.title} · {proposal.agent_name}"), 200))
    risk = (proposal.risk or "not declared").replace("_", " ")
    facts = [f"Tool `{mrkdwn(cut(one_line(proposal.tool), 80))}` · risk {risk}"]
    facts += [f"May decide: {people(request.reviewers)}"] if request else []
    ids = [f"Digest `{short(proposal.digest)}`", proposal.id, *([request.id] if request else [])]
    blocks = draw(
        "in_short", title=f"*<{link}|{title}>*" if link else f"*{title}*", status=status_line(found),
        outcome=outcome_line(found.execution), facts=[*facts, *circumstances(found)], consequence=proposal.consequence,
        footer=" · ".join(ids), key=proposal.id, action=Action,
    )  # fmt: skip
    return Message(fallback(found), blocks)


def sentence(text: str) -> Message:
    """Answer in words alone. `text` is mrkdwn that is safe already."""
    return Message(cut(text, TEXT), [])
