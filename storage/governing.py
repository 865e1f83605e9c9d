"""What decisions about governance move: automations and what is owed about them, grants, and spend stops."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, exists, func, select, update
from sqlalchemy import cast as cast_to
from sqlmodel import col

from governance.lifecycle import RequestStatus
from governance.questions import AUTOMATION
from storage import spend
from storage.database import Tx
from storage.tables import (
    AgentReview,
    ApprovalRequest,
    Automation,
    AutomationFinding,
    Proposal,
    RequestType,
    SpendStop,
)


async def automation(tx: Tx, automation_id: str) -> Automation | None:
    """Return an automation that is not deleted, with its row locked."""
    query = select(Automation).where(
        col(Automation.id) == automation_id, col(Automation.tenant) == tx.tenant, col(Automation.deleted_at).is_(None)
    )
    return (
        await tx.session.scalars(query.with_for_update(key_share=True).execution_options(populate_existing=True))
    ).first()


async def agent_review(tx: Tx, agent_id: str) -> AgentReview | None:
    """Return what people owe an agent, with its row locked."""
    query = select(AgentReview).where(col(AgentReview.agent_id) == agent_id, col(AgentReview.tenant) == tx.tenant)
    return (await tx.session.scalars(query.with_for_update().execution_options(populate_existing=True))).first()


async def hold_subject(tx: Tx, request_id: str) -> None:
    """Lock what a question is about before the question, as every verb does that begins there; a call is about nothing.

    In two orders an answer and a retirement would wait for each other.
    """
    request = await tx.get(ApprovalRequest, request_id)
    if request is None or request.target_id is None:
        return
    if request.target_type == AUTOMATION:
        await automation(tx, request.target_id)
    elif request.request_type is RequestType.LIFECYCLE_REVIEW:
        await agent_review(tx, request.target_id)
    elif request.request_type is RequestType.QUOTA_OVERRIDE:
        await spend.live_stop(tx, request.target_id)


async def clear_findings(tx: Tx, automation_id: str) -> None:
    """Clear what was noticed about an automation: somebody has looked at it."""
    await tx.session.execute(
        update(AutomationFinding)
        .where(col(AutomationFinding.automation_id) == automation_id, col(AutomationFinding.cleared_at).is_(None))
        .values(cleared_at=tx.now)
        .execution_options(synchronize_session=False)
    )


async def live_stop(tx: Tx, agent_id: str) -> SpendStop | None:
    """Return the spend stop of an agent that has not ended, lifted or not."""
    query = select(SpendStop).where(
        col(SpendStop.tenant) == tx.tenant, col(SpendStop.agent_id) == agent_id, col(SpendStop.ended_at).is_(None)
    )
    return (await tx.session.scalars(query)).first()


async def owed_by_agents(tx: Tx, limit: int) -> list[AgentReview]:
    """Return the agents whose creations people owe a look, newest first."""
    query = select(AgentReview).where(col(AgentReview.tenant) == tx.tenant, col(AgentReview.review_required))
    return list(await tx.session.scalars(query.order_by(col(AgentReview.review_requested_at).desc()).limit(limit)))


async def worth_a_look(tx: Tx, owner: str | None, limit: int) -> list[Automation]:
    """Return automations that owe a review, then those with findings, expired or retired; newest asked first.

    `owner` keeps to those of one person.
    """
    noticed = exists().where(
        col(AutomationFinding.automation_id) == col(Automation.id), col(AutomationFinding.cleared_at).is_(None)
    )
    query = select(Automation).where(
        col(Automation.tenant) == tx.tenant, col(Automation.deleted_at).is_(None),
        col(Automation.review_required) | col(Automation.expired_at).is_not(None)
        | col(Automation.retired_at).is_not(None) | noticed,
    )  # fmt: skip
    if owner is not None:
        query = query.where(col(Automation.owner) == owner)
    newest = func.coalesce(col(Automation.review_requested_at), col(Automation.created_at)).desc()
    return list(
        await tx.session.scalars(
            query.order_by(col(Automation.review_required).desc(), newest, col(Automation.id).desc()).limit(limit)
        )
    )


async def findings(tx: Tx, automation_ids: Sequence[str]) -> list[AutomationFinding]:
    """Return what was noticed about some automations and nobody has looked at, oldest first."""
    query = select(AutomationFinding).where(
        col(AutomationFinding.automation_id).in_(automation_ids), col(AutomationFinding.cleared_at).is_(None)
    )
    return list(await tx.session.scalars(query.order_by(col(AutomationFinding.observed_at), col(AutomationFinding.id))))


@dataclass(frozen=True, slots=True)
class Sought:
    """Which questions about governance somebody wants to see. `agent_id` keeps to what an agent filed, `person` to
    what a person filed or may answer."""

    status: RequestStatus | None = None
    types: Sequence[RequestType] = ()
    agent_id: str | None = None
    person: str | None = None
    before: tuple[datetime, str] | None = None


async def questions(tx: Tx, sought: Sought, limit: int) -> list[tuple[ApprovalRequest, Proposal]]:
    """Return questions about governance with their proposals, newest first."""
    made_at, id = col(ApprovalRequest.created_at), col(ApprovalRequest.id)
    query = (
        select(ApprovalRequest, Proposal)
        .join(Proposal, col(Proposal.id) == col(ApprovalRequest.proposal_id))
        .where(col(ApprovalRequest.tenant) == tx.tenant, col(ApprovalRequest.target_id).is_not(None))
    )
    if sought.status is not None:
        query = query.where(col(ApprovalRequest.status) == sought.status)
    if sought.types:
        query = query.where(col(ApprovalRequest.request_type).in_(sought.types))
    if sought.agent_id is not None:
        query = query.where(col(Proposal.agent_id) == sought.agent_id)
    if sought.person is not None:
        asked = cast_to(col(ApprovalRequest.reviewers), Text).contains(f'"{sought.person}"', autoescape=True)
        query = query.where((col(ApprovalRequest.requester) == sought.person) | asked)
    if sought.before is not None:
        at, last = sought.before
        query = query.where((made_at < at) | ((made_at == at) & (id < last)))
    found = await tx.session.execute(query.order_by(made_at.desc(), id.desc()).limit(limit))
    return [(request, proposal) for request, proposal in found]
