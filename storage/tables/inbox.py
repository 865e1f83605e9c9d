"""What people said in Slack without a button, kept until it has been answered."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Index, Text, text
from sqlmodel import Field, SQLModel

from governance.replies import Meaning, Way
from storage.tables.base import NAME_LENGTH, PERSON_LENGTH, EnumText, UtcDateTime, one_of

EVENT_LENGTH = 64


class InboxStatus(StrEnum):
    """Where an event stands."""

    QUEUED = "queued"
    WORKING = "working"
    DONE = "done"
    DEAD = "dead"


_QUEUED = text("status = 'queued'")
_WORKING = text("status = 'working'")


class InboxEvent(SQLModel, table=True):
    """One reply or reaction that was meant as a decision. Of a reply's text only the reason of a rejection is kept.

    `said` names what was done, whatever event tells of it: the same reply under another event id is the same reply.
    """

    __tablename__ = "inbox_events"
    __table_args__ = (
        one_of("status", InboxStatus),
        one_of("way", Way),
        one_of("meaning", Meaning),
        Index("ux_inbox_said_once", "tenant", "said", unique=True),
        Index("ix_inbox_age", "received_at"),
        Index("ix_inbox_due", "next_attempt_at", sqlite_where=_QUEUED, postgresql_where=_QUEUED),
        Index("ix_inbox_leases", "lease_until", sqlite_where=_WORKING, postgresql_where=_WORKING),
    )

    id: str = Field(primary_key=True, max_length=EVENT_LENGTH)  #: as Slack numbers its events
    tenant: str = Field(max_length=PERSON_LENGTH)
    said: str = Field(max_length=NAME_LENGTH)
    way: Way = Field(sa_type=EnumText(Way))
    meaning: Meaning = Field(sa_type=EnumText(Meaning))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    person: str = Field(max_length=PERSON_LENGTH)
    channel: str = Field(max_length=PERSON_LENGTH)
    ts: str = Field(max_length=32)  #: the thread of a reply, the message that a reaction is under
    said_at: datetime = Field(sa_type=UtcDateTime)  #: by Slack's clock
    status: InboxStatus = Field(sa_type=EnumText(InboxStatus))
    attempts: int = 0
    received_at: datetime = Field(sa_type=UtcDateTime)
    next_attempt_at: datetime = Field(sa_type=UtcDateTime)
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_error: str | None = Field(default=None, sa_column=Column(Text))
