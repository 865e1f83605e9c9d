"""One line for the thread where a request is discussed: pure, from stored state and what the commit wrote down."""

from collections.abc import Mapping, Sequence

from bot.cards.answering import approvals, away, called, people, shortage, silent
from bot.cards.blocks import date, draw
from bot.cards.kinds import kind_of
from bot.cards.message import TEXT, Message
from bot.cards.status import seconds_taken
from governance.lifecycle import ExecutionStatus
from governance.text import cut, visible
from storage.dossier import Dossier
from storage.tables import Execution

_QUOTE, _SHORT_QUOTE = 900, 300  # characters; all blocks of a message together may not have many more


def trail(lines: Sequence[Mapping[str, str]], dossier: Dossier) -> Message:
    """Draw what is said at once in the thread where a request is discussed, each event on its own line."""
    drawn = [note(line["event"], line, dossier, _QUOTE if len(lines) == 1 else _SHORT_QUOTE) for line in lines]
    return Message(cut("\n".join(one.text for one in drawn), TEXT), [block for one in drawn for block in one.blocks])


def note(event: str, payload: Mapping[str, str], dossier: Dossier, longest_quote: int = _QUOTE) -> Message:
    """Draw one line for the thread where a request is discussed."""
    by, request = f"<@{payload.get('by', '')}>", dossier.request
    expires = date(request.expires_at) if request else ""
    line = _line_of(event, dossier).format(
        by=by, to=_addressed(event, payload.get("to", "")), expires=expires, missing=people(silent(dossier)),
        votes=payload.get("votes") or approvals(dossier), quorum=request.quorum if request else 0,
        away=away(payload.get("until")),
        shortage=shortage(len(payload.get("to", "").split()), request.quorum if request else 1),
        took=seconds_taken(dossier.execution) if dossier.execution else "",
    )  # fmt: skip
    quote = payload.get("reason") or _quoted(event, dossier.execution)
    return Message(line, draw("note", line=line, quote=cut(visible(quote), longest_quote) if quote else None))


_LINES = {
    "vote": "👍 {by} approved: {votes} of {quorum}",
    "deferred": "💤 Put off by {by}",
    "reopened": "⏰ It was put off until now: {missing}, please look again. It expires {expires}",
    "delegated": "🤝 {by} handed their place to {to}",
    "covered": "🤝 {to} answers for {by}, who is {away}",
    "uncovered": "🙋 {by} is back, so their place is theirs again",
    "unreachable": "🚨 {shortage}: the admins and the agent's creator have been told. It expires {expires}",
    "edited": "✏️ {by} edited the arguments, so earlier answers are void: {missing}, please look again",
    "escalated": "📣 Nobody has answered so far: {to}, you may decide as well. It expires {expires}",
    "reasked": "🔁 {by} had this asked again: {missing}, please look. It expires {expires}",
    "reasked_by_agent": "🔁 The agent asks again: {missing}, please look. It expires {expires}",
    "reasked_runs": "🔁 Asked again: the policy or a rule lets it run now",
    "withdrawn": "↩️ The agent withdrew this",
    "taken_back": "↩️ Withdrawn by {by}",
    "expired": "⌛ Expired: nobody answered in time",
    "superseded": "⏹️ This question no longer stands",
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
_ANSWERED = ("approved", "rejected")
NOTE_EVENTS = frozenset(_LINES) | frozenset(_ANSWERED)


def _line_of(event: str, dossier: Dossier) -> str:
    if event not in _ANSWERED:
        return _LINES[event]
    kind = kind_of(dossier)
    given = kind.yes if event == "approved" else kind.no
    return f"{given.mark} {given.given} by {{by}}"


def _addressed(event: str, to: str) -> str:
    """Return whom a line is about; where it asks them to come, groups are notified too."""
    return called(to.split()) if event == "escalated" else people(to.split())


def _quoted(event: str, execution: Execution | None) -> str | None:
    if execution is None or event not in {status.value for status in ExecutionStatus}:
        return None
    return execution.error or execution.result
