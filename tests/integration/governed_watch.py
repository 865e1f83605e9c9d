"""Looking at everything that governs automations after every step, and saying which promise the step broke."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select

from governance.automations import ActorKind, AutomationStatus, ReviewKind, RunStatus
from governance.lifecycle import OPEN_REQUESTS, RequestStatus
from governance.reviewers import ReviewVerdict
from storage.database import Database
from storage.tables import (
    AgentReview,
    ApprovalRequest,
    AuditEntry,
    Automation,
    AutomationRun,
    RequestType,
    Review,
    SpendStop,
    SpendWindow,
    Standing,
    StandingKind,
)
from tests.integration.verbs import TENANT

OWED = (RequestType.LIFECYCLE_REVIEW, RequestType.RETIREMENT_ACTION)
#: What is asked once about its target.
ONCE = (*OWED, RequestType.QUOTA_OVERRIDE)
STILL = {RunStatus.PAUSED, RunStatus.COMPLETED, RunStatus.BLOCKED, RunStatus.FAILED, RunStatus.CANCELLED}
ENDS = STILL - {RunStatus.PAUSED}
_STOPS_STARTS = {ReviewKind.RUN_DRIFT, ReviewKind.DEPENDENCY_REVOKED}


@dataclass
class Seen:
    """What is stored at one moment."""

    now: datetime
    entries: int = 0
    automations: list[Automation] = field(default_factory=list)
    runs: list[AutomationRun] = field(default_factory=list)
    requests: list[ApprovalRequest] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    owing: list[AgentReview] = field(default_factory=list)
    stops: list[SpendStop] = field(default_factory=list)
    windows: list[SpendWindow] = field(default_factory=list)
    paused: set[str] = field(default_factory=set)  #: agents

    @property
    def words(self) -> list[object]:
        """Where everything stands; a refusal changes none of it."""
        return [
            self.entries, [(one.id, one.updated_at, one.status) for one in self.automations],
            [(one.id, one.status) for one in self.runs], [(one.id, one.status) for one in self.requests],
            [(one.id, one.ended_at, one.lifted_until) for one in self.stops], [one.cost for one in self.windows],
        ]  # fmt: skip

    def live(self) -> list[Automation]:
        return [one for one in self.automations if one.deleted_at is None]

    def open_about(self, target: str) -> list[ApprovalRequest]:
        return [one for one in self.requests if one.target_id == target and one.status in OPEN_REQUESTS]

    def holding(self) -> set[str]:
        """The agents that a spend stop holds now."""
        return {
            one.agent_id for one in self.stops
            if one.ended_at is None and (one.lifted_until is None or one.lifted_until <= self.now)
        }  # fmt: skip

    def blocks(self, row: Automation) -> list[str]:
        """Whatever stands against a run of an automation."""
        hands = hands_of(row)
        found = {
            "deleted": row.deleted_at, "retired": row.retired_at, "expired": row.expired_at,
            "held": row.paused_for_lifecycle, "critical": row.creation_paused,
            "not active": row.status is not AutomationStatus.ACTIVE,
            "review": row.review_required and row.review_kind in _STOPS_STARTS,
            "spend": hands & self.holding(), "paused": hands & self.paused,
        }  # fmt: skip
        return [name for name, stands in found.items() if stands]


def hands_of(row: Automation) -> set[str]:
    """The agents that made an automation or work in it."""
    made = {row.creator_id} if row.creator_kind is ActorKind.AGENT else set()
    return {one for one in (*made, *row.agents) if one is not None}


async def look_at_everything(database: Database) -> Seen:
    """Read all of it in one transaction."""
    seen = Seen(database.clock())
    async with database.read(TENANT) as tx:
        seen.entries = await tx.session.scalar(select(func.count()).select_from(AuditEntry)) or 0
        for name, table in (
            ("automations", Automation), ("runs", AutomationRun), ("requests", ApprovalRequest), ("reviews", Review),
            ("stops", SpendStop), ("owing", AgentReview), ("windows", SpendWindow),
        ):  # fmt: skip
            keys = [getattr(table, key.name) for key in table.__table__.primary_key]  # type: ignore[attr-defined]
            setattr(seen, name, list(await tx.session.scalars(select(table).order_by(*keys))))
        standing = await tx.session.scalars(select(Standing))
        seen.paused = {
            one.agent_id for one in standing if one.kind is StandingKind.PAUSE and one.ended_at is None
        }  # fmt: skip
    return seen


def check_always(seen: Seen, quota: int, cap: int, threshold: int) -> None:
    """What holds after every step, however late the loop is."""
    made = [one for one in seen.automations if one.creator_kind is ActorKind.AGENT]
    lately = Counter(one.creator_id for one in made if one.created_at > seen.now - timedelta(days=1))
    going = [one for one in made if not (one.deleted_at or one.retired_at or one.expired_at)]
    assert max(lately.values(), default=0) <= quota
    assert len(going) <= cap
    assert all(one.created_since_review <= threshold for one in seen.owing)
    _check_runs(seen)
    _check_questions(seen)


def _check_runs(seen: Seen) -> None:
    """What is paused or has ended does nothing."""
    by_id = {one.id: one for one in seen.automations}
    for run in seen.runs:
        row = by_id[run.automation_id]
        if row.deleted_at is not None:
            assert run.status in ENDS, (run, row)
        if row.status is not AutomationStatus.ACTIVE or row.paused_for_lifecycle or row.retired_at or row.expired_at:
            assert run.status in STILL, (run, row)
        assert (run.ended_at is not None) == (run.status in ENDS)


def _check_questions(seen: Seen) -> None:
    """Nobody decides their own question, each thing is asked once, and not about what has ended."""
    asked = {one.id: one for one in seen.requests}
    for review in seen.reviews:
        request = asked[review.request_id]
        assert review.reviewer != request.requester
        assert review.reviewer in request.reviewers
    for request in seen.requests:
        if request.status is RequestStatus.APPROVED:
            said = {one.reviewer for one in seen.reviews
                    if one.request_id == request.id and one.verdict is ReviewVerdict.APPROVE}  # fmt: skip
            assert len(said) >= request.quorum
    open_ones = Counter(
        (one.request_type, one.target_id) for one in seen.requests
        if one.status in OPEN_REQUESTS and one.request_type in ONCE
    )  # fmt: skip
    assert max(open_ones.values(), default=0) <= 1, open_ones
    for row in seen.automations:
        if row.deleted_at or row.retired_at:
            assert not [one for one in seen.open_about(row.id) if one.request_type in OWED], row


def check_after_a_tick(seen: Seen) -> None:
    """What holds once the loop has looked: what is over has ended, stops hold, and who waits waits for somebody."""
    for row in seen.live():
        if row.expires_at is not None and row.expires_at <= seen.now:
            assert row.retired_at or row.expired_at, row
        if row.review_required:
            waiting = [one for one in seen.open_about(row.id) if one.request_type in OWED]
            assert waiting, f"nobody is asked about {row}"
            assert all(one.expires_at > seen.now for one in waiting)
    held = seen.holding()
    by_id = {one.id: one for one in seen.automations}
    for run in seen.runs:
        assert run.status in STILL or not hands_of(by_id[run.automation_id]) & held, run
    for one in seen.owing:
        rejected = any(
            request.id == one.review_request_id and request.status is RequestStatus.REJECTED
            for request in seen.requests
        )
        assert not one.review_required or rejected or seen.open_about(one.agent_id), one
