"""The card of a request: a pure function from stored state to what Slack is sent."""

from typing import Any

from bot.cards import arguments
from bot.cards.answering import approvals, circumstances, people, votes
from bot.cards.blocks import date, draw, mrkdwn
from bot.cards.buttons import buttons_of, is_decidable, option_value, options_of
from bot.cards.diffs import changes_in_short
from bot.cards.impact import declared_risk
from bot.cards.kinds import answers_line, asker, is_question, titled, whose_words
from bot.cards.message import Message
from bot.cards.spend import Budget, spend_field
from bot.cards.status import fallback, outcome_line, status_line
from bot.cards.tables import changes_table
from bot.ids import Action
from governance.canonical import short
from governance.lifecycle import RequestStatus
from governance.questions import AGENT
from governance.reviewers import ReviewVerdict
from governance.text import cut, one_line, visible
from governance.tiers import TIER_ALIASES
from storage.dossier import Dossier
from storage.tables import Proposal

_ALIAS = {tier: alias for alias, tier in TIER_ALIASES.items()}
_SHOWN_DEFERRALS = 2
_HALF = 1200  #: of the arguments and of what changed, where a card has to show both


def card(
    dossier: Dossier, rendering_id: str, *, discussed_at: str | None = None, budget: str = "",
    spent: Budget | None = None,
) -> Message:  # fmt: skip
    """Draw the card of a request. `rendering_id` is all its buttons carry; `discussed_at` links to its thread;
    `budget` says how many unasked calls its agent has left, `spent` what it spent of its cap, where it has one."""
    before, after = dossier.proposal.proposed_arguments, dossier.proposal.arguments
    table = changes_table(before, after) if before is not None else None
    fixed = _values(dossier, rendering_id, discussed_at, _fields(dossier, budget, spent))
    plain = draw("request", table=None, changes=_changes(dossier.proposal), **fixed)
    rich = draw("request", table=table, changes=None, **fixed) if table else None
    return Message(fallback(dossier), rich or plain, plain if rich else None)


def _values(dossier: Dossier, rendering_id: str, discussed_at: str | None, fields: list[str]) -> dict[str, Any]:
    proposal = dossier.proposal
    options = [{"text": words, "value": option_value(one, rendering_id)} for one, words in options_of(dossier)]
    decidable = is_decidable(dossier)
    title = " · ".join(one for one in (proposal.title, asker(dossier)) if one)
    return {
        "title": cut(one_line(titled(dossier, title)), 150),
        "status": status_line(dossier), "outcome": outcome_line(dossier.execution),
        "answers": answers_line(dossier) if decidable else None, "circumstances": circumstances(dossier),
        "fields": fields, "consequence": proposal.consequence, "arguments": _arguments(proposal),
        "words": _words(dossier), "votes": votes(dossier) if decidable and approvals(dossier) else None,
        "footer": _footer(dossier, discussed_at), "buttons": buttons_of(dossier), "options": options,
        "rendering_id": rendering_id, "action": Action, "verb": cut(one_line(proposal.title), 50),
    }  # fmt: skip


def _arguments(proposal: Proposal) -> str:
    limit = arguments.PREVIEW_TOTAL if proposal.proposed_arguments is None else _HALF
    return arguments.preview(proposal.arguments, limit)


def _changes(proposal: Proposal) -> str | None:
    before = proposal.proposed_arguments
    return changes_in_short(before, proposal.arguments, _HALF) if before is not None else None


def _fields(dossier: Dossier, budget: str, spent: Budget | None) -> list[str]:
    return [
        *(_of_question(dossier) if is_question(dossier) else _of_call(dossier)),
        *([f"*May decide*\n{people(dossier.request.reviewers)}"] if dossier.request is not None else []),
        *([f"*Runs unasked*\n{budget}"] if budget else []),
        *([spend_field(spent)] if spent is not None else []),
    ]


def _of_call(dossier: Dossier) -> list[str]:
    proposal = dossier.proposal
    tier = f"{proposal.tier} ({_ALIAS[proposal.tier]})" if proposal.tier in _ALIAS else f"{proposal.tier}"
    person = f"for <@{proposal.on_behalf_of}>" if proposal.on_behalf_of else f"made by <@{proposal.creator}>"
    return [
        f"*Agent*\n{mrkdwn(proposal.agent_name)}, {person}",
        f"*Tool*\n`{mrkdwn(proposal.tool)}`",
        f"*Risk and tier*\n{declared_risk(proposal)} · {tier}",
    ]


def _of_question(dossier: Dossier) -> list[str]:
    request = dossier.request
    assert request is not None
    about = f"agent `{mrkdwn(request.target_id or '')}`" if request.target_type == AGENT else "an automation"
    return [f"*About*\n{about} of <@{dossier.proposal.creator}>", f"*Asked by*\n{_asked_by(dossier)}"]


def _asked_by(dossier: Dossier) -> str:
    person = dossier.proposal.requester
    return mrkdwn(asker(dossier)) or (f"<@{person}>" if person else "Countersign itself")


def _words(dossier: Dossier) -> list[dict[str, str]]:
    """Return what people and programs said, each with whose words they are; Slack parses none of it."""
    proposal, request, execution = dossier.proposal, dossier.request, dossier.execution
    said = [(f"Why, in the words of {whose_words(dossier)}", proposal.rationale)]
    if request is not None and request.reason:
        by_agent = request.status is RequestStatus.WITHDRAWN and request.decided_by is None
        said.append(("Reason given by the agent" if by_agent else "Reason given", request.reason))
    if request is not None and request.status is RequestStatus.DEFERRED:
        put_off = [review for review in dossier.reviews if review.verdict is ReviewVerdict.DEFER]
        said += [("Why it was put off", review.reason) for review in put_off[-_SHOWN_DEFERRALS:]]
    if execution is not None:
        said += [("Answer", execution.result), ("What went wrong", execution.error)]
    return [{"whose": whose, "text": cut(visible(text), 700)} for whose, text in said if text]


def _footer(dossier: Dossier, discussed_at: str | None) -> str:
    proposal = dossier.proposal
    parts = [f"Digest `{short(proposal.digest)}`", f"asked {date(proposal.created_at)}", proposal.id]
    if arguments.is_cut(proposal.arguments, arguments.PREVIEW_TOTAL if proposal.proposed_arguments is None else _HALF):
        parts.append("*arguments are cut here, complete in Details*")
    if discussed_at:
        parts.append(f"<{discussed_at}|discussed in its thread>")
    return " · ".join(parts)
