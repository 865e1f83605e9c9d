"""What is owed to the outside world, and the Slack messages that show a request."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Column, Index, Text, text
from sqlmodel import Field, SQLModel

from storage.tables.base import ID_LENGTH, NAME_LENGTH, PERSON_LENGTH, EnumText, UtcDateTime, one_of


class OutboxStatus(StrEnum):
    """Where an outbox message stands."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"


class SurfaceStatus(StrEnum):
    """Where a Slack message stands."""

    NEW = "new"
    POSTING = "posting"  #: a post was begun and its answer is not known; it may be there already
    POSTED = "posted"
    GONE = "gone"


_QUEUED = text("status = 'queued'")
_SENDING = text("status = 'sending'")
_STALE = text("desired > rendered")
_POSTING = text("status = 'posting'")
_PERSONAL = text("person IS NOT NULL AND status <> 'gone'")
_HELD = text("status = 'queued' AND held_for IS NOT NULL")


class OutboxMessage(SQLModel, table=True):
    """One thing a commit owes the outside. `subject` coalesces: at most one queued message per kind and subject.

    `certain` says that the last try is known not to have reached anybody, so it may be repeated blindly.
    """

    __tablename__ = "outbox_messages"
    __table_args__ = (
        one_of("status", OutboxStatus),
        Index("ux_outbox_coalesced", "kind", "subject", unique=True, sqlite_where=_QUEUED, postgresql_where=_QUEUED),
        Index("ix_outbox_due", "next_attempt_at", "priority", sqlite_where=_QUEUED, postgresql_where=_QUEUED),
        Index("ix_outbox_leases", "lease_until", sqlite_where=_SENDING, postgresql_where=_SENDING),
        Index("ix_outbox_held", "tenant", "held_for", sqlite_where=_HELD, postgresql_where=_HELD),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    kind: str = Field(max_length=32)
    subject: str = Field(max_length=NAME_LENGTH)
    payload: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    priority: int
    status: OutboxStatus = Field(sa_type=EnumText(OutboxStatus))
    attempts: int = 0
    certain: bool = True
    created_at: datetime = Field(sa_type=UtcDateTime)
    next_attempt_at: datetime = Field(sa_type=UtcDateTime)
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_error: str | None = Field(default=None, sa_column=Column(Text))
    held_for: str | None = Field(default=None, max_length=PERSON_LENGTH)  #: whose quiet hours it waits for
    held_until: datetime | None = Field(default=None, sa_type=UtcDateTime)  #: before that it could not be tried


class Surface(SQLModel, table=True):
    """One Slack message that shows a request. `desired` counts what it should show, `rendered` what it shows.

    Where a channel takes no cards, somebody who may decide has one as a direct message: then `person` names them, and
    `channel` too until it is posted.
    """

    __tablename__ = "surfaces"
    __table_args__ = (
        one_of("status", SurfaceStatus),
        Index("ix_surfaces_stale", "tenant", "id", sqlite_where=_STALE, postgresql_where=_STALE),
        Index("ix_surfaces_message", "channel", "ts"),
        Index("ix_surfaces_thread", "channel", "thread_ts"),
        Index("ix_surfaces_posting", "channel", sqlite_where=_POSTING, postgresql_where=_POSTING),
        Index("ux_surfaces_one_each", "proposal_id", "person", unique=True,
              sqlite_where=_PERSONAL, postgresql_where=_PERSONAL),
    )  # fmt: skip

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    proposal_id: str = Field(foreign_key="proposals.id", max_length=ID_LENGTH, index=True)
    channel: str = Field(max_length=PERSON_LENGTH)
    person: str | None = Field(default=None, max_length=PERSON_LENGTH)
    thread_ts: str | None = Field(default=None, max_length=32)
    ts: str | None = Field(default=None, max_length=32)
    status: SurfaceStatus = Field(sa_type=EnumText(SurfaceStatus))
    desired: int = 1
    rendered: int = 0
    reposts: int = 0
    busy_until: datetime | None = Field(default=None, sa_type=UtcDateTime)  # one hand at a time draws it
    created_at: datetime = Field(sa_type=UtcDateTime)


class Rendering(SQLModel, table=True):
    """One drawing of a request with buttons on it. Its id is all that a button carries.

    `surface_id` is None where it is no message of its own: an entry of a Home tab, or of a list to choose from.
    """

    __tablename__ = "renderings"

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    surface_id: str | None = Field(default=None, foreign_key="surfaces.id", max_length=ID_LENGTH, index=True)
    proposal_id: str = Field(foreign_key="proposals.id", max_length=ID_LENGTH)
    request_id: str | None = Field(default=None, foreign_key="approval_requests.id", max_length=ID_LENGTH)
    request_version: int = 0
    execution_id: str | None = Field(default=None, foreign_key="executions.id", max_length=ID_LENGTH)
    attempt: int = 0
    digest: str = Field(max_length=80)
    created_at: datetime = Field(sa_type=UtcDateTime)
    shown_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  #: when Slack confirmed that it is up
