"""What people set for themselves: when they want to hear from us, and who answers while they are away."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from storage.tables.base import PERSON_LENGTH, UtcDateTime

_DUE = text("digest_at IS NOT NULL")
_AWAY = text("away_since IS NOT NULL")


class Preference(SQLModel, table=True):
    """One person's settings. Minutes count from midnight where the person is; moments are UTC."""

    __tablename__ = "preferences"
    __table_args__ = (
        CheckConstraint("digest_hour BETWEEN 0 AND 23", name="ck_digest_hour_of_day"),
        CheckConstraint("quiet_from BETWEEN 0 AND 1439", name="ck_quiet_from_of_day"),
        CheckConstraint("quiet_to BETWEEN 0 AND 1439", name="ck_quiet_to_of_day"),
        Index("ix_preferences_digest", "digest_at", sqlite_where=_DUE, postgresql_where=_DUE),
        Index("ix_preferences_away", "tenant", sqlite_where=_AWAY, postgresql_where=_AWAY),
    )

    tenant: str = Field(primary_key=True, max_length=PERSON_LENGTH)
    person: str = Field(primary_key=True, max_length=PERSON_LENGTH)
    tz: str | None = Field(default=None, max_length=64)  #: IANA name, as Slack said last
    digest_hour: int | None = None
    digest_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  #: when the next one is due
    quiet_from: int | None = None
    quiet_to: int | None = None
    away_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    away_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    delegate: str | None = Field(default=None, max_length=PERSON_LENGTH)  #: who answers while the person is away
    updated_at: datetime = Field(sa_type=UtcDateTime)
