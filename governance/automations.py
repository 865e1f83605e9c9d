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


#: Reviews without which nothing starts. A health review is owed, but only what is critical stops an automation, and one
#: that expires soon goes on until it does.
BLOCKING_REVIEWS = frozenset({ReviewKind.RUN_DRIFT, ReviewKind.DEPENDENCY_REVOKED, ReviewKind.CREATION_QUOTA})

TERMINAL_RUNS = frozenset({RunStatus.COMPLETED, RunStatus.BLOCKED, RunStatus.FAILED, RunStatus.CANCELLED})

_S = RunStatus
_ENDS = TERMINAL_RUNS

#: The legal moves of a run. What has ended stays ended.
RUN_MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    _S.QUEUED: frozenset({_S.RUNNING, _S.PAUSED, _S.BLOCKED, _S.FAILED, _S.CANCELLED}),
    _S.RUNNING: frozenset({_S.PAUSING, _S.PAUSED, _S.AWAITING_APPROVAL}) | _ENDS,
    _S.PAUSING: frozenset({_S.PAUSED}) | _ENDS,
    _S.PAUSED: frozenset({_S.QUEUED, _S.RUNNING, _S.BLOCKED, _S.FAILED, _S.CANCELLED}),
    _S.AWAITING_APPROVAL: frozenset({_S.RUNNING, _S.PAUSED}) | _ENDS,
}

#: What still may do something, so that pausing has to reach it.
GOING_ON = frozenset(RUN_MOVES) - {_S.PAUSED}

#: What lets a run do something (again): as many checks stand before it as before a start.
STARTS = frozenset({_S.QUEUED, _S.RUNNING})


def sources_of_run(target: RunStatus) -> frozenset[RunStatus]:
    """Return the statuses from which a run may move to `target`."""
    return frozenset(source for source, targets in RUN_MOVES.items() if target in targets)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something. `id` is a Slack user or an agent; None for the system alone."""

    kind: ActorKind
    id: str | None = None

    def __str__(self) -> str:
        return f"{'person' if self.kind is ActorKind.HUMAN else self.kind}:{self.id}" if self.id else str(self.kind)
