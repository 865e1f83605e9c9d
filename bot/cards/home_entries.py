"""One open request on the Home tab: what it is, what its answers do, and the buttons to answer it with. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.cards.answering import approvals
from bot.cards.blocks import date, mrkdwn
from bot.cards.home_buttons import entry_buttons, read_here
from bot.cards.kinds import answers_line, asker, is_question
from governance.text import cut, one_line
from governance.tiers import TIER_ALIASES
from operations.home import entry_key
from storage.dossier import Dossier
from storage.tables import Proposal

_ALIAS = {tier: alias for alias, tier in TIER_ALIASES.items()}


@dataclass(frozen=True, slots=True)
class HomeEntry:
    """One open request, the link to its card, empty while it is not posted, and whether the person may answer it."""

    dossier: Dossier
    link: str
    is_theirs: bool = True


Drawn = dict[str, Any]


def entry(one: HomeEntry, buttons: Mapping[str, str]) -> Drawn:
    """Return what the Home says of a request that waits for its reader."""
    found, request = one.dossier, one.dossier.request
    assert request is not None
    proposal = found.proposal
    count = f"{approvals(found)} of {request.quorum}"
    edited = " · ✏️ arguments edited" if proposal.proposed_arguments is not None else ""
    asked = f"\n{answers_line(found)}" if is_question(found) else ""
    by = f" · {short_name(asker(found))}" if asker(found) else ""
    weight = "" if is_question(found) else f"{_weight(proposal)} · "
    return {
        "line": f"*{title_of(one)}*{by}\n{weight}{count} · expires {date(request.expires_at)}{edited}{asked}",
        **answerable(one, buttons),
    }


def _weight(proposal: Proposal) -> str:
    tier = f"{proposal.tier} ({_ALIAS[proposal.tier]})" if proposal.tier in _ALIAS else f"{proposal.tier}"
    return f"risk {(proposal.risk or 'not declared').replace('_', ' ')} · {tier}"


def answerable(one: HomeEntry, buttons: Mapping[str, str]) -> Drawn:
    """Return what has to be read before a request is answered, and the buttons for that."""
    proposal, key = one.dossier.proposal, entry_key(one.dossier)
    shown, is_whole = read_here(proposal.arguments)
    rendering_id = buttons.get(key, key)
    return {
        "consequence": proposal.consequence, "rendering_id": rendering_id, "arguments": shown, "longer": not is_whole,
        "buttons": entry_buttons(rendering_id, one.dossier),
    }  # fmt: skip


def title_of(one: HomeEntry, limit: int = 150) -> str:
    """Return a request's title, linked to its card where that is posted."""
    title = cut(mrkdwn(one_line(one.dossier.proposal.title)), limit)
    return f"<{one.link}|{title}>" if one.link else title


def short_name(text: str, limit: int = 150) -> str:
    """Return a name, safe to show."""
    return cut(mrkdwn(one_line(text)), limit)
