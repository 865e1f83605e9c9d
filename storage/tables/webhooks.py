"""Webhooks: who wants to hear of events, and every event that somebody was or is to be told."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, Column, Index, Text, text
from sqlmodel import Field, SQLModel

from storage.tables.base import ID_LENGTH, NAME_LENGTH, PERSON_LENGTH, EnumText, UtcDateTime, one_of


class DeliveryStatus(StrEnum):
    """Where the delivery of an event to an endpoint stands."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    DEAD = "dead"


_QUEUED = text("status = 'queued'")
_DEAD = text("status = 'dead' AND replayed_at IS NULL")
_FORGOTTEN = text("forget_at IS NOT NULL")
_ROTATED = text("previous_until IS NOT NULL")
_OF_AN_EVENT = text("place > 0 AND replay = 0")


class WebhookEndpoint(SQLModel, table=True):
    """An address that is told of events. Its secrets sign what is sent, so they are sealed and recoverable.

    No events and no agents mean all of them. While `busy_until` lies ahead, one hand is sending to it.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        Index("ix_webhook_endpoints_newest", "tenant", "created_at", "id"),
        Index("ix_webhook_endpoints_rotated", "previous_until", sqlite_where=_ROTATED, postgresql_where=_ROTATED),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    url: str = Field(sa_column=Column(Text, nullable=False))
    events: list[str] = Field(sa_column=Column(JSON, nullable=False))
    agents: list[str] = Field(sa_column=Column(JSON, nullable=False))
    description: str | None = Field(default=None, sa_column=Column(Text))
    sealed_secret: str = Field(sa_column=Column(Text, nullable=False))
    previous_secret: str | None = Field(default=None, sa_column=Column(Text))
    previous_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_by: str = Field(max_length=PERSON_LENGTH)
    created_at: datetime = Field(sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    disabled_why: str | None = Field(default=None, sa_column=Column(Text))
    alarmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  #: admins were told, nothing arrived since
    busy_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class WebhookDelivery(SQLModel, table=True):
    """One event on its way to one endpoint, with the very text that is sent.

    `place` is the event's number in its workspace, 0 for a ping. `message_id` is what receivers know it by: its own id,
    or that of the delivery it replays. The row outlives its endpoint until `forget_at`.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        one_of("status", DeliveryStatus),
        Index("ix_webhook_deliveries_newest", "endpoint_id", "created_at", "id"),
        Index("ix_webhook_deliveries_due", "endpoint_id", "next_attempt_at", "place",
              sqlite_where=_QUEUED, postgresql_where=_QUEUED),
        Index("ix_webhook_deliveries_dead", "endpoint_id", "created_at", "id",
              sqlite_where=_DEAD, postgresql_where=_DEAD),
        Index("ix_webhook_deliveries_forgotten", "forget_at",
              sqlite_where=_FORGOTTEN, postgresql_where=_FORGOTTEN),
        Index("ux_webhook_deliveries_one_each", "endpoint_id", "place", unique=True,
              sqlite_where=_OF_AN_EVENT, postgresql_where=_OF_AN_EVENT),
        Index("ux_webhook_deliveries_replay", "message_id", "replay", unique=True),
    )  # fmt: skip

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    endpoint_id: str = Field(max_length=ID_LENGTH)
    message_id: str = Field(max_length=ID_LENGTH)
    replay: int = 0
    place: int = Field(sa_column=Column(BigInteger, nullable=False))
    event: str = Field(max_length=NAME_LENGTH)
    body: str = Field(sa_column=Column(Text, nullable=False))
    status: DeliveryStatus = Field(sa_type=EnumText(DeliveryStatus))
    attempts: int = 0
    created_at: datetime = Field(sa_type=UtcDateTime)
    next_attempt_at: datetime = Field(sa_type=UtcDateTime)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    replayed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    forget_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_status: int | None = None
    last_error: str | None = Field(default=None, sa_column=Column(Text))
