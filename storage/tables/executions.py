"""Executions: the running of an allowed call, at most one success per proposal."""

from datetime import datetime

from sqlalchemy import Column, Index, Text, text
from sqlmodel import Field, SQLModel

from governance.lifecycle import ExecutionStatus
from governance.tiers import Tier
from storage.tables.base import ID_LENGTH, NAME_LENGTH, PERSON_LENGTH, EnumText, UtcDateTime, one_of

_SUCCEEDED = text("status = 'succeeded'")
_OPEN = text("status IN ('queued', 'running')")
_QUEUED = text("status = 'queued'")
_RUNNING = text("status = 'running'")


class Execution(SQLModel, table=True):
    """One allowed call on its way. Its id is the idempotency key of every attempt."""

    __tablename__ = "executions"
    __table_args__ = (
        one_of("status", ExecutionStatus),
        one_of("tier", Tier),
        Index("ux_executions_one_success", "proposal_id", unique=True,
              sqlite_where=_SUCCEEDED, postgresql_where=_SUCCEEDED),
        Index("ux_executions_one_open", "proposal_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_executions_due", "unasked", "next_attempt_at", sqlite_where=_QUEUED, postgresql_where=_QUEUED),
        Index("ix_executions_of_tool", "tenant", "tool", "started_at"),
        Index("ix_executions_leases", "lease_until", sqlite_where=_RUNNING, postgresql_where=_RUNNING),
    )  # fmt: skip

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    proposal_id: str = Field(foreign_key="proposals.id", max_length=ID_LENGTH, index=True)
    tool: str = Field(max_length=NAME_LENGTH)
    status: ExecutionStatus = Field(sa_type=EnumText(ExecutionStatus))
    tier: Tier = Field(sa_type=EnumText(Tier))
    unasked: bool = False  #: nobody was asked, so it yields to calls that people wait for
    mac: str | None = Field(default=None, max_length=64)  #: keyed: this call, exactly, was allowed by this program
    attempt: int = 0
    maybe_ran: bool = False  #: an attempt so far brought no certain answer
    queued_at: datetime = Field(sa_type=UtcDateTime)
    next_attempt_at: datetime = Field(sa_type=UtcDateTime)
    start_by: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lease_owner: str | None = Field(default=None, max_length=PERSON_LENGTH)
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    result: str | None = Field(default=None, sa_column=Column(Text))
    error: str | None = Field(default=None, sa_column=Column(Text))
