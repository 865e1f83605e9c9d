"""What is known about an agent besides the policy, as of one moment: pauses, recorded tiers, rules, budgets used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from governance.policy import Agent
from governance.rules import Remembered
from governance.tiers import Tier


@dataclass(frozen=True, slots=True)
class Pause:
    """Somebody stopped an agent for the time being."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordedTier:
    """A promotion or demotion: it stands in for the file's value until that value changes."""

    tier: Tier
    replaces: Tier | None
    by: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the gates are told besides the policy. `tiers` is keyed by tool, class or prefix; "" is the agent."""

    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    call_hash: str = ""
    pause: Pause | None = None
    spend_stop: str | None = None  #: why it may not go on this week
    tiers: Mapping[str, RecordedTier] = field(default_factory=dict)
    rules: tuple[Remembered, ...] = ()
    used_this_hour: int = 0
    used_today: int = 0

    def tier_of(self, target: str, written: Tier | None) -> Tier | None:
        """Return the tier in force for a target: the recorded one while the file says what it said then."""
        recorded = self.tiers.get(target)
        return recorded.tier if recorded is not None and recorded.replaces is written else written

    def budget_used_up(self, agent: Agent) -> str | None:
        """Say which budget of unasked calls an agent has used up, or None."""
        if agent.budget_per_hour is not None and self.used_this_hour >= agent.budget_per_hour:
            return f"its {agent.budget_per_hour} unasked calls of this hour are used up"
        if agent.budget_per_day is not None and self.used_today >= agent.budget_per_day:
            return f"its {agent.budget_per_day} unasked calls of this day are used up"
        return None
