"""What a decision about governance does, in the very transaction that records it; nothing runs later."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from governance.automations import Actor, ActorKind, GrantKind
from governance.canonical import Json
from governance.lifecycle import ProposalState, RequestStatus
from governance.policy import Policy
from governance.questions import AGENT, DEPTH_OVERRIDE, LONGEST, capability_in, hours_in
from operations.lifecycle import acknowledge, acknowledge_agent, extend, retire
from operations.question import Question, answer_owed, raise_question
from operations.retirement import retirement_question
from operations.spend_stop import lift
from storage import audit, governing
from storage.database import Tx
from storage.limits import policy_in_force
from storage.tables import ApprovalRequest, Grant, OwedReview, Proposal, RequestType
from storage.tables.base import new_id


@dataclass(frozen=True, slots=True)
class Matter:
    """A question that has just ended: what it was about, and who ended it (the system: nobody did in time)."""

    request: ApprovalRequest
    proposal: Proposal
    context: Mapping[str, Json]
    by: Actor
    notes: str | None

    @property
    def target_id(self) -> str:
        """The agent or automation it was about."""
        assert self.request.target_id is not None
        return self.request.target_id

    @property
    def is_about_agent(self) -> bool:
        """Whether its target is an agent, not an automation."""
        return self.request.target_type == AGENT


Step = Callable[[Tx, Policy, Matter], Awaitable[None]]


async def _nothing(tx: Tx, policy: Policy, matter: Matter) -> None:
    """The decision itself is all there is."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens with a yes, with a no, and where nobody answered."""

    approved: Step = _nothing
    rejected: Step = _nothing
    expired: Step = _nothing


async def take_effect(
    tx: Tx, policy: Policy | None, request: ApprovalRequest, proposal: Proposal, by: Actor
) -> ProposalState:
    """Do what the end of a question means and return what its proposal reads from now on.

    Raises ValueError where the caller had no policy at hand: then nothing of the decision is recorded either.
    """
    if policy is None:
        raise ValueError(f"request {request.id} is about governance; ending it takes the policy")
    policy = await policy_in_force(tx, policy)
    context = json.loads(proposal.arguments)["context"]
    matter = Matter(request, proposal, context, by, request.reason)
    effect = EFFECTS[request.request_type]
    await answer_owed(tx, request.id)
    if request.status is RequestStatus.APPROVED:
        await effect.approved(tx, policy, matter)
        return ProposalState.SUCCEEDED
    if request.status is RequestStatus.REJECTED:
        await effect.rejected(tx, policy, matter)
        return ProposalState.REJECTED
    await effect.expired(tx, policy, matter)
    return ProposalState.EXPIRED


async def _grant(tx: Tx, matter: Matter, capability: str) -> None:
    """Give an agent a right for as long as was asked, from now on."""
    length = hours_in(matter.context, None)
    assert length is not None  # written in when it was asked
    grant = await tx.add(
        Grant(
            id=new_id("grt"), tenant=tx.tenant, kind=GrantKind.CAPABILITY, agent_id=matter.target_id,
            capability=capability, granted_by=matter.by.id or "", reason=matter.proposal.rationale,
            request_id=matter.request.id, created_at=tx.now, expires_at=tx.now + length,
        )
    )  # fmt: skip
    await audit.record(
        tx, "grant.created", str(matter.by), agent_id=grant.agent_id, request_id=matter.request.id,
        detail={"grant": grant.id, "capability": capability, "expires_at": (tx.now + length).isoformat()},
    )  # fmt: skip


async def _grant_capability(tx: Tx, policy: Policy, matter: Matter) -> None:
    await _grant(tx, matter, capability_in(matter.context))


async def _grant_depth(tx: Tx, policy: Policy, matter: Matter) -> None:
    await _grant(tx, matter, DEPTH_OVERRIDE)


async def _lift_stop(tx: Tx, policy: Policy, matter: Matter) -> None:
    """Lift the agent's stop for as long as was asked, else until its week ends; one that has ended needs no lifting."""
    stop = await governing.live_stop(tx, matter.target_id)
    if stop is not None:
        length = hours_in(matter.context, None)
        await lift(tx, stop, tx.now + length if length else stop.release_at, matter.by)


async def _looked_at(tx: Tx, policy: Policy, matter: Matter) -> None:
    """Clear the review that this request asked for; a newer one is not answered by an older."""
    if matter.is_about_agent:
        review = await governing.agent_review(tx, matter.target_id)
        if review is not None and review.review_request_id == matter.request.id:
            await acknowledge_agent(tx, review, matter.by, matter.notes)
        return
    automation = await governing.automation(tx, matter.target_id)
    if automation is not None and automation.review_request_id == matter.request.id:
        await acknowledge(tx, policy, automation, matter.by, matter.notes)


async def _not_acceptable(tx: Tx, policy: Policy, matter: Matter) -> None:
    """Ask whether an automation that did not pass its review is to end. An agent stays blocked; a review of it can be
    asked for again."""
    automation = None if matter.is_about_agent else await governing.automation(tx, matter.target_id)
    if automation is None or automation.review_request_id != matter.request.id:
        return
    why = (
        f"Its review was rejected by <@{matter.by.id}>: {matter.notes}" if matter.notes else "Its review was rejected."
    )
    context = {"trigger": "review_rejected", "review": matter.request.id}
    await raise_question(tx, policy, retirement_question(policy, automation, why, context))


async def _retire(tx: Tx, policy: Policy, matter: Matter) -> None:
    automation = await governing.automation(tx, matter.target_id)
    if automation is not None and automation.retired_at is None:
        await retire(tx, policy, automation, matter.by, matter.notes)


async def _keep(tx: Tx, policy: Policy, matter: Matter) -> None:
    automation = await governing.automation(tx, matter.target_id)
    if automation is not None and automation.retired_at is None:
        await extend(tx, policy, automation, matter.by, None, matter.notes)


async def _ask_again(tx: Tx, policy: Policy, matter: Matter) -> None:
    """Ask what is still owed once more: a block that nobody may lift would be for good. Each time it waits twice as
    long, up to 30 days, so that silence does not fill the channel."""
    owner = await _owner_of_what_is_owed(tx, policy, matter)
    if owner is None:
        return
    request, proposal = matter.request, matter.proposal
    ttl: timedelta = min(2 * (request.expires_at - request.created_at), LONGEST)
    question = Question(
        request.request_type, (request.target_type or "", matter.target_id), proposal.title,
        proposal.consequence or "", proposal.rationale or "", matter.context, Actor(ActorKind.SYSTEM), (owner,), ttl,
    )  # fmt: skip
    await _owe_by(tx, matter, await raise_question(tx, policy, question))


async def _owner_of_what_is_owed(tx: Tx, policy: Policy, matter: Matter) -> str | None:
    """Return who owes the answer nobody gave, or None where it is owed no more."""
    request = matter.request
    if matter.is_about_agent:
        review, agent = await governing.agent_review(tx, matter.target_id), policy.agents.get(matter.target_id)
        owed = review is not None and review.review_required and review.review_request_id == request.id
        return agent.creator if agent is not None and owed else None
    automation = await governing.automation(tx, matter.target_id)
    if automation is None or automation.retired_at is not None or request.requester is not None:
        return None  # what a person wanted is not owed
    if request.request_type is RequestType.LIFECYCLE_REVIEW and automation.review_request_id != request.id:
        return None
    return automation.owner


async def _owe_by(tx: Tx, matter: Matter, fresh: ApprovalRequest) -> None:
    """Let the review that is owed be the one that is asked for now, owed since the first time it was."""
    before, now = await tx.get(OwedReview, matter.request.id), await tx.get(OwedReview, fresh.id)
    if before is not None and now is not None:
        now.since, now.nudges, now.nudge_at = before.since, before.nudges, before.nudge_at
    owing = (
        await governing.agent_review(tx, matter.target_id)
        if matter.is_about_agent
        else await governing.automation(tx, matter.target_id)
    )
    if owing is not None and owing.review_request_id == matter.request.id:
        owing.review_request_id = fresh.id
    await tx.session.flush()


_REVIEWED = Effect(_looked_at, _not_acceptable, _ask_again)
EFFECTS: Mapping[RequestType, Effect] = {
    RequestType.CAPABILITY_REQUEST: Effect(_grant_capability),
    RequestType.DEPTH_OVERRIDE: Effect(_grant_depth),
    RequestType.QUOTA_OVERRIDE: Effect(_lift_stop),
    RequestType.LIFECYCLE_REVIEW: _REVIEWED,
    RequestType.RETIREMENT_ACTION: Effect(_retire, _keep, _ask_again),
    RequestType.EXTERNAL_POST: Effect(),  # a receipt: see operations/receipts.py
    RequestType.ELEVATED_CAPABILITY: Effect(),
}
