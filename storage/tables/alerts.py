"""What operators have been told, so that they are not told it with every message."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from storage.tables.base import NAME_LENGTH, PERSON_LENGTH, UtcDateTime


class Alert(SQLModel, table=True):
    """One trouble, and when the admins were told of it last."""

    __tablename__ = "alerts"

    tenant: str = Field(primary_key=True, max_length=PERSON_LENGTH)
    subject: str = Field(primary_key=True, max_length=NAME_LENGTH)
    said_at: datetime = Field(sa_type=UtcDateTime)
