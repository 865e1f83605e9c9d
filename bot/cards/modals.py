"""Modals that only show something: pure functions from stored state to views."""

import json
from collections.abc import Sequence
from typing import Any

from bot.cards import arguments
from bot.cards.answering import people
from bot.cards.blocks import Blocks, draw
from bot.cards.diffs import changes
from bot.cards.facts import facts_of
from bot.cards.kinds import titled, whose_words
from bot.cards.trail import CHUNK, trail_parts
from bot.ids import Action, Callback
from governance.text import cut, one_line, visible
from storage.dossier import Dossier
from storage.tables import AuditEntry

View = dict[str, Any]

_PARTS_A_PAGE = 15
_FACTS_A_SECTION = 10
_PAGE_SIZE = 150_000  # of the 250 KB a view may have, counted as JSON escapes it


def details_modal(
    dossier: Dossier, rendering_id: str, page: int = 0, *, trail: Sequence[AuditEntry] = (), budget: str = "",
    sent: bool = False,
) -> View:  # fmt: skip
    """Show everything about a request, the arguments to the last character, a page at a time.

    `trail` is what happened to it, `budget` its agent's, `sent` that it went out as a file.
    """
    proposal, request = dossier.proposal, dossier.request
    pages = _pages(dossier, trail)
    page = min(max(page, 0), len(pages) - 1)
    facts = facts_of(dossier, budget)
    view: View = draw(
        "details", callback=Callback.DETAILS.value, action=Action, rendering_id=rendering_id, page=page,
        pages=len(pages), parts=pages[page], consequence=proposal.consequence, sent=sent,
        facts=[facts[i : i + _FACTS_A_SECTION] for i in range(0, len(facts), _FACTS_A_SECTION)],
        title=cut(one_line(titled(dossier, proposal.title)), 150),
        reviewers=people(request.reviewers) if request else "—",
    )  # fmt: skip
    return view


def message_modal(title: str, text: str) -> View:
    """Say one thing in a modal."""
    view: View = draw("message", title=cut(title, 24), text=cut(text, 2900))
    return view


def skeleton_modal() -> View:
    """Stand in for a modal that is still being looked up."""
    return message_modal("One moment", "Looking…")


def _pages(dossier: Dossier, trail: Sequence[AuditEntry]) -> list[list[Blocks]]:
    """Cut everything long into parts that fit a block, and the parts into pages that fit a modal."""
    pages: list[list[Blocks]] = [[]]
    room = _PAGE_SIZE
    for part in [*_said(dossier), *trail_parts(trail)]:
        size = len(json.dumps(part))
        if pages[-1] and (len(pages[-1]) == _PARTS_A_PAGE or size > room):
            pages.append([])
            room = _PAGE_SIZE
        pages[-1].append(part)
        room -= size
    return pages


def _said(dossier: Dossier) -> list[Blocks]:
    proposal, execution = dossier.proposal, dossier.execution
    parts = _parts(f"Why, in the words of {visible(whose_words(dossier))}", "quote", visible(proposal.rationale or ""))
    parts += _parts("Exact arguments", "preformatted", arguments.complete(proposal.arguments))
    if (before := proposal.proposed_arguments) is not None:
        parts += _parts("What the edit changed", "preformatted", changes(before, proposal.arguments))
        parts += _parts("Arguments as the agent proposed them", "preformatted", arguments.complete(before))
    if execution is not None:
        parts += _parts("Answer", "preformatted", visible(execution.result or ""))
        parts += _parts("What went wrong", "preformatted", visible(execution.error or ""))
    return parts


def _parts(heading: str, kind: str, text: str) -> list[Blocks]:
    chunks = [text[i : i + CHUNK] for i in range(0, len(text), CHUNK)]
    return [_part(heading if i == 0 else f"{heading}, continued", f"rich_text_{kind}", chunk)
            for i, chunk in enumerate(chunks)]  # fmt: skip


def _part(heading: str, kind: str, text: str) -> Blocks:
    bold = {"type": "text", "text": heading, "style": {"bold": True}}
    return [{"type": "rich_text", "elements": [
        {"type": "rich_text_section", "elements": [bold]},
        {"type": kind, "elements": [{"type": "text", "text": text}]},
    ]}]  # fmt: skip
