"""Automations with what governs them, their runs, findings about them, and the rights given to agents."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Index, Text, text
from sqlmodel import Field, SQLModel

from governance.automations import ActorKind, AutomationStatus, GrantKind, ReviewKind, RunStatus, Severity, StopKind
from storage.tables.base import ID_LENGTH, NAME_LENGTH, PERSON_LENGTH, EnumText, UtcDateTime, one_of

_OPEN_RUN = text("status IN ('queued', 'running', 'pausing', 'paused', 'awaiting_approval')")


def _due(column: str) -> dict[str, Any]:
    """Return the arguments of an index over rows for which something is due."""
    condition = text(f"{column} IS NOT NULL")
    return {"sqlite_where": condition, "postgresql_where": condition}


class Automation(SQLModel, table=True):
    """A registered recurring piece of agent work, and its governance record.

    `chain` lists the agents above its creator, nearest first; `depth` is 0 for what people created. Whatever the loop
    has to do about it stands in an indexed due column, so that a tick never looks at idle automations.
    """

    __tablename__ = "automations"
    __table_args__ = (
        one_of("status", AutomationStatus),
        one_of("creator_kind", ActorKind),
        one_of("review_kind", ReviewKind),
        Index("ix_automations_newest", "tenant", "created_at", "id"),
        Index("ix_automations_creator", "tenant", "creator_kind", "creator_id", "created_at"),
        Index("ix_automations_owner", "tenant", "owner", "created_at", "id"),
        Index("ix_automations_expiry", "expiry_due_at", **_due("expiry_due_at")),
        Index("ix_automations_health", "health_due_at", **_due("health_due_at")),
        Index("ix_automations_purge", "purge_at", **_due("purge_at")),
        Index("ix_automations_review", "tenant", "review_requested_at", "id",
              sqlite_where=text("review_required"), postgresql_where=text("review_required")),
    )  # fmt: skip

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    name: str = Field(max_length=NAME_LENGTH)
    status: AutomationStatus = Field(sa_type=EnumText(AutomationStatus))
    schedule: str | None = Field(default=None, max_length=NAME_LENGTH)
    tools: list[str] | None = Field(default=None, sa_column=Column(JSON))  #: None: whatever its agents may
    agents: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    creates_agents: bool = False
    modifies_grants: bool = False
    about: str = Field(default="{}", sa_column=Column("metadata", Text, nullable=False))  #: canonical JSON

    creator_kind: ActorKind = Field(sa_type=EnumText(ActorKind))
    creator_id: str | None = Field(default=None, max_length=NAME_LENGTH)
    chain: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    depth: int = 0
    owner: str = Field(max_length=PERSON_LENGTH)  #: the person who owes its reviews

    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    paused_reason: str | None = Field(default=None, sa_column=Column(Text))
    paused_by: str | None = Field(default=None, max_length=NAME_LENGTH)  #: who paused it by hand, as records name them

    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expiry_warned: int = 0  #: how many of the warnings (a week, a day, an hour before) went out
    expiry_due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  #: the next warning, or the end
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    retire_reason: str | None = Field(default=None, sa_column=Column(Text))
    paused_for_lifecycle: bool = False
    creation_paused: bool = False

    review_required: bool = False
    review_kind: ReviewKind | None = Field(default=None, sa_type=EnumText(ReviewKind))
    review_requested_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    review_request_id: str | None = Field(default=None, max_length=ID_LENGTH)
    last_reviewed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    runs_since_review: int = 0
    health_checked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    health_due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  #: set when a run ends

    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    deleted_by: str | None = Field(default=None, max_length=NAME_LENGTH)
    purge_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  #: until when it can be restored


class AutomationRun(SQLModel, table=True):
    """One execution of an automation. `ended_at` is set with the first terminal status and stays."""

    __tablename__ = "automation_runs"
    __table_args__ = (
        one_of("status", RunStatus),
        one_of("stop_kind", StopKind),
        Index("ix_runs_of_automation", "automation_id", "created_at", "id"),
        Index("ix_runs_open_of", "automation_id", sqlite_where=_OPEN_RUN, postgresql_where=_OPEN_RUN),
        Index("ix_runs_open", "tenant", "id", sqlite_where=_OPEN_RUN, postgresql_where=_OPEN_RUN),
        Index("ix_runs_stopped", "tenant", "stopped_for", **_due("stopped_for")),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    automation_id: str = Field(foreign_key="automations.id", max_length=ID_LENGTH)
    status: RunStatus = Field(sa_type=EnumText(RunStatus))
    stop_kind: StopKind | None = Field(default=None, sa_type=EnumText(StopKind))
    detail: str | None = Field(default=None, sa_column=Column(Text))
    outputs: str | None = Field(default=None, sa_column=Column(Text))  #: canonical JSON
    stopped_for: str | None = Field(default=None, max_length=NAME_LENGTH)  #: the agent whose spend stop paused it
    created_by: str = Field(max_length=NAME_LENGTH)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RunEvent(SQLModel, table=True):
    """One step in the life of a run."""

    __tablename__ = "automation_run_events"
    __table_args__ = (Index("ix_run_events", "run_id", "at", "id"),)

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    run_id: str = Field(foreign_key="automation_runs.id", max_length=ID_LENGTH)
    kind: str = Field(max_length=64)
    reason: str | None = Field(default=None, sa_column=Column(Text))
    at: datetime = Field(sa_type=UtcDateTime)


class AutomationFinding(SQLModel, table=True):
    """What a health check, an expiry or a revocation noticed. Cleared by the review that looked at it."""

    __tablename__ = "automation_findings"
    __table_args__ = (one_of("severity", Severity), Index("ix_findings_of_automation", "automation_id", "observed_at"))

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    automation_id: str = Field(foreign_key="automations.id", max_length=ID_LENGTH)
    kind: str = Field(max_length=64)
    severity: Severity = Field(sa_type=EnumText(Severity))
    summary: str = Field(sa_column=Column(Text, nullable=False))
    evidence: str = Field(default="{}", sa_column=Column(Text, nullable=False))  #: canonical JSON
    run_id: str | None = Field(default=None, max_length=ID_LENGTH)
    request_id: str | None = Field(default=None, max_length=ID_LENGTH)
    observed_at: datetime = Field(sa_type=UtcDateTime)
    cleared_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Grant(SQLModel, table=True):
    """A right given to an agent: to change an automation of somebody else, or a capability. Time-boxed, revocable."""

    __tablename__ = "grants"
    __table_args__ = (
        one_of("kind", GrantKind),
        CheckConstraint("(kind = 'modify') = (automation_id IS NOT NULL)", name="ck_grant_of_something"),
        Index("ix_grants_newest", "tenant", "created_at", "id"),
        Index("ix_grants_of_agent", "tenant", "agent_id", "created_at"),
        Index("ix_grants_of_automation", "automation_id"),
        Index("ix_grants_expiry", "expires_at",
              sqlite_where=text("revoked_at IS NULL"), postgresql_where=text("revoked_at IS NULL")),
    )  # fmt: skip

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    kind: GrantKind = Field(sa_type=EnumText(GrantKind))
    agent_id: str = Field(max_length=NAME_LENGTH)
    automation_id: str | None = Field(default=None, foreign_key="automations.id", max_length=ID_LENGTH)
    capability: str | None = Field(default=None, max_length=NAME_LENGTH)
    granted_by: str = Field(max_length=PERSON_LENGTH)
    reason: str | None = Field(default=None, sa_column=Column(Text))
    request_id: str | None = Field(default=None, max_length=ID_LENGTH)  #: the countersigned request that made it
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_by: str | None = Field(default=None, max_length=PERSON_LENGTH)
    revoke_reason: str | None = Field(default=None, sa_column=Column(Text))


class AgentReview(SQLModel, table=True):
    """How many automations an agent created since people last looked at it, and whether they owe it a look."""

    __tablename__ = "agent_reviews"

    tenant: str = Field(primary_key=True, max_length=PERSON_LENGTH)
    agent_id: str = Field(primary_key=True, max_length=NAME_LENGTH)
    created_since_review: int = 0
    review_required: bool = False
    review_requested_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    review_request_id: str | None = Field(default=None, max_length=ID_LENGTH)
    last_reviewed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    notes: str | None = Field(default=None, sa_column=Column(Text))
    updated_at: datetime = Field(sa_type=UtcDateTime)


class OwedReview(SQLModel, table=True):
    """A review that lifecycle rules demand of a person, and when to remind them of it next."""

    __tablename__ = "owed_reviews"
    __table_args__ = (
        Index("ix_owed_reviews_nudge", "nudge_at",
              sqlite_where=text("answered_at IS NULL"), postgresql_where=text("answered_at IS NULL")),
        Index("ix_owed_reviews_person", "tenant", "person", "since"),
    )  # fmt: skip

    request_id: str = Field(primary_key=True, foreign_key="approval_requests.id", max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    person: str = Field(max_length=PERSON_LENGTH)
    since: datetime = Field(sa_type=UtcDateTime)
    nudges: int = 0
    nudge_at: datetime = Field(sa_type=UtcDateTime)
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LimitsInForce(SQLModel, table=True):
    """Limits that an admin changed at run time; what is not in `changed` is as countersign.toml says."""

    __tablename__ = "limits_in_force"

    tenant: str = Field(primary_key=True, max_length=PERSON_LENGTH)
    changed: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    by: str = Field(max_length=PERSON_LENGTH)
    at: datetime = Field(sa_type=UtcDateTime)


class SpendWindow(SQLModel, table=True):
    """What one agent spent in one window, in micro-USD and tokens."""

    __tablename__ = "spend_windows"

    tenant: str = Field(primary_key=True, max_length=PERSON_LENGTH)
    agent_id: str = Field(primary_key=True, max_length=NAME_LENGTH)
    span: str = Field(primary_key=True, max_length=16)
    start: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    cost: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    prompt_tokens: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    completion_tokens: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    total_tokens: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    last_run_id: str | None = Field(default=None, max_length=ID_LENGTH)
    warned_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    stopped_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class SpendReport(SQLModel, table=True):
    """One report of spend; the same id again changes nothing."""

    __tablename__ = "spend_reports"
    __table_args__ = (Index("ix_spend_reports_age", "at"),)

    tenant: str = Field(primary_key=True, max_length=PERSON_LENGTH)
    agent_id: str = Field(primary_key=True, max_length=NAME_LENGTH)
    report_id: str = Field(primary_key=True, max_length=NAME_LENGTH)
    run_id: str | None = Field(default=None, max_length=ID_LENGTH)
    cost: int = Field(sa_column=Column(BigInteger, nullable=False))  #: micro-USD
    content: str = Field(max_length=80)  #: hash of what was reported, to tell a repetition from a contradiction
    at: datetime = Field(sa_type=UtcDateTime)


class SpendStop(SQLModel, table=True):
    """An agent that reached its cap: nothing of it starts until this is lifted."""

    __tablename__ = "spend_stops"
    __table_args__ = (
        Index("ux_spend_stops_one_each", "tenant", "agent_id", unique=True,
              sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL")),
        Index("ix_spend_stops_due", "due_at", **_due("due_at")),
    )  # fmt: skip

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    agent_id: str = Field(max_length=NAME_LENGTH)
    reason: str = Field(sa_column=Column(Text, nullable=False))
    request_id: str | None = Field(default=None, max_length=ID_LENGTH)  #: the quota_override that asks about it
    at: datetime = Field(sa_type=UtcDateTime)
    cost: int = Field(sa_column=Column(BigInteger, nullable=False))  #: of the week when it was stopped, micro-USD
    cap: int = Field(sa_column=Column(BigInteger, nullable=False))
    release_at: datetime = Field(sa_type=UtcDateTime)  #: the start of the next week
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  #: when the loop has to look at it next
    lifted_until: datetime | None = Field(default=None, sa_type=UtcDateTime)  #: an approved override holds until then
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
