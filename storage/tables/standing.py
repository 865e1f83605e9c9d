"""What people decided about an agent while it runs: pauses, tiers other than the file's, and its budget used up."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Column, Index, Text, text
from sqlmodel import Field, SQLModel

from governance.tiers import Tier
from storage.tables.base import ID_LENGTH, NAME_LENGTH, PERSON_LENGTH, EnumText, UtcDateTime, one_of

_LIVE = text("ended_at IS NULL")


class StandingKind(StrEnum):
    """What was decided about an agent."""

    PAUSE = "pause"
    TIER = "tier"
    SPEND = "spend"  #: its spend stop holds: the gates read it here, with everything else about the agent


class Budget(StrEnum):
    """The spans in which unasked calls are counted, in UTC."""

    HOUR = "hour"
    DAY = "day"


class Standing(SQLModel, table=True):
    """One decision about one agent; at most one is live per kind and target."""

    __tablename__ = "standings"
    __table_args__ = (
        one_of("kind", StandingKind),
        one_of("tier", Tier),
        one_of("replaces", Tier),
        Index("ux_standings_one_each", "tenant", "agent_id", "kind", "target", unique=True,
              sqlite_where=_LIVE, postgresql_where=_LIVE),
    )  # fmt: skip

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    agent_id: str = Field(max_length=NAME_LENGTH)
    kind: StandingKind = Field(sa_type=EnumText(StandingKind))
    target: str = Field(default="", max_length=NAME_LENGTH)  #: the tool or class a tier is for; empty for the agent
    tier: Tier | None = Field(default=None, sa_type=EnumText(Tier))
    replaces: Tier | None = Field(default=None, sa_type=EnumText(Tier))  #: the file's value when it was decided
    by: str = Field(max_length=PERSON_LENGTH)
    reason: str = Field(sa_column=Column(Text, nullable=False))
    proposal_id: str | None = Field(default=None, max_length=ID_LENGTH)  #: the countersigned call that did it
    at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_by: str | None = Field(default=None, max_length=PERSON_LENGTH)


class AutonomyCount(SQLModel, table=True):
    """How many calls of an agent ran unasked in one hour or day."""

    __tablename__ = "autonomy_counts"
    __table_args__ = (one_of("span", Budget), CheckConstraint("used >= 0", name="ck_used_counted"))

    tenant: str = Field(primary_key=True, max_length=PERSON_LENGTH)
    agent_id: str = Field(primary_key=True, max_length=NAME_LENGTH)
    span: Budget = Field(primary_key=True, sa_type=EnumText(Budget))
    starts_at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    used: int = 0
