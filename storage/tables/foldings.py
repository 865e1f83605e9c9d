"""Noisy agents: the messages that count calls instead of telling of each."""

from datetime import datetime

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field, SQLModel

from storage.tables.base import ID_LENGTH, NAME_LENGTH, PERSON_LENGTH, EnumText, UtcDateTime, one_of
from storage.tables.delivery import SurfaceStatus

_OPEN = text("ended_at IS NULL")
_STALE = text("desired > rendered")


class Folding(SQLModel, table=True):
    """One stretch of calls that an agent ran without asking, as one person is told of it; at most one is open.

    The first few are told one by one, the rest is counted in one message. `desired` counts what that message should
    show, `rendered` what it shows, as on a surface; both are 0 while there is none.
    """

    __tablename__ = "foldings"
    __table_args__ = (
        one_of("status", SurfaceStatus),
        Index("ux_foldings_one_open", "tenant", "person", "agent_id", unique=True,
              sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_foldings_stale", "tenant", "id", sqlite_where=_STALE, postgresql_where=_STALE),
    )  # fmt: skip

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    person: str = Field(max_length=PERSON_LENGTH)
    agent_id: str = Field(max_length=NAME_LENGTH)
    agent_name: str = Field(max_length=NAME_LENGTH)
    since: datetime = Field(sa_type=UtcDateTime)
    last_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    alone: int = 0  #: how many were told one by one, and how many of them had not gone well
    alone_failed: int = 0
    counts: dict[str, int] = Field(sa_column=Column(JSON, nullable=False))  #: of the others, by how they ended
    lines: list[dict[str, str]] = Field(sa_column=Column(JSON, nullable=False))  #: those worth a line, oldest first
    counted_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    status: SurfaceStatus = Field(default=SurfaceStatus.NEW, sa_type=EnumText(SurfaceStatus))
    channel: str | None = Field(default=None, max_length=PERSON_LENGTH)
    ts: str | None = Field(default=None, max_length=32)
    desired: int = 0
    rendered: int = 0
    reposts: int = 0
    busy_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
