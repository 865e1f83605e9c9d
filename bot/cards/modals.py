"""Modals: pure functions from stored state to views."""

import json
from typing import Any

from bot.cards import arguments
from bot.cards.answering import people
from bot.cards.blocks import draw, mrkdwn
from bot.cards.diffs import changes
from bot.ids import Action, Callback
from governance.text import cut, one_line, visible
from storage.dossier import Dossier

View = dict[str, Any]

_CHUNK = 2900
_PARTS_A_PAGE = 15
_PAGE_SIZE = 150_000  # of the 250 KB a view may have, counted as JSON escapes it


def details_modal(dossier: Dossier, rendering_id: str, page: int = 0) -> View:
    """Show everything about a request, the arguments to the last character, a page at a time."""
    proposal, request = dossier.proposal, dossier.request
    pages = _pages(dossier)
    page = min(max(page, 0), len(pages) - 1)
    view: View = draw(
        "details", callback=Callback.DETAILS.value, action=Action, rendering_id=rendering_id, page=page,
        pages=len(pages), parts=pages[page], facts=_facts(dossier), title=cut(one_line(proposal.title), 150),
        consequence=proposal.consequence, reviewers=people(request.reviewers) if request else "—",
    )  # fmt: skip
    return view


def message_modal(title: str, text: str) -> View:
    """Say one thing in a modal."""
    view: View = draw("message", title=cut(title, 24), text=cut(text, 2900))
    return view


def _pages(dossier: Dossier) -> list[list[dict[str, str]]]:
    """Cut everything long into parts that fit a block, and the parts into pages that fit a modal."""
    proposal = dossier.proposal
    parts = _parts(f"Why, in the words of {visible(proposal.agent_name)}", "quote", visible(proposal.rationale or ""))
    parts += _parts("Exact arguments", "preformatted", arguments.complete(proposal.arguments))
    if (before := proposal.proposed_arguments) is not None:
        parts += _parts("What the edit changed", "preformatted", changes(before, proposal.arguments))
        parts += _parts("Arguments as the agent proposed them", "preformatted", arguments.complete(before))
    pages: list[list[dict[str, str]]] = [[]]
    room = _PAGE_SIZE
    for part in parts:
        size = len(json.dumps(part))
        if pages[-1] and (len(pages[-1]) == _PARTS_A_PAGE or size > room):
            pages.append([])
            room = _PAGE_SIZE
        pages[-1].append(part)
        room -= size
    return pages


def _parts(heading: str, kind: str, text: str) -> list[dict[str, str]]:
    chunks = [text[i : i + _CHUNK] for i in range(0, len(text), _CHUNK)]
    return [
        {"heading": heading if i == 0 else f"{heading}, continued", "kind": f"rich_text_{kind}", "text": chunk}
        for i, chunk in enumerate(chunks)
    ]


def _facts(dossier: Dossier) -> list[str]:
    proposal, request, execution = dossier.proposal, dossier.request, dossier.execution
    facts = [
        f"*Proposal*\n`{proposal.id}`", f"*Agent*\n{mrkdwn(proposal.agent_name)} (`{mrkdwn(proposal.agent_id)}`)",
        f"*Tool*\n`{mrkdwn(proposal.tool)}`", f"*Verdict*\n{mrkdwn(proposal.reason)}", f"*State*\n{proposal.state}",
    ]  # fmt: skip
    if request is not None:
        facts.append(f"*Quorum*\n{request.quorum}, version {request.version}")
        facts += [f"*Delegated*\n<@{one.giver}> to <@{one.taker}>" for one in dossier.delegations[:1]]
    if execution is not None:
        facts.append(f"*Execution*\n`{execution.id}` {execution.status}, attempt {execution.attempt}")
    return facts
