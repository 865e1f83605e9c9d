"""The shape of countersign.toml, strict: whatever is not described here is a mistake."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from governance.tiers import TIER_ALIASES, ApprovalMode, Risk, Tier

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(?:\d+[smhdw])+")


def parse_duration(text: Any) -> timedelta:
    """Parse `30s`, `15m`, `48h`, `7d`, `1h30m`. Raises ValueError with the remedy."""
    if not isinstance(text, str) or not _DURATION.fullmatch(text):
        raise ValueError("write a duration such as 30s, 15m, 48h or 7d")
    parts = re.findall(r"(\d+)([smhdw])", text)
    try:
        total = sum((timedelta(**{_UNITS[unit]: int(n)}) for n, unit in parts), timedelta())
    except OverflowError:
        total = timedelta.max
    if not timedelta() < total <= timedelta(days=366):
        raise ValueError("write a duration above zero and up to 366d")
    return total


def _tier(value: Any) -> Any:
    return TIER_ALIASES.get(value, value) if isinstance(value, str) else value


Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$"})
]
TierName = Annotated[
    Tier, BeforeValidator(_tier), WithJsonSchema({"enum": [*[tier.value for tier in Tier], *TIER_ALIASES]})
]
Name = Annotated[str, StringConstraints(pattern=r"\S", max_length=200)]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,200}$")]
PersonId = Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{2,30}$")]
ReviewerId = Annotated[str, StringConstraints(pattern=r"^[UWS][A-Z0-9]{2,30}$")]
ChannelId = Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{2,30}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SlackTable(_Strict):
    """`[slack]`: where the cards go."""

    approvals_channel: ChannelId


class RolesTable(_Strict):
    """`[roles]`: people with rights over everything; offline deciders count while Slack cannot be reached."""

    admins: list[PersonId] = []
    operators: list[PersonId] = []
    offline_deciders: list[PersonId] = []


class DefaultsTable(_Strict):
    """`[defaults]`: what holds where nothing else is written."""

    tier: TierName | None = None
    approval_ttl: Duration = timedelta(hours=48)


class LimitsTable(_Strict):
    """`[limits]`: what one agent may use up."""

    max_open_requests: Annotated[int, Field(ge=1, le=10_000)] = 50
    rate_per_second: Annotated[float, Field(gt=0, le=10_000)] = 50.0
    rate_burst: Annotated[int, Field(ge=1, le=100_000)] = 200


class AgentTable(_Strict):
    """`[[agents]]`: a program that wants to act."""

    id: Id
    name: Name
    creator: PersonId
    scopes: list[Id] = []
    people: list[PersonId] = []
    channels: list[ChannelId] = []
    tier: TierName | None = None
    tiers: dict[str, TierName] = {}


class HttpConnectorTable(_Strict):
    """`connector = { kind = "http", … }`: the approved call is POSTed to an address."""

    kind: Literal["http"]
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+", max_length=2000)]
    secret_env: Id | None = None
    idempotent: bool = False
    timeout: Duration = timedelta(seconds=30)
    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    allow_private: bool = False


class ToolTable(_Strict):
    """`[[tools]]`: a kind of action under governance."""

    name: Id
    title: Name
    action_class: Id
    capability: Id
    scopes: list[Id] = []
    risk: Risk | None = None
    approval_mode: ApprovalMode | None = None
    tier: TierName | None = None
    reviewers: list[ReviewerId] = []
    quorum: Annotated[int, Field(ge=1, le=20)] = 1
    creator_may_approve: bool | None = None
    ttl: Duration | None = None
    consequence: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    secret_fields: list[Name] = []
    input_schema: dict[str, Any] = {"type": "object"}
    connector: HttpConnectorTable


class PolicyFile(_Strict):
    """The whole of countersign.toml."""

    slack: SlackTable
    roles: RolesTable = RolesTable()
    defaults: DefaultsTable = DefaultsTable()
    limits: LimitsTable = LimitsTable()
    classes: dict[Id, TierName] = {}
    agents: list[AgentTable] = []
    tools: list[ToolTable] = []
