"""Workspaces that installed the app by OAuth, and the states that were used for it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Index, Text
from sqlmodel import Field, SQLModel

from storage.tables.base import NAME_LENGTH, PERSON_LENGTH, UtcDateTime


class SlackInstallation(SQLModel, table=True):
    """One workspace's installation. Its tenant is the Slack team id; the token is sealed, and erased when it ends."""

    __tablename__ = "slack_installations"
    __table_args__ = (
        CheckConstraint("(sealed_token IS NULL) = (removed_at IS NOT NULL)", name="ck_token_while_installed"),
    )

    tenant: str = Field(primary_key=True, max_length=PERSON_LENGTH)
    team_name: str = Field(max_length=NAME_LENGTH)
    enterprise_id: str | None = Field(default=None, max_length=PERSON_LENGTH)
    app_id: str = Field(max_length=PERSON_LENGTH)
    bot_id: str = Field(max_length=PERSON_LENGTH)
    bot_user_id: str = Field(max_length=PERSON_LENGTH)
    scopes: str = Field(sa_column=Column(Text, nullable=False))
    sealed_token: str | None = Field(default=None, sa_column=Column(Text))
    installed_by: str = Field(max_length=PERSON_LENGTH)
    installed_at: datetime = Field(sa_type=UtcDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class OAuthState(SQLModel, table=True):
    """A state that was used up, kept until it would have lapsed anyway. Only its SHA-256 is kept."""

    __tablename__ = "oauth_states"
    __table_args__ = (Index("ix_oauth_states_age", "expires_at"),)

    state_hash: str = Field(primary_key=True, max_length=64)
    expires_at: datetime = Field(sa_type=UtcDateTime)
