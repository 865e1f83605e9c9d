"""What callers may send about automations, runs and grants; as strict as every body."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.api.bodies import Arguments, Moment, Reason, Token, leave_out_defaults


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


CapabilityNames = dict[Literal["creates_agents", "modifies_grants"], bool]
Title = Annotated[str, StringConstraints(pattern=r"\S", max_length=200)]
Some = Annotated[list[Token], Field(max_length=100)]


class AutomationBody(_Strict):
    """`POST /automations`. `tools` left out or null: whatever its agents may."""

    name: Title
    schedule: Title | None = None
    tools: Some | None = None
    agents: Some = Field(default_factory=list)
    capabilities: CapabilityNames = Field(default_factory=dict)
    metadata: Arguments = Field(default_factory=dict)
    expires_at: Moment | None = None


class AutomationChangeBody(_Strict):
    """`PATCH /automations/{id}`: what is left out stays as it is; `tools` and `schedule` may become null."""

    model_config = ConfigDict(json_schema_extra=leave_out_defaults)

    name: Title = ""
    schedule: Title | None = None
    tools: Some | None = None
    agents: Some = Field(default_factory=list)
    capabilities: CapabilityNames = Field(default_factory=dict)
    metadata: Arguments = Field(default_factory=dict)


class ExtendBody(_Strict):
    """`POST /automations/{id}/extend`. Without a moment: for as long as the limits say."""

    expires_at: Moment | None = None
    reason: Reason | None = None


class GrantBody(_Strict):
    """`POST /automations/{id}/grants`. Without hours: 8."""

    granted_to_agent_id: Token
    reason: Reason | None = None
    hours: Annotated[float, Field(gt=0, le=720, allow_inf_nan=False)] = 8


class RunBody(_Strict):
    """`PATCH /runs/{id}`."""

    status: Literal[
        "queued", "running", "pausing", "paused", "awaiting_approval", "completed", "blocked", "failed", "cancelled"
    ]
    outputs: Arguments | None = None
    stop_kind: Literal[
        "cancelled", "operator_stopped", "guardrail_stopped", "panic", "shutdown", "server_restart", "stale_reaped"
    ] | None = None  # fmt: skip
    detail: Reason | None = None
