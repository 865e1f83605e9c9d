"""Home tabs: who looks at one, what it should show and what it does show."""

from datetime import datetime

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel

from storage.tables.base import PERSON_LENGTH, UtcDateTime


class Home(SQLModel, table=True):
    """One person's Home tab. `desired` counts the changes it may have to show, `rendered` those it was looked at for.

    `buttons` maps `request id:version` to the rendering id that the entry's buttons carry, so that a Home that is
    drawn again adds no rows for what is on it already.
    """

    __tablename__ = "homes"
    __table_args__ = (Index("ix_homes_opened", "tenant", "opened_at"),)

    tenant: str = Field(primary_key=True, max_length=PERSON_LENGTH)
    person: str = Field(primary_key=True, max_length=PERSON_LENGTH)
    opened_at: datetime = Field(sa_type=UtcDateTime)
    desired: int = 1
    rendered: int = 0
    drawn: str | None = Field(default=None, max_length=64)  #: hash of what it shows
    drawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    busy_until: datetime | None = Field(default=None, sa_type=UtcDateTime)  # one hand at a time draws it
    buttons: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
