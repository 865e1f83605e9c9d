"""Approval requests and the reviews people gave on them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, Column, Index, Text, text
from sqlmodel import Field, SQLModel

from governance.lifecycle import RequestStatus
from governance.reviewers import ReviewVerdict
from governance.rules import Remember
from storage.tables.base import ID_LENGTH, NAME_LENGTH, PERSON_LENGTH, EnumText, UtcDateTime, one_of


class RequestType(StrEnum):
    """What a request asks people about."""

    TOOL_CALL = "tool_call"
    CAPABILITY_REQUEST = "capability_request"
    EXTERNAL_POST = "external_post"
    QUOTA_OVERRIDE = "quota_override"
    LIFECYCLE_REVIEW = "lifecycle_review"
    ELEVATED_CAPABILITY = "elevated_capability"
    DEPTH_OVERRIDE = "depth_override"
    RETIREMENT_ACTION = "retirement_action"


class Door(StrEnum):
    """Where an answer came in."""

    SLACK = "slack"
    API = "api"
    SYSTEM = "system"


_OPEN = text("status IN ('pending', 'deferred')")
_ASKED = text("asked_key IS NOT NULL AND status IN ('pending', 'deferred')")


class ApprovalRequest(SQLModel, table=True):
    """One question to people. `reviewers` is a snapshot of people and user groups, taken when it was asked."""

    __tablename__ = "approval_requests"
    __table_args__ = (
        one_of("status", RequestStatus),
        one_of("request_type", RequestType),
        one_of("decided_via", Door),
        CheckConstraint("quorum >= 1", name="ck_quorum_positive"),
        Index("ux_requests_one_open", "proposal_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_requests_expiry", "expires_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_requests_soonest", "tenant", "expires_at", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_requests_warning", "warn_at",
              sqlite_where=text("warn_at IS NOT NULL"), postgresql_where=text("warn_at IS NOT NULL")),
        Index("ix_requests_reopen", "reopen_at",
              sqlite_where=text("reopen_at IS NOT NULL"), postgresql_where=text("reopen_at IS NOT NULL")),
        Index("ix_requests_escalation", "escalate_at",
              sqlite_where=text("escalate_at IS NOT NULL"), postgresql_where=text("escalate_at IS NOT NULL")),
        Index("ix_requests_newest", "tenant", "created_at", "id"),
        Index("ix_requests_target", "tenant", "target_type", "target_id", "request_type",
              sqlite_where=text("target_id IS NOT NULL"), postgresql_where=text("target_id IS NOT NULL")),
        Index("ix_requests_open", "tenant", "created_at", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_requests_questions", "tenant", "created_at", "id",
              sqlite_where=text("target_id IS NOT NULL"), postgresql_where=text("target_id IS NOT NULL")),
        Index("ux_requests_asked_once", "tenant", "asked_key", unique=True,
              sqlite_where=_ASKED, postgresql_where=_ASKED),
    )  # fmt: skip

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    proposal_id: str = Field(foreign_key="proposals.id", max_length=ID_LENGTH, index=True)
    request_type: RequestType = Field(sa_type=EnumText(RequestType))
    status: RequestStatus = Field(sa_type=EnumText(RequestStatus))
    version: int = 1
    digest: str = Field(max_length=80)
    target_type: str | None = Field(default=None, max_length=32)  #: `agent` or `automation`, where it is about one
    target_id: str | None = Field(default=None, max_length=NAME_LENGTH)
    asked_key: str | None = Field(default=None, max_length=80)  #: hash of what is asked, which is open only once
    consumed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  #: when a single-use approval was used
    reviewers: list[str] = Field(sa_column=Column(JSON, nullable=False))
    quorum: int = 1
    requester: str | None = Field(default=None, max_length=PERSON_LENGTH)
    barred: str | None = Field(default=None, max_length=PERSON_LENGTH)  #: the agent's creator where the tool says so
    editor: str | None = Field(default=None, max_length=PERSON_LENGTH)  #: who edited the arguments; may not approve
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    warn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    warned: int = 0
    reopen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    escalate_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    escalate_to: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    unreachable_since: datetime | None = Field(default=None, sa_type=UtcDateTime)  #: too few who may decide are there
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decided_by: str | None = Field(default=None, max_length=PERSON_LENGTH)
    decided_via: Door | None = Field(default=None, sa_type=EnumText(Door))
    reason: str | None = Field(default=None, sa_column=Column(Text))


_LIVE = text("voided_at IS NULL")


class Review(SQLModel, table=True):
    """One person's answer, on their own seat or on one delegated to them. A changed mind voids the row and adds one."""

    __tablename__ = "reviews"
    __table_args__ = (
        one_of("verdict", ReviewVerdict),
        one_of("via", Door),
        one_of("remember", Remember),
        Index("ux_reviews_one_each", "request_id", "reviewer", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    )

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    request_id: str = Field(foreign_key="approval_requests.id", max_length=ID_LENGTH)
    request_version: int
    reviewer: str = Field(max_length=PERSON_LENGTH)
    on_behalf_of: str | None = Field(default=None, max_length=PERSON_LENGTH)  #: who delegated the seat, "B for A"
    verdict: ReviewVerdict = Field(sa_type=EnumText(ReviewVerdict))
    remember: Remember = Field(default=Remember.ONCE, sa_type=EnumText(Remember))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    via: Door = Field(sa_type=EnumText(Door))
    at: datetime = Field(sa_type=UtcDateTime)
    voided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Delegation(SQLModel, table=True):
    """One reviewer's seat on one request, handed to another person. Ended when taken back or handed on."""

    __tablename__ = "delegations"
    __table_args__ = (
        Index("ux_delegations_one_each", "request_id", "giver", unique=True,
              sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL")),
    )  # fmt: skip

    id: str = Field(primary_key=True, max_length=ID_LENGTH)
    tenant: str = Field(max_length=PERSON_LENGTH)
    request_id: str = Field(foreign_key="approval_requests.id", max_length=ID_LENGTH)
    giver: str = Field(max_length=PERSON_LENGTH)
    taker: str = Field(max_length=PERSON_LENGTH)
    reason: str | None = Field(default=None, sa_column=Column(Text))
    is_cover: bool = False  #: made because the giver is out of office, not by the giver
    at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
