"""Proposing and reviewing through the operations, on both databases."""

import asyncio

import pytest

from governance.errors import AlreadyDecided, NotAReviewer, SelfReview
from governance.lifecycle import ProposalState, RequestStatus
from governance.policy import Policy
from storage import audit
from storage.database import Database
from tests.integration.verbs import REJECT, TENANT, asked, look, say, submit


async def test_a_call_that_needs_people_waits_for_them(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    assert found.proposal.state is ProposalState.PENDING
    assert found.request is not None
    assert found.request.reviewers == ["U0BOB", "U0CAROL"]
    assert found.execution is None


async def test_approval_queues_exactly_one_execution(database: Database, policy: Policy) -> None:
    proposed = await submit(database, policy)
    await say(database, await look(database, proposed), "U0BOB")
    found = await look(database, proposed)
    assert found.proposal.state is ProposalState.ALLOWED
    assert found.execution is not None


async def test_approve_and_reject_at_the_same_instant_have_one_outcome(database: Database, policy: Policy) -> None:
    found = await look(database, proposed := await submit(database, policy))
    outcomes = await asyncio.gather(
        say(database, found, "U0BOB"),
        say(database, found, "U0CAROL", REJECT, "no"),
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
    """closes autonomy-and-trust 17"""
    found = await look(database, proposed := await submit(database, policy))
    with pytest.raises(NotAReviewer):
        await say(database, found, person)
    assert (await look(database, proposed)).reviews == ()


async def test_the_requester_cannot_approve(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, on_behalf_of="U0CAROL")
    with pytest.raises(SelfReview):
        await say(database, found, "U0CAROL")


async def test_everything_that_happened_is_in_the_record(database: Database, policy: Policy) -> None:
    proposed = await submit(database, policy)
    await say(database, await look(database, proposed), "U0BOB")
    assert proposed.proposal is not None
    async with database.read(TENANT) as tx:
        kinds = [entry.kind for entry in await audit.entries_of(tx, proposed.proposal.id)]
    assert kinds == ["proposal.pending", "approval.decided"]
