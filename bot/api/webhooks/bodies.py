"""What callers may send about webhooks and keys; as strict as every body."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from bot.api.bodies import Moment, PersonId, Token
from governance.events import EventName
from governance.roles import Role


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Address = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,2000}$")]
Names = Annotated[list[EventName], Field(max_length=len(EventName))]
Agents = Annotated[list[Token], Field(max_length=100)]
About = Annotated[str, StringConstraints(max_length=500)]
Hours = Annotated[float, Field(ge=0, le=720, allow_inf_nan=False)]


class WebhookBody(_Strict):
    """`POST /webhooks`. No events and no agents: all of them."""

    url: Address
    events: Names = Field(default_factory=list)
    agents: Agents = Field(default_factory=list)
    description: About | None = None


class WebhookChangeBody(_Strict):
    """`PATCH /webhooks/{id}`: what is left out stays as it is."""

    events: Names = Field(default_factory=list)
    agents: Agents = Field(default_factory=list)
    description: About | None = None
    disabled: bool = False


class RotateBody(_Strict):
    """`POST /webhooks/{id}/rotate` and `POST /keys/{id}/rotate`: for how long the old secret works on."""

    overlap_hours: Hours = 24

    @property
    def overlap(self) -> timedelta:
        """The same as a span of time."""
        return timedelta(hours=self.overlap_hours)


class ReplayBody(_Strict):
    """`POST /webhooks/{id}/replay`."""

    since: Moment


class KeyBody(_Strict):
    """`POST /keys`: for an agent, or for the operator who calls."""

    model_config = ConfigDict(json_schema_extra={
        "oneOf": [
            {"required": ["agent"],
             "properties": {"agent": {"type": "string"}, "operator": {"const": None}, "role": {"const": None}}},
            {"required": ["operator"], "properties": {"operator": {"type": "string"}, "agent": {"const": None}}},
        ]
    })  # fmt: skip

    agent: Token | None = None
    operator: PersonId | None = None
    role: Role | None = None
    expires_at: Moment | None = None

    @model_validator(mode="after")
    def _one_principal(self) -> Self:
        if (self.agent is None) == (self.operator is None):
            raise ValueError("send either agent or operator")
        if self.agent is not None and self.role is not None:
            raise ValueError("agents have no role; leave it out")
        return self
