"""What callers may send about spend and limits; strict, like every body."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator

from bot.api.bodies import Token, Why, leave_out_defaults
from bot.policy.limits import GovernanceLimits, field_name, values_of
from bot.policy.words import Cap
from governance.money import AMOUNT, MICRO, MOST, parse_usd

Tokens = Annotated[int, Field(ge=0, le=10**12)]
Usd = Annotated[
    int,
    BeforeValidator(parse_usd),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": f"^{AMOUNT}$"},
                {"type": "number", "minimum": 0, "maximum": MOST // MICRO, "multipleOf": 1 / MICRO},
            ]
        }
    ),
]
_OWN = frozenset({"reset", "reason"})
LimitName = Literal[
    "approval_ttl", "default_expires_after", "creation_enabled", "per_agent_daily_creation_limit",
    "active_agent_automation_cap", "lineage_depth_limit", "per_agent_creation_review_threshold",
    "run_review_threshold", "weekly_spend_cap_usd", "agent_weekly_spend_caps_usd", "spend_warning_threshold_ratio",
    "expiration_warning_window", "health_check_interval", "health_window_run_limit", "health_failure_rate_threshold",
    "health_guardrail_stop_threshold",
]  # fmt: skip


class SpendReportBody(BaseModel):
    """`POST /agents/{id}/spend/reports`. `cost_usd` is text or a number of dollars, exact to six decimals."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    report_id: Token
    run_id: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,48}$")] | None = None
    cost_usd: Usd
    prompt_tokens: Tokens = 0
    completion_tokens: Tokens = 0
    total_tokens: Tokens | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.total_tokens is not None and self.total_tokens < self.prompt_tokens + self.completion_tokens:
            raise ValueError("total_tokens is less than prompt_tokens and completion_tokens together")
        return self

    @property
    def tokens(self) -> int:
        """All tokens: as said, else the sum."""
        return self.prompt_tokens + self.completion_tokens if self.total_tokens is None else self.total_tokens


def _strict_keys(schema: dict[str, Any]) -> None:
    """Say that keys which are no ids of agents are refused; pydantic only says what belongs to those which are."""
    schema["additionalProperties"] = False


def _one_at_least(schema: dict[str, Any]) -> None:
    leave_out_defaults(schema)
    schema["anyOf"] = [{"required": [name]} for name in schema["properties"] if name != "reason"]


class LimitsBody(GovernanceLimits):
    """`PATCH /governance/limits`: keys of `[limits]` as they are written there, and single agents' caps.

    A null cap, and every key named in `reset`, is again as countersign.toml says.
    """

    model_config = ConfigDict(json_schema_extra=_one_at_least)

    agent_weekly_spend_caps_usd: dict[Token, Cap | None] = Field(default_factory=dict, json_schema_extra=_strict_keys)
    reset: list[LimitName] = Field(default_factory=list)
    reason: Why | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set - {"reason"}:
            raise ValueError("name at least one limit to change or to reset")
        if both := sorted({*self.reset} & self.model_fields_set):
            raise ValueError(f"{both[0]} cannot be changed and reset at once")
        return self

    @property
    def values(self) -> dict[str, Any]:
        """What was sent, under the names and in the values of `Limits`."""
        sent = {name: getattr(self, name) for name in self.model_fields_set - _OWN}
        if "agent_weekly_spend_caps_usd" in sent:
            caps = self.agent_weekly_spend_caps_usd
            sent["agent_weekly_spend_caps_usd"] = {agent: cap for agent, cap in caps.items() if cap is not None}
        return values_of(sent)

    @property
    def reset_names(self) -> tuple[str, ...]:
        """The fields of `Limits` that are to be as the file says."""
        return tuple(map(field_name, self.reset))

    @property
    def reset_agents(self) -> tuple[str, ...]:
        """The agents whose own cap is to be as the file says."""
        return tuple(agent for agent, cap in self.agent_weekly_spend_caps_usd.items() if cap is None)
