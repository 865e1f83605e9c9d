"""The trust graph: one record per verdict, refusal and outcome, projected from the audit record by the sealer."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, Text
from sqlmodel import Field, SQLModel

from governance.tiers import Tier
from storage.tables.base import ID_LENGTH, NAME_LENGTH, PERSON_LENGTH, EnumText, UtcDateTime, one_of


class TrustRecord(SQLModel, table=True):
    """One OpenTrustGraph record. `record` is the whole of it as JSON; the columns beside it are for queries."""

    __tablename__ = "trust_records"
    __table_args__ = (
        one_of("tier", Tier),
        Index("ix_trust_of_agent", "tenant", "agent_id", "chain_index"),
        Index("ix_trust_of_trace", "tenant", "trace_id"),
    )

    tenant: str = Field(primary_key=True, max_length=PERSON_LENGTH)
    chain_index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    record_id: str = Field(max_length=ID_LENGTH, unique=True)
    entry_id: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    agent_id: str = Field(max_length=NAME_LENGTH)
    action: str = Field(max_length=NAME_LENGTH)
    outcome: str = Field(max_length=32)
    tier: Tier = Field(sa_type=EnumText(Tier))
    trace_id: str = Field(max_length=NAME_LENGTH)
    proposal_id: str | None = Field(default=None, max_length=ID_LENGTH)
    at: datetime = Field(sa_type=UtcDateTime)
    record: str = Field(sa_column=Column(Text, nullable=False))
    entry_hash: str = Field(max_length=80)
