"""The JSON shapes of what agents cost, built from what is stored."""

from datetime import datetime

from typing_extensions import TypedDict

from bot.api.bodies import moment, moment_or_none
from bot.api.shapes import Instant
from bot.office import Office
from bot.office.spending import Spending
from governance.automations import SpendSpan
from governance.money import format_usd
from governance.spend import window_of
from operations.spend import Reported
from storage.tables import SpendWindow


class WindowJson(TypedDict):
    """What an agent spent in one window; money is in dollars, as text. The lifetime has no end."""

    kind: SpendSpan
    window_start: Instant
    window_end: Instant | None
    cost_usd: str
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    last_run_id: str | None
    soft_warning_at: Instant | None
    hard_stop_at: Instant | None


class SpendingJson(TypedDict):
    """What an agent spent in the windows of now, under which cap, and whether it is stopped."""

    agent_id: str
    daily: WindowJson
    weekly: WindowJson
    monthly: WindowJson
    lifetime: WindowJson
    weekly_spend_cap_usd: str | None
    weekly_remaining_usd: str | None
    warning_threshold_ratio: float
    paused_at: Instant | None
    pause_reason: str | None
    override_until: Instant | None
    updated_at: Instant | None


class ReportJson(TypedDict):
    """One report of what an agent cost, with what it has spent since."""

    report_id: str
    agent_id: str
    run_id: str | None
    cost_usd: str
    at: Instant
    duplicate: bool
    spend: SpendingJson


def report_json(reported: Reported, spend: SpendingJson) -> ReportJson:
    """Return a report as it was charged."""
    report = reported.report
    return {
        "report_id": report.report_id, "agent_id": report.agent_id, "run_id": report.run_id,
        "cost_usd": format_usd(report.cost), "at": moment(report.at), "duplicate": reported.duplicate,
        "spend": spend,
    }  # fmt: skip


def spending_json(found: Spending, office: Office) -> SpendingJson:
    """Return what an agent spent in the windows of now, under which cap, and whether it is stopped."""
    now, stop = office.database.clock(), found.stop if found.is_held else None
    windows = {one.span: one for one in found.windows}
    weekly = windows.get(SpendSpan.WEEKLY)
    left = None if found.cap is None else max(0, found.cap - (weekly.cost if weekly else 0))
    return {
        "agent_id": found.agent_id,
        "daily": _window_json(SpendSpan.DAILY, windows.get(SpendSpan.DAILY), now),
        "weekly": _window_json(SpendSpan.WEEKLY, weekly, now),
        "monthly": _window_json(SpendSpan.MONTHLY, windows.get(SpendSpan.MONTHLY), now),
        "lifetime": _window_json(SpendSpan.LIFETIME, windows.get(SpendSpan.LIFETIME), now),
        "weekly_spend_cap_usd": None if found.cap is None else format_usd(found.cap),
        "weekly_remaining_usd": None if left is None else format_usd(left),
        "warning_threshold_ratio": found.ratio,
        "paused_at": moment_or_none(stop.at if stop else None), "pause_reason": stop.reason if stop else None,
        "override_until": moment_or_none(found.stop.lifted_until if found.stop else None),
        "updated_at": moment(max(one.updated_at for one in found.windows)) if found.windows else None,
    }  # fmt: skip


def _window_json(span: SpendSpan, found: SpendWindow | None, now: datetime) -> WindowJson:
    window = window_of(span, now)
    counted = found or SpendWindow(tenant="", agent_id="", span=span, start=window.start, updated_at=now)
    return {
        "kind": span, "window_start": moment(window.start), "window_end": moment_or_none(window.end),
        "cost_usd": format_usd(counted.cost), "prompt_tokens": counted.prompt_tokens,
        "completion_tokens": counted.completion_tokens, "total_tokens": counted.total_tokens,
        "last_run_id": counted.last_run_id,
        "soft_warning_at": moment_or_none(counted.warned_at),
        "hard_stop_at": moment_or_none(counted.stopped_at),
    }  # fmt: skip
