"""What the Agent Approval Protocol adds to proposals: its requests, the instances of agents, who may make those."""

from datetime import datetime

from sqlalchemy import Column, Index, Text
from sqlmodel import Field, SQLModel

from storage.tables.base import ID_LENGTH, NAME_LENGTH, PERSON_LENGTH, UtcDateTime

UUID_LENGTH = 36


class AapRequest(SQLModel, table=True):
    """One request as it came in over the protocol. What became of it, its proposal says.

    `submission` is the body in canonical JSON, sealed where there is a key to seal it under: it holds secrets.
    `instance_id` is empty for an agent's own key. Where the tool is unknown there is no proposal, and `note` says so.
    """

    __tablename__ = "aap_requests"
    __table_args__ = (
        Index("ux_aap_requests_key", "tenant", "agent_id", "instance_id", "idempotency_key", unique=True),
    )  # fmt: skip

    id: str = Field(primary_key=True, max_length=UUID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    agent_id: str = Field(max_length=NAME_LENGTH)
    instance_id: str = Field(max_length=UUID_LENGTH)
    proposal_id: str | None = Field(default=None, foreign_key="proposals.id", max_length=ID_LENGTH, unique=True)
    idempotency_key: str = Field(max_length=NAME_LENGTH)
    submission: str = Field(sa_column=Column(Text, nullable=False))
    note: str | None = Field(default=None, sa_column=Column(Text))
    created_at: datetime = Field(sa_type=UtcDateTime)
    deadline_at: datetime = Field(sa_type=UtcDateTime)
    consume_key: str | None = Field(default=None, max_length=NAME_LENGTH)
    consumed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AapInstance(SQLModel, table=True):
    """One running or installed copy of an agent, with an agent key of its own.

    Its token and the secret that signs its notifications are sealed: a repeated call gets the same token back.
    Deleting it wipes both; the row stays, so that a repetition hears that it is gone.
    """

    __tablename__ = "aap_instances"
    __table_args__ = (
        Index("ux_aap_instances_key", "tenant", "provisioner_id", "idempotency_key", unique=True),
    )  # fmt: skip

    id: str = Field(primary_key=True, max_length=UUID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    agent_id: str = Field(max_length=NAME_LENGTH)
    name: str = Field(max_length=NAME_LENGTH)
    key_id: str = Field(foreign_key="api_keys.id", max_length=ID_LENGTH, unique=True)
    provisioner_id: str = Field(max_length=ID_LENGTH)
    idempotency_key: str = Field(max_length=NAME_LENGTH)
    submission_hash: str = Field(max_length=64)
    sealed_token: str | None = Field(default=None, sa_column=Column(Text))
    url: str | None = Field(default=None, sa_column=Column(Text))
    registration_id: str | None = Field(default=None, max_length=UUID_LENGTH)
    sealed_secret: str | None = Field(default=None, sa_column=Column(Text))
    created_at: datetime = Field(sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AapInstanceChange(SQLModel, table=True):
    """One change of an instance, with what was answered: repeating it answers the same and changes nothing."""

    __tablename__ = "aap_instance_changes"

    instance_id: str = Field(primary_key=True, foreign_key="aap_instances.id", max_length=UUID_LENGTH)
    provisioner_id: str = Field(primary_key=True, max_length=ID_LENGTH)
    idempotency_key: str = Field(primary_key=True, max_length=NAME_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    submission_hash: str = Field(max_length=64)
    answer: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = Field(sa_type=UtcDateTime)


class AapProvisioner(SQLModel, table=True):
    """A token that makes and ends instances of one agent, and can do nothing else: no query for keys finds it."""

    __tablename__ = "aap_provisioners"

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    agent_id: str = Field(max_length=NAME_LENGTH)
    secret_hash: str = Field(max_length=64, unique=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
