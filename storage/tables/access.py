"""Keys of agents and operators, the nonces operators used up, and the installation's own secret."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Column, Index, Text
from sqlmodel import Field, SQLModel

from governance.roles import Role
from storage.tables.base import ID_LENGTH, NAME_LENGTH, PERSON_LENGTH, EnumText, UtcDateTime, one_of


class KeyKind(StrEnum):
    """Whom a key stands for."""

    AGENT = "agent"
    OPERATOR = "operator"


class ApiKey(SQLModel, table=True):
    """A key. Agents' secrets are only hashed; operators' must sign, so theirs is sealed and recoverable."""

    __tablename__ = "api_keys"
    __table_args__ = (one_of("kind", KeyKind), one_of("role", Role))

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    kind: KeyKind = Field(sa_type=EnumText(KeyKind))
    principal: str = Field(max_length=NAME_LENGTH)
    role: Role | None = Field(default=None, sa_type=EnumText(Role))
    scopes: list[str] | None = Field(default=None, sa_column=Column(JSON))  #: None: whatever its agent may
    secret_hash: str = Field(max_length=64, unique=True)
    sealed_secret: str | None = Field(default=None, sa_column=Column(Text))
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    replaced_by: str | None = Field(default=None, max_length=ID_LENGTH)  #: the key that it was rotated to


class Nonce(SQLModel, table=True):
    """A nonce that a signed call has used up."""

    __tablename__ = "nonces"
    __table_args__ = (Index("ix_nonces_age", "seen_at"),)

    key_id: str = Field(primary_key=True, max_length=ID_LENGTH)
    nonce: str = Field(primary_key=True, max_length=64)
    seen_at: datetime = Field(sa_type=UtcDateTime)


class Installation(SQLModel, table=True):
    """The one row that holds this installation's own secret, sealed under the encryption key."""

    __tablename__ = "installation"

    id: int = Field(primary_key=True)
    sealed_key: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_type=UtcDateTime)
