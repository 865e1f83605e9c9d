"""Raising questions about governance: who is asked, what is stored, and that the same thing is asked once."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from governance.automations import Actor, ActorKind
from governance.errors import Forbidden, Unprocessable
from governance.lifecycle import ProposalState, RequestStatus
from governance.policy import Policy
from operations.question import raise_question, supersede
from operations.withdraw import withdraw, withdraw_by_person
from storage.database import Database
from storage.opening import open_database
from storage.tables import ApprovalRequest, AuditEntry, OutboxMessage, OwedReview, Proposal, RequestType, Surface
from tests.conftest import ENCRYPTION_KEY, Clock
from tests.integration.asking import AGENT, PERSON, ask, question
from tests.integration.verbs import TENANT, count, rows


async def test_a_question_is_a_request_on_a_proposal_with_a_card(database: Database, policy: Policy) -> None:
    request = await ask(database, policy, RequestType.QUOTA_OVERRIDE, context={"spent": "51.00"})
    (proposal,) = await rows(database, Proposal)
    assert (request.request_type, request.target_type, request.target_id) == ("quota_override", "agent", "deployer")
    assert (proposal.tool, proposal.state) == ("countersign.quota_override", ProposalState.PENDING)
    assert json.loads(proposal.arguments) == {
        "target": {"type": "agent", "id": "deployer"}, "context": {"spent": "51.00"},
    }  # fmt: skip
    assert proposal.digest == request.digest
    (surface,) = await rows(database, Surface)
    assert (surface.proposal_id, surface.channel) == (proposal.id, "C0APPROVALS")
    (entry,) = await rows(database, AuditEntry, kind="governance.requested")
    assert (entry.actor, entry.request_id) == ("system", request.id)


async def test_admins_and_the_owner_are_asked_never_who_asks(database: Database, policy: Policy) -> None:
    admins = replace(policy, admins=("U0ADMIN", "U0BOB"))
    request = await ask(database, admins, RequestType.DEPTH_OVERRIDE, asked_by=PERSON, reviewers=("U0OWNER",))
    assert (request.reviewers, request.requester) == (["U0ADMIN", "U0OWNER"], "U0BOB")


async def test_without_admins_the_agents_creator_is_asked_and_never_nobody(database: Database, policy: Policy) -> None:
    alone = replace(policy, admins=())
    request = await ask(database, alone, RequestType.QUOTA_OVERRIDE)
    assert request.reviewers == ["U0ALICE"]
    by_alice = Actor(ActorKind.HUMAN, "U0ALICE")
    with pytest.raises(Forbidden) as refused:
        await ask(database, alone, RequestType.CAPABILITY_REQUEST, asked_by=by_alice, context={"capability": "deploy"})
    assert refused.value.name == "NO_REVIEWER"
    assert await count(database, ApprovalRequest) == 1


async def test_a_capability_needs_as_many_as_the_tools_it_opens(database: Database, policy: Policy) -> None:
    admins = replace(policy, admins=("U0ADMIN", "U0BOB"))
    request = await ask(database, admins, RequestType.CAPABILITY_REQUEST, context={"capability_key": "deploy"})
    assert request.quorum == 2
    with pytest.raises(Forbidden):
        await ask(database, policy, RequestType.CAPABILITY_REQUEST, asked_by=AGENT, context={"capability": "deploy"})


@pytest.mark.parametrize(
    "context", [{}, {"capability": " "}, *({"capability": "x", "hours": hours} for hours in (0, -1, 721, True, "8"))]
)
async def test_a_context_that_means_nothing_is_refused(database: Database, policy: Policy, context: Any) -> None:
    with pytest.raises(Unprocessable):
        await ask(database, policy, RequestType.CAPABILITY_REQUEST, context=context)


async def test_what_countersign_asks_itself_is_open_once(url: str, clock: Clock, policy: Policy) -> None:
    databases = [await open_database(url, ENCRYPTION_KEY, clock=clock) for _ in range(4)]
    asking = [ask(one, policy, RequestType.QUOTA_OVERRIDE, context={"n": n}) for n, one in enumerate(databases)]
    found = await asyncio.gather(*asking)
    assert len({one.id for one in found}) == 1
    assert await count(databases[0], Surface) == 1
    for one in databases:
        await one.close()


async def test_people_ask_the_same_once_and_different_things_apart(database: Database, policy: Policy) -> None:
    asked = [
        await ask(database, policy, RequestType.EXTERNAL_POST, asked_by=AGENT, context={"text": text})
        for text in ("a", "a", "b")
    ]
    assert asked[0].id == asked[1].id != asked[2].id


async def test_one_that_ran_out_does_not_stand_in_the_way(database: Database, policy: Policy, clock: Clock) -> None:
    first = await ask(database, policy, RequestType.QUOTA_OVERRIDE)
    clock.forward(hours=73)
    second = await ask(database, policy, RequestType.QUOTA_OVERRIDE)
    assert second.id != first.id
    assert [one.status for one in await rows(database, ApprovalRequest)] == ["expired", "pending"]


async def test_a_question_that_no_longer_stands_ends_with_its_reason(database: Database, policy: Policy) -> None:
    request = await ask(database, policy, RequestType.RETIREMENT_ACTION, target=("automation", "aut_1"))
    kind, target = RequestType.RETIREMENT_ACTION, ("automation", "aut_1")
    ended = await database.write(TENANT, lambda tx: supersede(tx, kind, target, "it was extended"))
    (found,) = await rows(database, ApprovalRequest)
    assert (ended, found.status, found.reason) == (1, RequestStatus.EXPIRED, "it was extended")
    (owed,) = await rows(database, OwedReview)
    assert owed.request_id == request.id
    assert owed.answered_at is not None


async def test_an_owed_review_is_the_owners(database: Database, policy: Policy) -> None:
    asked = question(RequestType.LIFECYCLE_REVIEW, ("automation", "aut_1"), reviewers=("U0OWNER",))
    await database.write(TENANT, lambda tx: raise_question(tx, policy, asked))
    (owed,) = await rows(database, OwedReview)
    assert (owed.person, owed.nudges, owed.answered_at) == ("U0OWNER", 0, None)


async def test_what_a_rule_demands_is_answered_not_withdrawn(database: Database, policy: Policy) -> None:
    request = await ask(database, policy, RequestType.QUOTA_OVERRIDE)
    with pytest.raises(Forbidden):
        await database.write(TENANT, lambda tx: withdraw_by_person(tx, policy, request.proposal_id, "U0ADMIN", None))
    assert (await rows(database, ApprovalRequest))[0].status is RequestStatus.PENDING


async def test_who_filed_it_takes_it_back(database: Database, policy: Policy) -> None:
    """closes automation-governance 21"""
    by_bob = await ask(database, policy, RequestType.DEPTH_OVERRIDE, asked_by=PERSON)
    by_agent = await ask(database, policy, RequestType.DEPTH_OVERRIDE, asked_by=AGENT)
    await database.write(TENANT, lambda tx: withdraw_by_person(tx, policy, by_bob.proposal_id, "U0BOB", None))
    await database.write(TENANT, lambda tx: withdraw(tx, by_agent.proposal_id, "deployer", "not needed"))
    assert {one.status for one in await rows(database, ApprovalRequest)} == {RequestStatus.WITHDRAWN}


async def test_the_place_of_who_is_away_is_looked_after(database: Database, policy: Policy) -> None:
    request = await ask(database, policy, RequestType.QUOTA_OVERRIDE)
    (owed,) = await rows(database, OutboxMessage, kind="cover")
    assert owed.subject == request.id
