"""The audit record: insert-only entries, the seals that chain them, and the sequencer's place."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Column, Integer, Text
from sqlmodel import Field, SQLModel

from storage.tables.base import ID_LENGTH, NAME_LENGTH, PERSON_LENGTH, UtcDateTime

_BIG_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows itself only in an INTEGER key


class AuditEntry(SQLModel, table=True):
    """What happened. The database refuses to change or delete a row; `mac` is keyed from outside it."""

    __tablename__ = "audit_entries"
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, sa_column=Column(_BIG_ID, primary_key=True, autoincrement=True))
    tenant: str = Field(max_length=PERSON_LENGTH)
    at: datetime = Field(sa_type=UtcDateTime)
    kind: str = Field(max_length=64)
    actor: str = Field(max_length=NAME_LENGTH)
    agent_id: str | None = Field(default=None, max_length=NAME_LENGTH)
    proposal_id: str | None = Field(default=None, max_length=ID_LENGTH, index=True)
    request_id: str | None = Field(default=None, max_length=ID_LENGTH)
    execution_id: str | None = Field(default=None, max_length=ID_LENGTH)
    detail: str = Field(sa_column=Column(Text, nullable=False))
    mac: str | None = Field(default=None, max_length=64)


class AuditSeal(SQLModel, table=True):
    """An entry's place in its tenant's chain; `chain_index` from 1 is the order everybody reads."""

    __tablename__ = "audit_seals"

    tenant: str = Field(primary_key=True, max_length=PERSON_LENGTH)
    chain_index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    entry_id: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    previous_hash: str = Field(max_length=64)
    entry_hash: str = Field(max_length=64)


class Sequencer(SQLModel, table=True):
    """How far entries have been numbered, and which smaller ids were not committed yet when it passed."""

    __tablename__ = "sequencer"

    id: int = Field(primary_key=True)
    cursor: int = Field(sa_column=Column(BigInteger, nullable=False))
    gaps: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
