"""Proposals: one tool call an agent submitted, with the verdict on it."""

from datetime import datetime

from sqlalchemy import JSON, Column, Index, Text, text
from sqlmodel import Field, SQLModel

from governance.lifecycle import ProposalState
from governance.tiers import Tier
from storage.tables.base import ID_LENGTH, NAME_LENGTH, PERSON_LENGTH, EnumText, UtcDateTime, one_of


class Proposal(SQLModel, table=True):
    """One tool call. `arguments` is canonical JSON with secrets masked; `sealed_secrets` holds the rest."""

    __tablename__ = "proposals"
    __table_args__ = (
        one_of("state", ProposalState),
        one_of("tier", Tier),
        Index("ux_proposals_claim", "tenant", "agent_id", "claim_key", unique=True,
              sqlite_where=text("claim_key IS NOT NULL"), postgresql_where=text("claim_key IS NOT NULL")),
        Index("ix_proposals_open_call", "tenant", "agent_id", "call_hash",
              sqlite_where=text("closed_at IS NULL"), postgresql_where=text("closed_at IS NULL")),
        Index("ix_proposals_open", "tenant", "agent_id", "created_at",
              sqlite_where=text("closed_at IS NULL"), postgresql_where=text("closed_at IS NULL")),
        Index("ix_proposals_newest", "tenant", "created_at", "id"),
        Index("ix_proposals_of_run", "tenant", "run_id", "created_at", "id",
              sqlite_where=text("run_id IS NOT NULL"), postgresql_where=text("run_id IS NOT NULL")),
        Index("ix_proposals_of_tool", "tenant", "agent_id", "tool", "created_at"),
    )  # fmt: skip

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    agent_id: str = Field(max_length=NAME_LENGTH)
    agent_name: str = Field(max_length=NAME_LENGTH)
    creator: str = Field(max_length=PERSON_LENGTH)
    requester: str | None = Field(default=None, max_length=PERSON_LENGTH)
    tool: str = Field(max_length=NAME_LENGTH)
    tool_version: str = Field(max_length=80)
    title: str = Field(max_length=NAME_LENGTH)
    action_class: str = Field(max_length=NAME_LENGTH)
    connector: str = Field(max_length=32)  #: its kind; what `agent` connectors are allowed, the agent runs itself
    risk: str | None = Field(default=None, max_length=32)
    arguments: str = Field(sa_column=Column(Text, nullable=False))
    proposed_arguments: str | None = Field(default=None, sa_column=Column(Text))  #: before a reviewer edited them
    sealed_secrets: str | None = Field(default=None, sa_column=Column(Text))
    digest: str = Field(max_length=80)
    call_hash: str = Field(max_length=80)
    idempotency_key: str | None = Field(default=None, max_length=NAME_LENGTH)
    claim_key: str | None = Field(default=None, max_length=NAME_LENGTH + 16)
    session_id: str | None = Field(default=None, max_length=NAME_LENGTH)
    trace_id: str | None = Field(default=None, max_length=NAME_LENGTH)
    automation_id: str | None = Field(default=None, max_length=NAME_LENGTH)
    run_id: str | None = Field(default=None, max_length=NAME_LENGTH)
    rationale: str | None = Field(default=None, sa_column=Column(Text))
    on_behalf_of: str | None = Field(default=None, max_length=PERSON_LENGTH)
    thread_channel: str | None = Field(default=None, max_length=PERSON_LENGTH)
    thread_ts: str | None = Field(default=None, max_length=32)
    consequence: str | None = Field(default=None, sa_column=Column(Text))
    state: ProposalState = Field(sa_type=EnumText(ProposalState))
    tier: Tier | None = Field(default=None, sa_type=EnumText(Tier))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    code: str | None = Field(default=None, max_length=64)
    rule_id: str | None = Field(default=None, max_length=ID_LENGTH)
    problems: list[dict[str, str]] | None = Field(default=None, sa_column=Column(JSON))
    created_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
