"""Short forms for questions about governance."""

from datetime import timedelta
from typing import Any

from governance.automations import Actor, ActorKind, AutomationStatus, ReviewKind, RunStatus, Severity
from governance.policy import Policy
from governance.reviewers import ReviewVerdict
from operations.question import Question, raise_question
from operations.review import Answer, review
from storage.database import Database
from storage.tables import (
    AgentReview,
    ApprovalRequest,
    Automation,
    AutomationFinding,
    AutomationRun,
    Door,
    RequestType,
    SpendStop,
)
from tests.integration.verbs import APPROVE, TENANT

REVIEW, RETIREMENT = RequestType.LIFECYCLE_REVIEW, RequestType.RETIREMENT_ACTION
AUTOMATION = ("automation", "aut_1")

SYSTEM = Actor(ActorKind.SYSTEM)
PERSON = Actor(ActorKind.HUMAN, "U0BOB")
AGENT = Actor(ActorKind.AGENT, "deployer")


def question(kind: RequestType, target: tuple[str, str] = ("agent", "deployer"), **more: Any) -> Question:
    """A question with words that nobody looks at."""
    context, asked_by = more.pop("context", {}), more.pop("asked_by", SYSTEM)
    return Question(kind, target, "Look at this", "Lets it go on", "because", context, asked_by, **more)


async def ask(database: Database, policy: Policy, kind: RequestType, **more: Any) -> ApprovalRequest:
    """Raise a question; about agent deployer unless told otherwise."""
    asked = question(kind, more.pop("target", ("agent", "deployer")), **more)
    return await database.write(TENANT, lambda tx: raise_question(tx, policy, asked))


async def answer(
    database: Database,
    policy: Policy,
    request: ApprovalRequest,
    verdict: ReviewVerdict = APPROVE,
    person: str = "U0ADMIN",
    reason: str = "because",
) -> ApprovalRequest:
    """One person answers a question."""
    given = Answer(person, verdict, Door.SLACK, reason)
    return await database.write(TENANT, lambda tx: review(tx, request.id, given, {}, policy=policy))


async def automation(database: Database, **more: Any) -> Automation:
    """Register automation aut_1 of U0OWNER that a person made."""
    now = database.clock()
    row = Automation(
        id="aut_1", tenant=TENANT, name="Nightly", status=AutomationStatus.ACTIVE, agents=["deployer"],
        creator_kind=ActorKind.HUMAN, creator_id="U0OWNER", owner="U0OWNER", created_at=now, updated_at=now, **more,
    )  # fmt: skip
    return await database.write(TENANT, lambda tx: tx.add(row))


async def owing(database: Database, policy: Policy, kind: ReviewKind = ReviewKind.RUN_DRIFT) -> ApprovalRequest:
    """Automation aut_1 owes a review, has a finding and 20 runs behind it; returns the request for the review."""
    await automation(
        database, review_required=True, review_kind=kind, review_requested_at=database.clock(), runs_since_review=20,
        paused_for_lifecycle=kind is ReviewKind.DEPENDENCY_REVOKED,
        creation_paused=kind is ReviewKind.DEPENDENCY_REVOKED,
    )  # fmt: skip
    finding = AutomationFinding(
        id="fnd_1", tenant=TENANT, automation_id="aut_1", kind=kind, severity=Severity.WARNING, summary="Odd",
        observed_at=database.clock(),
    )  # fmt: skip
    await database.write(TENANT, lambda tx: tx.add(finding))
    request = await ask(database, policy, REVIEW, target=AUTOMATION, reviewers=("U0OWNER",))
    await owe(database, request.id)
    return request


async def owe(database: Database, request_id: str) -> None:
    """Let the review that aut_1 owes be this request."""

    async def point(tx: Any) -> None:
        row = await tx.get(Automation, "aut_1")
        row.review_request_id = request_id

    await database.write(TENANT, point)


async def owing_agent(database: Database, policy: Policy) -> ApprovalRequest:
    """Agent deployer created too much and is blocked until somebody looks; returns the request for that."""
    request = await ask(database, policy, REVIEW, reviewers=("U0ALICE",))
    row = AgentReview(
        tenant=TENANT, agent_id="deployer", created_since_review=5, review_required=True,
        review_requested_at=database.clock(), review_request_id=request.id, updated_at=database.clock(),
    )  # fmt: skip
    await database.write(TENANT, lambda tx: tx.add(row))
    return request


async def stopped(database: Database, policy: Policy, **context: Any) -> ApprovalRequest:
    """Agent deployer reached its cap, which paused a run of aut_1; returns the request to lift the stop."""
    await automation(database)
    now = database.clock()
    request = await ask(database, policy, RequestType.QUOTA_OVERRIDE, context=context)
    stop = SpendStop(
        id="stp_1", tenant=TENANT, agent_id="deployer", reason="cap", request_id=request.id, at=now,
        cost=10_000_000, cap=10_000_000, release_at=now + timedelta(days=6),
    )  # fmt: skip
    await database.write(TENANT, lambda tx: tx.add(stop))
    for id, stopped_for in (("run_1", "deployer"), ("run_2", None)):
        row = AutomationRun(
            id=id, tenant=TENANT, automation_id="aut_1", status=RunStatus.PAUSED, stopped_for=stopped_for,
            created_by="U0OWNER", created_at=now, updated_at=now,
        )  # fmt: skip
        await database.write(TENANT, lambda tx, row=row: tx.add(row))
    return request
