"""Where a request and its execution stand, in words: pure, from stored state."""

from datetime import datetime

from bot.cards import arguments
from bot.cards.answering import approvals, circumstances, decider, people
from bot.cards.blocks import date, mrkdwn
from bot.cards.impact import declared_risk
from bot.cards.kinds import answers_line, asker, is_question, kind_of, titled
from bot.cards.message import TEXT
from governance.canonical import short
from governance.lifecycle import OPEN_REQUESTS, ExecutionStatus, RequestStatus
from governance.reviewers import ReviewVerdict
from governance.text import cut
from governance.tiers import Tier
from operations.question import OWED
from storage.dossier import Dossier
from storage.tables import ApprovalRequest, Execution


def status_line(dossier: Dossier) -> str:
    """Return where a request stands, in one line of mrkdwn."""
    request = dossier.request
    if request is None:
        return "▫️ *Ran without asking*" if dossier.execution is not None else "Recorded"
    if dossier.execution is not None and dossier.execution.unasked:
        return f"🔁 *Asked again* · runs without people now: {mrkdwn(cut(dossier.proposal.reason, 300))}"
    return _STATUS[request.status](request, dossier)


def _waiting(request: ApprovalRequest, dossier: Dossier) -> str:
    count = f"{approvals(dossier)} of {request.quorum}"
    waits = "Waiting for approval" if kind_of(dossier).yes.given == "Approved" else "Waiting for an answer"
    kind = "Suggested: runs only if approved" if dossier.proposal.tier is Tier.SUGGEST else waits
    return f"⏳ *{kind}* · {count} · expires {date(request.expires_at)}"


def _deferred(request: ApprovalRequest, dossier: Dossier) -> str:
    until = f" until {date(request.reopen_at)}" if request.reopen_at else ""
    who = [review.reviewer for review in dossier.reviews if review.verdict is ReviewVerdict.DEFER][-1:]
    by = f" by {people(who)}" if who else ""
    count = f"{approvals(dossier)} of {request.quorum}"
    return f"💤 *Put off*{by}{until} · {count} · expires {date(request.expires_at)}"


def _decided(request: ApprovalRequest, dossier: Dossier) -> str:
    kind, is_yes = kind_of(dossier), request.status is RequestStatus.APPROVED
    answer, verdict = (kind.yes, ReviewVerdict.APPROVE) if is_yes else (kind.no, ReviewVerdict.REJECT)
    others = [r.reviewer for r in dossier.reviews if r.verdict is verdict and r.reviewer != request.decided_by]
    with_them = f", with {people(others)}" if others else ""
    return f"{answer.mark} *{answer.given}* by {decider(dossier)}{with_them} {_when(request.decided_at)}"


def _expired(request: ApprovalRequest, _dossier: Dossier) -> str:
    if request.reason:  # it was closed, because what it asked came to an end in another way
        return f"⏹️ *No longer asked* {_when(request.decided_at)}"
    if request.request_type in OWED:
        return f"⌛ *Expired* {_when(request.decided_at)} · nobody answered in time; what is still owed is asked again"
    return f"⌛ *Expired* {_when(request.decided_at)} · nobody answered in time; the agent may ask again"


def _withdrawn(request: ApprovalRequest, _dossier: Dossier) -> str:
    who = f"<@{request.decided_by}>" if request.decided_by else "the agent"
    return f"↩️ *Withdrawn* by {who} {_when(request.decided_at)}"


_STATUS = {
    RequestStatus.PENDING: _waiting,
    RequestStatus.DEFERRED: _deferred,
    RequestStatus.APPROVED: _decided,
    RequestStatus.REJECTED: _decided,
    RequestStatus.EXPIRED: _expired,
    RequestStatus.WITHDRAWN: _withdrawn,
}


def outcome_line(execution: Execution | None) -> str | None:
    """Return the line about the running of the call, in our own words; what came back is shown apart."""
    if execution is None:
        return None
    attempt = f" · attempt {execution.attempt}" if execution.attempt > 1 else ""
    again = f"🔁 *Attempt {execution.attempt} brought no answer* · next try {date(execution.next_attempt_at)}"
    return {
        ExecutionStatus.QUEUED: again if execution.attempt else "🕐 *Queued to run*",
        ExecutionStatus.RUNNING: f"▶️ *Running*{attempt}",
        ExecutionStatus.SUCCEEDED: f"🚀 *Succeeded* in {seconds_taken(execution)}{attempt}",
        ExecutionStatus.FAILED: f"🔥 *Failed*{attempt}",
        ExecutionStatus.UNKNOWN: "❓ *Outcome unknown* · it may have happened; look before repeating it",
        ExecutionStatus.INVALIDATED: "🚫 *Not run* · what was approved no longer holds; the agent may ask again",
    }[execution.status]


def seconds_taken(execution: Execution) -> str:
    """Return how long the last attempt ran."""
    if execution.started_at is None or execution.finished_at is None:
        return "no time"
    seconds = (execution.finished_at - execution.started_at).total_seconds()
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _when(moment: datetime | None) -> str:
    return date(moment) if moment else ""


def fallback(dossier: Dossier) -> str:
    """Say the whole card in one text, for push notifications and screen readers; only long words are cut."""
    proposal, request = dossier.proposal, dossier.request
    given = arguments.one_line_preview(proposal.arguments, 1000)
    by = f"{cut(mrkdwn(asker(dossier)), 200)}: " if asker(dossier) else ""
    title = f"{by}{cut(mrkdwn(proposal.title), 200)}."
    parts = [
        titled(dossier, title, " · "),
        cut(mrkdwn(proposal.consequence or ""), 500),
        _bare(status_line(dossier)), _bare(outcome_line(dossier.execution) or ""),
        _bare(answers_line(dossier)) if request is not None and request.status in OPEN_REQUESTS else "",
        "" if is_question(dossier) else f"Risk {declared_risk(proposal)}, tier {proposal.tier}.",
        f"Digest {short(proposal.digest)}.", f"Arguments: {cut(mrkdwn(given), 1000)}",
        f"May decide: {people(request.reviewers)}." if request is not None else "",
        *map(_bare, circumstances(dossier)), *_said(dossier),
    ]  # fmt: skip
    return cut(" ".join(part for part in parts if part), TEXT)


def _said(dossier: Dossier) -> list[str]:
    """Return what people and programs said about a call, cut short, each with whose words they are."""
    request, why = dossier.request, dossier.proposal.rationale
    whose = "Why, in the agent's words" if asker(dossier) else "Why"
    said = [(whose, why), ("Reason given", request.reason if request is not None else None)]
    return [f"{whose}: {cut(mrkdwn(text), 300)}" for whose, text in said if text]


def _bare(line: str) -> str:
    return line.replace("*", "")
