"""Demanding reviews: a question for the owner and the admins, and the mark on what waits for it."""

from collections.abc import Mapping

from governance.automations import Actor, ActorKind, ReviewKind, Severity
from governance.canonical import Json, canonical
from governance.policy import Policy
from governance.questions import AGENT, AUTOMATION
from governance.text import cut, one_line
from operations.question import Question, raise_question, supersede
from storage.database import Tx
from storage.tables import AgentReview, Automation, AutomationFinding, RequestType
from storage.tables.base import new_id

SYSTEM = Actor(ActorKind.SYSTEM)

#: What is demanded replaces only what weighs less.
_WEIGHT = (ReviewKind.HEALTH_DRIFT, ReviewKind.RUN_DRIFT, ReviewKind.DEPENDENCY_REVOKED)

_PASSES = {
    ReviewKind.HEALTH_DRIFT: "its findings count as looked at, and it may go on",
    ReviewKind.RUN_DRIFT: "its count of runs starts anew, and it may run again",
    ReviewKind.DEPENDENCY_REVOKED: "it may be resumed as it is now",
}


async def demand_review(
    tx: Tx, policy: Policy, automation: Automation, kind: ReviewKind, why: str, context: Mapping[str, Json],
    *, is_news: bool = False,
) -> bool:  # fmt: skip
    """Demand a review of an automation; False where one that weighs as much is owed already, whatever became of its
    question: what was rejected or not answered has led to the next question by itself.

    With news an open question of the same kind is asked anew: an answer clears what was asked, and nothing newer.
    """
    target, owed = (AUTOMATION, automation.id), automation.review_kind if automation.review_required else None
    if _weighs(owed) > _weighs(kind) or (owed is kind and not is_news):
        return False
    reason = "there is more to look at" if owed is kind else f"a review about {kind} is asked for instead"
    if not await supersede(tx, RequestType.LIFECYCLE_REVIEW, target, reason) and owed is kind:
        return False
    name = cut(one_line(automation.name), 120)
    request = await raise_question(tx, policy, Question(
        RequestType.LIFECYCLE_REVIEW, target, f"Review {name}",
        f"Approving says that you looked at automation “{name}”: {_PASSES[kind]}. "
        "Rejecting asks whether it is to be retired.",
        why, {"trigger": kind, "automation": automation.name, **context}, SYSTEM, (automation.owner,),
    ))  # fmt: skip
    automation.review_required, automation.review_kind = True, kind
    automation.review_requested_at, automation.review_request_id = tx.now, request.id
    await tx.session.flush()
    return True


def _weighs(kind: ReviewKind | None) -> int:
    if kind is None:
        return -1
    return _WEIGHT.index(kind) if kind in _WEIGHT else len(_WEIGHT)


async def demand_look(
    tx: Tx, policy: Policy, review: AgentReview, owner: str, threshold: int, context: Mapping[str, Json]
) -> None:
    """Demand that somebody looks at what an agent created; until then it creates nothing more."""
    agent = review.agent_id
    request = await raise_question(tx, policy, Question(
        RequestType.LIFECYCLE_REVIEW, (AGENT, agent), f"Review agent {agent}",
        f"Approving says that you looked at what agent {agent} created: it may create another {threshold}. "
        "Rejecting leaves it unable to create.",
        f"Agent {agent} created {review.created_since_review} automations since somebody last looked.",
        {"trigger": ReviewKind.CREATION_QUOTA, **context}, SYSTEM, (owner,),
    ))  # fmt: skip
    review.review_required, review.review_requested_at, review.review_request_id = True, tx.now, request.id
    await tx.session.flush()


async def find(
    tx: Tx, automation: Automation, kind: str, severity: Severity, summary: str, evidence: Mapping[str, Json],
    run_id: str | None = None,
) -> None:  # fmt: skip
    """Add a finding; it stays until somebody has reviewed the automation."""
    await tx.add(AutomationFinding(
        id=new_id("fnd"), tenant=tx.tenant, automation_id=automation.id, kind=kind, severity=severity,
        summary=summary, evidence=canonical(dict(evidence)).decode(), run_id=run_id,
        request_id=automation.review_request_id, observed_at=tx.now,
    ))  # fmt: skip
