"""The JSON shapes of trust: records as OpenTrustGraph has them, and how an agent has done."""

from typing import Any, Literal

from typing_extensions import TypedDict

from bot.api.shapes import Instant
from governance.tiers import Tier
from governance.trustgraph import TrustOutcome


class TrustRecordJson(TypedDict):
    """One record of OpenTrustGraph v0; each is hashed, and holds the hash of the one before it."""

    schema: Literal["opentrustgraph/v0"]
    record_id: str
    agent: str
    action: str
    approver: str | None
    outcome: TrustOutcome
    trace_id: str
    autonomy_tier: Literal["shadow", "suggest", "act_with_approval", "act_auto"]
    timestamp: Instant
    cost_usd: float | None
    metadata: dict[str, Any]
    chain_index: int
    previous_hash: str | None
    entry_hash: str


class TraceJson(TypedDict):
    """The records of one trace."""

    trace_id: str
    records: list[TrustRecordJson]


class TrustGroups(TypedDict):
    """One page of records, gathered by trace."""

    groups: list[TraceJson]
    next_cursor: str | None


class DenialsJson(TypedDict):
    """How many calls were denied, and by whom."""

    by_policy: int
    by_people: int


class LatestJson(TypedDict):
    """An agent's newest record that is about a call."""

    outcome: TrustOutcome
    at: Instant


class RecommendationJson(TypedDict):
    """The tier to put an agent at, never a looser one than it has, and why."""

    tier: Tier
    tightens: bool
    reason: str


class ScoreJson(TypedDict):
    """How an agent has done. `success_rate` is null until a call has run; denials and silence do not lower it."""

    agent: str
    total: int
    ran: int
    success_rate: float | None
    outcomes: dict[TrustOutcome, int]
    tiers: dict[Tier, int]
    denied: DenialsJson
    latest: LatestJson | None
    tier: Tier
    recommendation: RecommendationJson
