"""Remembered decisions that answer later proposals."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, Column, Index, Text, text
from sqlmodel import Field, SQLModel

from governance.rules import Effect, Scope
from storage.tables.base import ID_LENGTH, NAME_LENGTH, PERSON_LENGTH, EnumText, UtcDateTime, one_of

_LIVE = text("ended_at IS NULL")


class Rule(SQLModel, table=True):
    """One remembered decision. Of one key (agent, tool, pattern, scope) one is live; a newer one ends it."""

    __tablename__ = "rules"
    __table_args__ = (
        one_of("effect", Effect),
        one_of("scope", Scope),
        CheckConstraint("uses >= 0", name="ck_uses_counted"),
        Index("ux_rules_one_each", "tenant", "agent_id", "tool", "pattern_hash", "scope", "session_id", unique=True,
              sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("ix_rules_nudge", "nudge_at", sqlite_where=_LIVE, postgresql_where=_LIVE),
    )  # fmt: skip

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    agent_id: str = Field(max_length=NAME_LENGTH)
    tool: str = Field(max_length=NAME_LENGTH)  #: a name, or a prefix such as `deploy.*`
    tool_version: str | None = Field(default=None, max_length=80)
    effect: Effect = Field(sa_type=EnumText(Effect))
    scope: Scope = Field(sa_type=EnumText(Scope))
    session_id: str = Field(default="", max_length=NAME_LENGTH)  #: empty unless the scope is a session
    pattern: str = Field(sa_column=Column(Text, nullable=False))  #: canonical JSON, see governance.rules
    pattern_hash: str = Field(max_length=64)
    authors: list[str] = Field(sa_column=Column(JSON, nullable=False))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    request_id: str | None = Field(default=None, max_length=ID_LENGTH)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    max_uses: int | None = None
    uses: int = 0
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    nudge_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_by: str | None = Field(default=None, max_length=NAME_LENGTH)
    ended_why: str | None = Field(default=None, sa_column=Column(Text))
