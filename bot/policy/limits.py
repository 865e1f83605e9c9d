"""`[limits]`: how they are written in countersign.toml and over the API, and how they are told."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from bot.policy.strict import Strict
from bot.policy.words import Cap, Duration, Expiry
from governance.money import format_usd
from governance.policy import Limits

_Count = Annotated[int, Field(ge=0, le=1_000_000)]
_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_CAP, _CAPS = "weekly_spend_cap_usd", "agent_weekly_spend_caps_usd"
_DEFAULTS = Limits()
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


class GovernanceLimits(Strict):
    """What admins may change while the server runs, too."""

    approval_ttl: Duration = _DEFAULTS.approval_ttl
    default_expires_after: Expiry = _DEFAULTS.default_expires_after
    creation_enabled: bool = _DEFAULTS.creation_enabled
    per_agent_daily_creation_limit: _Count = _DEFAULTS.per_agent_daily_creation_limit
    active_agent_automation_cap: _Count = _DEFAULTS.active_agent_automation_cap
    lineage_depth_limit: _Count = _DEFAULTS.lineage_depth_limit
    per_agent_creation_review_threshold: _Count = _DEFAULTS.per_agent_creation_review_threshold
    run_review_threshold: _Count = _DEFAULTS.run_review_threshold
    weekly_spend_cap_usd: Cap = "none"
    spend_warning_threshold_ratio: _Share = _DEFAULTS.spend_warning_threshold_ratio
    expiration_warning_window: Duration = _DEFAULTS.expiration_warning_window
    health_check_interval: Duration = _DEFAULTS.health_check_interval
    health_window_run_limit: Annotated[int, Field(ge=5, le=1_000)] = _DEFAULTS.health_window_run_limit
    health_failure_rate_threshold: _Share = _DEFAULTS.health_failure_rate_threshold
    health_guardrail_stop_threshold: _Count = _DEFAULTS.health_guardrail_stop_threshold


class LimitsTable(GovernanceLimits):
    """`[limits]`: what one agent may use up, and how far agents may go with automations and money."""

    max_open_requests: Annotated[int, Field(ge=1, le=10_000)] = 50
    rate_per_second: Annotated[float, Field(gt=0, le=10_000)] = 50.0
    rate_burst: Annotated[int, Field(ge=1, le=100_000)] = 200


class LimitsJson(TypedDict):
    """The limits in force, as they are written: durations such as `3d`, money such as `50.00`, `none` for no cap."""

    approval_ttl: str
    default_expires_after: str
    creation_enabled: bool
    per_agent_daily_creation_limit: int
    active_agent_automation_cap: int
    lineage_depth_limit: int
    per_agent_creation_review_threshold: int
    run_review_threshold: int
    weekly_spend_cap_usd: str
    agent_weekly_spend_caps_usd: dict[str, str]
    spend_warning_threshold_ratio: float
    expiration_warning_window: str
    health_check_interval: str
    health_window_run_limit: int
    health_failure_rate_threshold: float
    health_guardrail_stop_threshold: int


def values_of(written: Any) -> dict[str, Any]:
    """Return what a table says under the names and in the values of `Limits`."""
    values = dict(written)
    if _CAP in values:
        values["weekly_spend_cap"] = cap_value(values.pop(_CAP))
    if _CAPS in values:
        values["agent_caps"] = {agent: cap_value(cap) for agent, cap in values.pop(_CAPS).items()}
    return values


def cap_value(cap: Any) -> int | None:
    """Return a cap in micro-dollars; None where there is none."""
    return cap if isinstance(cap, int) else None


def told_limits(limits: Limits) -> LimitsJson:
    """Return the limits as they are written."""
    return {
        "approval_ttl": _told(limits.approval_ttl), "default_expires_after": _told(limits.default_expires_after),
        "creation_enabled": limits.creation_enabled,
        "per_agent_daily_creation_limit": limits.per_agent_daily_creation_limit,
        "active_agent_automation_cap": limits.active_agent_automation_cap,
        "lineage_depth_limit": limits.lineage_depth_limit,
        "per_agent_creation_review_threshold": limits.per_agent_creation_review_threshold,
        "run_review_threshold": limits.run_review_threshold,
        "weekly_spend_cap_usd": _told_cap(limits.weekly_spend_cap),
        "agent_weekly_spend_caps_usd": {agent: _told_cap(cap) for agent, cap in sorted(limits.agent_caps.items())},
        "spend_warning_threshold_ratio": limits.spend_warning_threshold_ratio,
        "expiration_warning_window": _told(limits.expiration_warning_window),
        "health_check_interval": _told(limits.health_check_interval),
        "health_window_run_limit": limits.health_window_run_limit,
        "health_failure_rate_threshold": limits.health_failure_rate_threshold,
        "health_guardrail_stop_threshold": limits.health_guardrail_stop_threshold,
    }  # fmt: skip


def field_name(written: str) -> str:
    """Return the name that a key of `[limits]` has in `Limits`."""
    return {_CAP: "weekly_spend_cap", _CAPS: "agent_caps"}.get(written, written)


def _told_cap(cap: int | None) -> str:
    return "none" if cap is None else format_usd(cap)


def _told(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    if seconds == 0:
        return "never"
    parts = []
    for length, unit in _UNITS:
        count, seconds = divmod(seconds, length)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)
