"""Proposing and reviewing through the operations, on both databases."""

import asyncio

import pytest

from governance.errors import AlreadyDecided, NotAReviewer, SelfReview
from governance.gates import judge
from governance.lifecycle import ProposalState, RequestStatus
from governance.policy import Policy
from governance.reviewers import ReviewVerdict
from operations.propose import Proposed, Submission, propose
from operations.review import Answer, review
from storage import audit
from storage.database import Database
from storage.dossier import Dossier, dossier
from storage.tables import ApprovalRequest, Door

TENANT = "default"


async def submit(database: Database, policy: Policy, tool: str = "deploy.production", **more: object) -> Proposed:
    submission = Submission(tool, more.pop("arguments", {"service": "checkout"}), **more)  # type: ignore[arg-type]
    agent = policy.agents["deployer"]
    verdict = judge(policy, agent, submission.call)
    return await database.write(TENANT, lambda tx: propose(tx, policy, agent, submission, verdict))


async def look(database: Database, proposed: Proposed) -> Dossier:
    assert proposed.proposal is not None
    async with database.read(TENANT) as tx:
        found = await dossier(tx, proposed.proposal.id)
    assert found is not None
    return found


async def answer(
    database: Database, found: Dossier, person: str, verdict: ReviewVerdict, reason: str | None = None
) -> ApprovalRequest:
    assert found.request is not None
    given, request_id = Answer(person, verdict, Door.SLACK, reason), found.request.id
    return await database.write(TENANT, lambda tx: review(tx, request_id, given, {}))


async def test_a_call_that_needs_people_waits_for_them(database: Database, policy: Policy) -> None:
    found = await look(database, await submit(database, policy))
    assert found.proposal.state is ProposalState.PENDING
    assert found.request is not None
    assert found.request.reviewers == ["U0BOB", "U0CAROL"]
    assert found.execution is None


async def test_approval_queues_exactly_one_execution(database: Database, policy: Policy) -> None:
    proposed = await submit(database, policy)
    await answer(database, await look(database, proposed), "U0BOB", ReviewVerdict.APPROVE)
    found = await look(database, proposed)
    assert found.proposal.state is ProposalState.ALLOWED
    assert found.execution is not None


async def test_approve_and_reject_at_the_same_instant_have_one_outcome(database: Database, policy: Policy) -> None:
    found = await look(database, proposed := await submit(database, policy))
    outcomes = await asyncio.gather(
        answer(database, found, "U0BOB", ReviewVerdict.APPROVE),
        answer(database, found, "U0CAROL", ReviewVerdict.REJECT, "no"),
        return_exceptions=True,
    )
    losers = [one for one in outcomes if isinstance(one, AlreadyDecided)]
    assert len(losers) == 1
    settled = await look(database, proposed)
    assert settled.request is not None
    approved = settled.request.status is RequestStatus.APPROVED
    assert (settled.execution is not None) == approved
    assert losers[0].details["winner"]["by"] == settled.request.decided_by


@pytest.mark.parametrize("person", ["U0ALICE", "U0MALLORY"])
async def test_who_is_not_a_reviewer_changes_nothing(database: Database, policy: Policy, person: str) -> None:
    found = await look(database, proposed := await submit(database, policy))
    with pytest.raises(NotAReviewer):
        await answer(database, found, person, ReviewVerdict.APPROVE)
    assert (await look(database, proposed)).reviews == ()


async def test_the_requester_cannot_approve(database: Database, policy: Policy) -> None:
    found = await look(database, await submit(database, policy, on_behalf_of="U0CAROL"))
    with pytest.raises(SelfReview):
        await answer(database, found, "U0CAROL", ReviewVerdict.APPROVE)


async def test_everything_that_happened_is_in_the_record(database: Database, policy: Policy) -> None:
    proposed = await submit(database, policy)
    await answer(database, await look(database, proposed), "U0BOB", ReviewVerdict.APPROVE)
    assert proposed.proposal is not None
    async with database.read(TENANT) as tx:
        kinds = [entry.kind for entry in await audit.entries_of(tx, proposed.proposal.id)]
    assert kinds == ["proposal.pending", "approval.decided"]
