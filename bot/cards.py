"""Cards, thread lines and direct messages: pure functions from stored state to what Slack is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot import arguments
from bot.answering import approvals, called, circumstances, decider, silent, votes
from bot.answering import people as people
from bot.buttons import buttons_of, option_value, options_of
from bot.buttons import is_decidable as is_decidable
from bot.diffs import changes_in_short
from bot.drawing import Blocks, date, draw, mrkdwn
from bot.ids import Action
from governance.canonical import short
from governance.lifecycle import ExecutionStatus, RequestStatus
from governance.reviewers import ReviewVerdict
from governance.text import cut, one_line, visible
from governance.tiers import TIER_ALIASES, Tier
from storage.dossier import Dossier
from storage.tables import ApprovalRequest, Execution, Proposal

_ALIAS = {tier: alias for alias, tier in TIER_ALIASES.items()}
_SHOWN_DEFERRALS = 2
TEXT = 3500  #: characters of a message's fallback text at most
_HALF = 1200  #: of the arguments and of what changed, where a card has to show both


@dataclass(frozen=True, slots=True)
class Message:
    """What one Slack message says: the fallback for notifications and screen readers, and the blocks."""

    text: str
    blocks: Blocks


def card(dossier: Dossier, rendering_id: str, *, discussed_at: str | None = None) -> Message:
    """Draw the card of a request. `rendering_id` is all its buttons carry; `discussed_at` links to its thread."""
    proposal = dossier.proposal
    options = [{"text": words, "value": option_value(one, rendering_id)} for one, words in options_of(dossier)]
    blocks = draw(
        "request",
        title=cut(one_line(f"{proposal.title} · {proposal.agent_name}"), 150),
        status=status_line(dossier), outcome=_outcome(dossier.execution), circumstances=circumstances(dossier),
        fields=_fields(dossier), consequence=proposal.consequence, arguments=_arguments(proposal),
        changes=_changes(proposal), words=_words(dossier),
        votes=votes(dossier) if is_decidable(dossier) and approvals(dossier) else None,
        footer=_footer(dossier, discussed_at), buttons=buttons_of(dossier), options=options,
        rendering_id=rendering_id, action=Action, verb=cut(one_line(proposal.title), 50),
    )  # fmt: skip
    return Message(fallback(dossier), blocks)


def _arguments(proposal: Proposal) -> str:
    limit = arguments.PREVIEW_TOTAL if proposal.proposed_arguments is None else _HALF
    return arguments.preview(proposal.arguments, limit)


def _changes(proposal: Proposal) -> str | None:
    before = proposal.proposed_arguments
    return changes_in_short(before, proposal.arguments, _HALF) if before is not None else None


def status_line(dossier: Dossier) -> str:
    """Return where a request stands, in one line of mrkdwn."""
    request = dossier.request
    if request is None:
        return "▫️ *Ran without asking*" if dossier.execution is not None else "Recorded"
    if dossier.execution is not None and dossier.execution.unasked:
        return f"🔁 *Asked again* · runs without people now: {mrkdwn(cut(dossier.proposal.reason, 300))}"
    line: str = _STATUS[request.status](request, dossier)
    return line


def _waiting(request: ApprovalRequest, dossier: Dossier) -> str:
    count = f"{approvals(dossier)} of {request.quorum}"
    kind = "Suggested: runs only if approved" if dossier.proposal.tier is Tier.SUGGEST else "Waiting for approval"
    return f"⏳ *{kind}* · {count} · expires {date(request.expires_at)}"


def _deferred(request: ApprovalRequest, dossier: Dossier) -> str:
    until = f" until {date(request.reopen_at)}" if request.reopen_at else ""
    return f"💤 *Put off*{until} · {approvals(dossier)} of {request.quorum} · expires {date(request.expires_at)}"


def _decided(icon: str, word: str) -> Any:
    def line(request: ApprovalRequest, dossier: Dossier) -> str:
        others = [r.reviewer for r in dossier.reviews if _agrees(r.verdict, word) and r.reviewer != request.decided_by]
        with_them = f", with {people(others)}" if others else ""
        return f"{icon} *{word}* by {decider(dossier)}{with_them} {_when(request.decided_at)}"

    return line


def _agrees(verdict: ReviewVerdict, word: str) -> bool:
    return verdict is (ReviewVerdict.APPROVE if word == "Approved" else ReviewVerdict.REJECT)


def _expired(request: ApprovalRequest, _dossier: Dossier) -> str:
    return f"⌛ *Expired* {_when(request.decided_at)} · nobody answered in time; the agent may ask again"


def _withdrawn(request: ApprovalRequest, _dossier: Dossier) -> str:
    who = f"<@{request.decided_by}>" if request.decided_by else "the agent"
    return f"↩️ *Withdrawn* by {who} {_when(request.decided_at)}"


_STATUS = {
    RequestStatus.PENDING: _waiting,
    RequestStatus.DEFERRED: _deferred,
    RequestStatus.APPROVED: _decided("✅", "Approved"),
    RequestStatus.REJECTED: _decided("❌", "Rejected"),
    RequestStatus.EXPIRED: _expired,
    RequestStatus.WITHDRAWN: _withdrawn,
}


def _outcome(execution: Execution | None) -> str | None:
    """Return the line about the running of the call, in our own words; what came back is shown apart."""
    if execution is None:
        return None
    attempt = f"attempt {execution.attempt}"
    again = f"🔁 *{attempt.capitalize()} brought no answer* · next try {date(execution.next_attempt_at)}"
    return {
        ExecutionStatus.QUEUED: again if execution.attempt else "🕐 *Queued to run*",
        ExecutionStatus.RUNNING: f"▶️ *Running* · {attempt}",
        ExecutionStatus.SUCCEEDED: f"🚀 *Succeeded* in {_seconds(execution)} · {attempt}",
        ExecutionStatus.FAILED: f"🔥 *Failed* after {attempt}",
        ExecutionStatus.UNKNOWN: "❓ *Outcome unknown* · it may or may not have happened; look before repeating it",
        ExecutionStatus.INVALIDATED: "🚫 *Not run* · what was approved no longer holds; the agent may ask again",
    }[execution.status]


def _seconds(execution: Execution) -> str:
    if execution.started_at is None or execution.finished_at is None:
        return "no time"
    seconds = (execution.finished_at - execution.started_at).total_seconds()
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _fields(dossier: Dossier) -> list[str]:
    proposal, request = dossier.proposal, dossier.request
    tier = f"{proposal.tier} ({_ALIAS[proposal.tier]})" if proposal.tier in _ALIAS else f"{proposal.tier}"
    fields = [
        f"*Agent*\n{mrkdwn(proposal.agent_name)} (`{mrkdwn(proposal.agent_id)}`)",
        f"*Tool*\n`{mrkdwn(proposal.tool)}`",
        f"*Risk*\n{(proposal.risk or 'not declared').replace('_', ' ')}",
        f"*Tier*\n{tier}",
    ]
    if request is not None:
        fields.append(f"*May decide*\n{people(request.reviewers)}")
    asked_for = f"<@{proposal.on_behalf_of}>" if proposal.on_behalf_of else f"<@{proposal.creator}> (creator)"
    return [*fields, f"*{'On behalf of' if proposal.on_behalf_of else 'Belongs to'}*\n{asked_for}"]


def _words(dossier: Dossier) -> list[dict[str, str]]:
    """Return what people and programs said, each with whose words they are; Slack parses none of it."""
    proposal, request, execution = dossier.proposal, dossier.request, dossier.execution
    said = [(f"Why, in the words of {proposal.agent_name}", proposal.rationale)]
    if request is not None and request.reason:
        by_agent = request.status is RequestStatus.WITHDRAWN and request.decided_by is None
        said.append(("Reason given by the agent" if by_agent else "Reason given", request.reason))
    if request is not None and request.status is RequestStatus.DEFERRED:
        put_off = [review for review in dossier.reviews if review.verdict is ReviewVerdict.DEFER]
        said += [("Why it was put off", review.reason) for review in put_off[-_SHOWN_DEFERRALS:]]
    if execution is not None:
        said += [("Answer", execution.result), ("Trouble", execution.error)]
    return [{"whose": whose, "text": cut(visible(text), 700)} for whose, text in said if text]


def _footer(dossier: Dossier, discussed_at: str | None) -> str:
    proposal = dossier.proposal
    parts = [f"Digest `{short(proposal.digest)}`", f"asked {date(proposal.created_at)}", f"`{proposal.id}`"]
    if arguments.is_cut(proposal.arguments, arguments.PREVIEW_TOTAL if proposal.proposed_arguments is None else _HALF):
        parts.append("*arguments are cut here, complete in Details*")
    if discussed_at:
        parts.append(f"<{discussed_at}|discussed in its thread>")
    return " · ".join(parts)


def _when(moment: datetime | None) -> str:
    return date(moment) if moment else ""


def fallback(dossier: Dossier) -> str:
    """Say the whole card in one text, for push notifications and screen readers; only long words are cut."""
    proposal = dossier.proposal
    given = arguments.one_line_preview(proposal.arguments, 1200)
    parts = [
        f"{cut(mrkdwn(proposal.agent_name), 200)}: {cut(mrkdwn(proposal.title), 200)}.",
        cut(mrkdwn(proposal.consequence or ""), 700), f"Arguments: {cut(mrkdwn(given), 1200)}",
        status_line(dossier).replace("*", ""), (_outcome(dossier.execution) or "").replace("*", ""),
        f"Digest {short(proposal.digest)}",
    ]  # fmt: skip
    return cut(" ".join(part for part in parts if part), TEXT)


def note(event: str, payload: Mapping[str, str], dossier: Dossier) -> Message:
    """Draw one line for the thread where a request is discussed."""
    by, request = f"<@{payload.get('by', '')}>", dossier.request
    expires = date(request.expires_at) if request else ""
    line = _LINES[event].format(
        by=by, to=_addressed(event, payload.get("to", "")), expires=expires, missing=people(silent(dossier)),
        votes=approvals(dossier), quorum=request.quorum if request else 0,
        took=_seconds(dossier.execution) if dossier.execution else "",
    )  # fmt: skip
    quote = payload.get("reason") or _quoted(event, dossier.execution)
    return Message(line, draw("note", line=line, quote=cut(visible(quote), 900) if quote else None))


_LINES = {
    "vote": "👍 {by} approved: {votes} of {quorum}",
    "approved": "✅ Approved by {by}",
    "rejected": "❌ Rejected by {by}",
    "deferred": "💤 Put off by {by}",
    "reopened": "⏰ It was put off until now: {missing}, please look again. It expires {expires}",
    "delegated": "🤝 {by} handed their place to {to}",
    "edited": "✏️ {by} edited the arguments, so earlier answers are void: {missing}, please look again",
    "escalated": "📣 Nobody has answered so far: {to}, you may decide as well. It expires {expires}",
    "reasked": "🔁 {by} had this asked again: {missing}, please look. It expires {expires}",
    "reasked_by_agent": "🔁 The agent asks again: {missing}, please look. It expires {expires}",
    "reasked_runs": "🔁 Asked again: the policy or a rule lets it run now",
    "withdrawn": "↩️ The agent withdrew this",
    "taken_back": "↩️ Withdrawn by {by}",
    "expired": "⌛ Expired: nobody answered in time",
    "warned_half": "⏳ Half of the time has passed: {missing}, this waits for you until {expires}",
    "warned_last": "⚠️ Last call: {missing}, this expires {expires}",
    "succeeded": "🚀 Done in {took}",
    "failed": "🔥 It failed",
    "unknown": "❓ Nobody knows whether it happened: please look before it is repeated",
    "invalidated": "🚫 It was not run",
    "happened": "🔎 {by} looked: it happened",
    "did_not": "🔎 {by} looked: it did not happen",
    "run_again": "🔁 {by} has it run once more",
}
NOTE_EVENTS = frozenset(_LINES)


def _addressed(event: str, to: str) -> str:
    """Return whom a line is about; where it asks them to come, groups are notified too."""
    return called(to.split()) if event == "escalated" else people(to.split())


def _quoted(event: str, execution: Execution | None) -> str | None:
    if execution is None or event not in {status.value for status in ExecutionStatus}:
        return None
    return execution.error or execution.result


def direct_message(event: str, dossier: Dossier) -> Message:
    """Draw the direct message that tells an owner how a call of their agent ended."""
    proposal, execution, request = dossier.proposal, dossier.execution, dossier.request
    line = f"{_ENDINGS[event]} *{mrkdwn(one_line(proposal.title))}* · {mrkdwn(one_line(proposal.agent_name))}"
    said = (execution.error or execution.result) if execution else None
    said = request.reason if event == "rejected" and request else said
    decided = f"{status_line(dossier)}\n" if request is not None else ""
    blocks = draw(
        "told", line=line, status=decided + f"{_tier_line(proposal)}", arguments=arguments.preview(proposal.arguments),
        consequence=proposal.consequence, quote=cut(visible(said), 900) if said else None,
        footer=f"Digest `{short(proposal.digest)}` · `{proposal.id}`", key=proposal.id, action=Action,
    )  # fmt: skip
    return Message(cut(f"{line.replace('*', '')} {fallback(dossier)}", TEXT), blocks)


def _tier_line(proposal: Proposal) -> str:
    if proposal.tier is Tier.ACT_AND_NOTIFY:
        return "It ran without asking, at tier act_and_notify (L2)."
    return f"Tier {proposal.tier}."


_ENDINGS = {
    "succeeded": "🚀 Done:",
    "failed": "🔥 Failed:",
    "unknown": "❓ Outcome unknown:",
    "invalidated": "🚫 Not run:",
    "rejected": "❌ Rejected:",
    "expired": "⌛ Expired, nobody answered:",
    "withdrawn": "↩️ Withdrawn:",
}
