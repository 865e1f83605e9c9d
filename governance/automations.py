"""Words about recurring work of agents: automations, their runs, what people owe them, what they may cost."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """Who did something. `system` is Countersign itself and has no id."""

    HUMAN = "human"
    AGENT = "agent"
    SYSTEM = "system"


class AutomationStatus(StrEnum):
    """Where an automation stands."""

    ACTIVE = "active"
    PAUSED = "paused"
    DRAFT = "draft"


class RunStatus(StrEnum):
    """Where one run of an automation stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    AWAITING_APPROVAL = "awaiting_approval"
    COMPLETED = "completed"
    BLOCKED = "blocked"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StopKind(StrEnum):
    """What stopped a run."""

    CANCELLED = "cancelled"
    OPERATOR_STOPPED = "operator_stopped"
    GUARDRAIL_STOPPED = "guardrail_stopped"
    PANIC = "panic"
    SHUTDOWN = "shutdown"
    SERVER_RESTART = "server_restart"
    STALE_REAPED = "stale_reaped"


class ReviewKind(StrEnum):
    """Why people owe an automation or an agent a review."""

    CREATION_QUOTA = "creation_quota"
    RUN_DRIFT = "run_drift"
    HEALTH_DRIFT = "health_drift"
    EXPIRATION_SOON = "expiration_soon"
    EXPIRED = "expired"
    DEPENDENCY_REVOKED = "dependency_revoked"
    RETIRED = "retired"


class Severity(StrEnum):
    """How bad a finding is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class GrantKind(StrEnum):
    """What a grant lets an agent do."""

    MODIFY = "modify"
    CAPABILITY = "capability"


class SpendSpan(StrEnum):
    """The windows in which spend is counted, in UTC: days, weeks from Monday, months, and for good."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    LIFETIME = "lifetime"


class Right(StrEnum):
    """Capabilities an automation can declare, in the order in which they are looked at."""

    CREATES_AGENTS = "creates_agents"
    MODIFIES_GRANTS = "modifies_grants"


TERMINAL_RUNS = frozenset({RunStatus.COMPLETED, RunStatus.BLOCKED, RunStatus.FAILED, RunStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something. `id` is a Slack user or an agent; None for the system alone."""

    kind: ActorKind
    id: str | None = None

    def __str__(self) -> str:
        return f"{'person' if self.kind is ActorKind.HUMAN else self.kind}:{self.id}" if self.id else str(self.kind)
