"""Automations as lines: where one stands, whose it is, what is owed about it. Pure, from stored state."""

from collections.abc import Sequence

from bot.cards.blocks import date, mrkdwn
from governance.automations import ActorKind, AutomationStatus, ReviewKind, RunStatus, Severity, StopKind
from governance.text import cut, one_line
from storage.tables import Automation, AutomationFinding, AutomationRun

_STATUS = {
    AutomationStatus.ACTIVE: "▶️ active",
    AutomationStatus.PAUSED: "⏸️ paused",
    AutomationStatus.DRAFT: "📝 draft",
}
_SEVERITY = {Severity.INFO: "ℹ️", Severity.WARNING: "⚠️", Severity.CRITICAL: "🚨"}
_OWED = {
    ReviewKind.CREATION_QUOTA: "what was created",
    ReviewKind.RUN_DRIFT: "it ran many times",
    ReviewKind.HEALTH_DRIFT: "its health",
    ReviewKind.EXPIRATION_SOON: "it expires soon",
    ReviewKind.EXPIRED: "it has expired",
    ReviewKind.DEPENDENCY_REVOKED: "it lost what it relied on",
    ReviewKind.RETIRED: "it was retired",
}


def automation_line(row: Automation) -> str:
    """Return an automation in one line of mrkdwn."""
    parts = [f"*{name_of(row)}* `{row.id}`", standing(row), _maker(row)]
    parts += [f"runs {_short(row.schedule, 60)}"] if row.schedule else []
    return " · ".join([*parts, *_ends(row), *owed(row)])


def name_of(row: Automation) -> str:
    """Return its name, safe to show."""
    return _short(row.name, 100)


def standing(row: Automation) -> str:
    """Return where it stands, in two words."""
    if row.retired_at is not None:
        return "🏁 retired"
    return "⌛ expired" if row.expired_at is not None else _STATUS[row.status]


def owed(row: Automation) -> list[str]:
    """Return what people owe it."""
    if not row.review_required:
        return []
    return [f"👀 *review owed*: {_OWED[row.review_kind]}" if row.review_kind else "👀 *review owed*"]


def facts(row: Automation, runs: Sequence[AutomationRun], findings: Sequence[AutomationFinding]) -> list[str]:
    """Return what there is to know about one, line by line."""
    named = ", ".join(f"`{_short(one, 60)}`" for one in row.agents[:8]) or "none named"
    tools = (
        "whatever its agents may" if row.tools is None else ", ".join(f"`{_short(one, 60)}`" for one in row.tools[:8])
    )
    lines = [f"Owner <@{row.owner}> · made {date(row.created_at)} · agents {named} · tools {tools or 'none'}"]
    if row.paused_reason and (row.status is AutomationStatus.PAUSED):
        lines.append(f"Paused: {_short(row.paused_reason, 300)}")
    lines += [
        f"{_SEVERITY[one.severity]} {_short(one.summary, 300)} · {date(one.observed_at)}" for one in findings[-5:]
    ]
    shown = [f"{one.status}{f' ({_spoken(one.stop_kind)})' if one.stop_kind else ''}" for one in runs[:5]]
    lines += [f"Last runs, newest first: {', '.join(shown)}" if shown else "It has not run yet."]
    held = next((one.detail for one in runs[:5] if one.status is RunStatus.PAUSED and one.detail), None)
    return [*lines, *([f"Why a run waits: {_short(held, 300)}"] if held else [])]


def _spoken(kind: StopKind) -> str:
    return kind.replace("_", " ")


def _maker(row: Automation) -> str:
    if row.creator_kind is ActorKind.AGENT:
        return f"by agent {_short(row.creator_id or '', 60)}"
    return f"by <@{row.creator_id}>" if row.creator_id else "by nobody on record"


def _ends(row: Automation) -> list[str]:
    if row.retired_at is not None or row.expired_at is not None:
        return []
    return [f"expires {date(row.expires_at)}"] if row.expires_at else ["does not expire"]


def _short(text: str, limit: int) -> str:
    return mrkdwn(cut(one_line(text), limit)).replace("`", "'")
