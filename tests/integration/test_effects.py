"""What a decision about governance does: with a yes, with a no, where nobody answers, and when several act at once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from governance.authorising import Caller
from governance.automations import Actor, ActorKind, AutomationStatus, ReviewKind, RunStatus
from governance.errors import AlreadyDecided, ApprovalExpired, Conflict, NotAReviewer, Refusal, SelfReview
from governance.lifecycle import ProposalState, RequestStatus
from governance.policy import Policy
from governance.roles import Role
from operations.automations import resume
from operations.lifecycle import extend
from operations.question import supersede
from operations.receipts import consume, spend_receipt
from operations.verify import verify
from scheduler.expiry import attend_due
from scheduler.upkeep import seal_audit
from storage.database import Database, Tx
from storage.governing import automation as locked_automation
from storage.opening import open_database
from storage.tables import (
    AgentReview,
    ApprovalRequest,
    AuditEntry,
    Automation,
    AutomationFinding,
    AutomationRun,
    Execution,
    Grant,
    OwedReview,
    Proposal,
    RequestType,
    SpendStop,
    TrustRecord,
)
from tests.conftest import ENCRYPTION_KEY, Clock
from tests.integration.asking import (
    AGENT,
    AUTOMATION,
    PERSON,
    RETIREMENT,
    REVIEW,
    answer,
    ask,
    automation,
    owe,
    owing,
    owing_agent,
    stopped,
)
from tests.integration.verbs import APPROVE, REJECT, TENANT, Held, count, rows

DEPLOYER = ("agent", "deployer")


async def only(database: Database, table: type[Any], **where: Any) -> Any:
    (found,) = await rows(database, table, **where)
    return found


async def ask_for_capability(database: Database, policy: Policy) -> ApprovalRequest:
    context = {"capability_key": "mcp:github", "hours": 5}
    return await ask(database, policy, RequestType.CAPABILITY_REQUEST, asked_by=AGENT, context=context)


async def ask_for_depth(database: Database, policy: Policy) -> ApprovalRequest:
    return await ask(database, policy, RequestType.DEPTH_OVERRIDE, asked_by=AGENT)


async def ask_to_post(database: Database, policy: Policy) -> ApprovalRequest:
    return await ask(database, policy, RequestType.EXTERNAL_POST, asked_by=AGENT, context={"text": "hello"})


async def ask_to_elevate(database: Database, policy: Policy) -> ApprovalRequest:
    return await ask(database, policy, RequestType.ELEVATED_CAPABILITY, asked_by=AGENT, context={"tool": "root"})


async def ask_to_retire(database: Database, policy: Policy) -> ApprovalRequest:
    await automation(database, expired_at=database.clock(), paused_for_lifecycle=True)
    return await ask(database, policy, RETIREMENT, target=AUTOMATION, reviewers=("U0OWNER",))


Prepared = Callable[[Database, Policy], Awaitable[ApprovalRequest]]
EVERY: list[Prepared] = [
    ask_for_capability, ask_for_depth, ask_to_post, ask_to_elevate, ask_to_retire, owing, owing_agent, stopped,
]  # fmt: skip


@pytest.mark.parametrize("prepare", EVERY)
async def test_every_type_ends_with_its_decision_and_runs_nothing(
    database: Database, policy: Policy, prepare: Prepared
) -> None:
    request = await prepare(database, policy)
    decided = await answer(database, policy, request)
    assert decided.status is RequestStatus.APPROVED
    proposal = await only(database, Proposal, id=request.proposal_id)
    assert proposal.state is ProposalState.SUCCEEDED
    assert proposal.closed_at is not None
    assert await count(database, Execution) == 0
    entry = await only(database, AuditEntry, kind="approval.decided")
    assert f'"request_type":"{request.request_type}"' in entry.detail


@pytest.mark.parametrize("prepare", EVERY)
async def test_a_no_reads_rejected(database: Database, policy: Policy, prepare: Prepared) -> None:
    request = await prepare(database, policy)
    await answer(database, policy, request, REJECT)
    assert (await only(database, Proposal, id=request.proposal_id)).state is ProposalState.REJECTED
    assert await count(database, Grant) == 0


@pytest.mark.parametrize("prepare", EVERY)
async def test_what_nobody_answers_expires_and_cannot_be_approved_any_more(
    database: Database, policy: Policy, clock: Clock, prepare: Prepared
) -> None:
    """closes automation-governance 22"""
    request = await prepare(database, policy)
    clock.forward(hours=72)
    with pytest.raises(ApprovalExpired):
        await answer(database, policy, request)
    await attend_due(database, Held(policy))
    assert (await only(database, Proposal, id=request.proposal_id)).state is ProposalState.EXPIRED
    assert await count(database, Grant) == 0


async def test_a_capability_is_granted_from_the_decision_on(database: Database, policy: Policy, clock: Clock) -> None:
    """closes automation-governance 21"""
    request = await ask_for_capability(database, policy)
    clock.forward(hours=71)
    await answer(database, policy, request)
    grant = await only(database, Grant)
    assert (grant.kind, grant.agent_id, grant.capability) == ("capability", "deployer", "mcp:github")
    assert (grant.granted_by, grant.request_id) == ("U0ADMIN", request.id)
    assert grant.expires_at == clock() + timedelta(hours=5)


async def test_a_lifted_depth_is_a_grant_for_as_long_as_the_card_said(
    database: Database, policy: Policy, clock: Clock
) -> None:
    await answer(database, policy, await ask_for_depth(database, policy))
    grant = await only(database, Grant)
    assert (grant.capability, grant.expires_at) == ("depth_override", clock() + timedelta(hours=72))
    proposal = await only(database, Proposal)
    assert '"hours":72' in proposal.arguments


@pytest.mark.parametrize(("context", "length"), [({}, timedelta(days=6)), ({"hours": 3}, timedelta(hours=3))])
async def test_an_override_lifts_the_stop_and_resumes_what_it_stopped_and_nothing_else(
    database: Database, policy: Policy, clock: Clock, context: dict[str, Any], length: timedelta
) -> None:
    """closes automation-governance 10"""
    await answer(database, policy, await stopped(database, policy, **context))
    assert (await only(database, SpendStop)).lifted_until == clock() + length
    runs = {one.id: one.status for one in await rows(database, AutomationRun)}
    assert runs == {"run_1": RunStatus.QUEUED, "run_2": RunStatus.PAUSED}


async def test_a_rejected_override_leaves_the_stop_until_its_week_ends(database: Database, policy: Policy) -> None:
    await answer(database, policy, await stopped(database, policy), REJECT)
    stop = await only(database, SpendStop)
    assert (stop.lifted_until, stop.ended_at) == (None, None)
    assert stop.release_at is not None


async def test_a_review_clears_what_was_owed_counted_and_found(database: Database, policy: Policy) -> None:
    await answer(database, policy, await owing(database, policy), person="U0OWNER")
    found = await only(database, Automation)
    assert (found.review_required, found.review_kind, found.review_request_id) == (False, None, None)
    assert (found.runs_since_review, found.last_reviewed_at) == (0, database.clock())
    assert (await only(database, AutomationFinding)).cleared_at == database.clock()
    assert (await only(database, OwedReview)).answered_at == database.clock()


async def test_a_review_after_a_revocation_lets_it_be_resumed(database: Database, policy: Policy) -> None:
    """closes automation-governance 9"""
    await answer(database, policy, await owing(database, policy, ReviewKind.DEPENDENCY_REVOKED))
    found = await only(database, Automation)
    assert (found.creation_paused, found.paused_for_lifecycle) == (False, True)
    owner = Caller(Actor(ActorKind.HUMAN, "U0OWNER"), Role.REVIEWER)
    resumed = await database.write(TENANT, lambda tx: resume(tx, policy, owner, found.id))
    assert (resumed.status, resumed.paused_for_lifecycle) == (AutomationStatus.ACTIVE, False)


async def test_an_old_review_answers_no_newer_one(database: Database, policy: Policy) -> None:
    """closes automation-governance 21"""
    request = await owing(database, policy)
    await owe(database, "apr_newer")
    await answer(database, policy, request)
    found = await only(database, Automation)
    assert (found.review_required, found.review_request_id, found.runs_since_review) == (True, "apr_newer", 20)


async def test_a_rejected_review_asks_whether_it_is_to_end(database: Database, policy: Policy) -> None:
    """closes automation-governance 5"""
    await answer(database, policy, await owing(database, policy), REJECT, reason="it posts nonsense")
    asked = await only(database, ApprovalRequest, request_type=RETIREMENT)
    assert (asked.status, asked.reviewers) == (RequestStatus.PENDING, ["U0ADMIN", "U0OWNER"])
    proposal = await only(database, Proposal, id=asked.proposal_id)
    assert "Keeping it lets it go on for another 90 days" in proposal.consequence
    assert "it posts nonsense" in proposal.rationale
    await answer(database, policy, asked, REJECT)
    assert not (await only(database, Automation)).review_required


async def test_retiring_stops_it_and_its_runs(database: Database, policy: Policy) -> None:
    request = await ask_to_retire(database, policy)
    run = AutomationRun(
        id="run_1", tenant=TENANT, automation_id="aut_1", status=RunStatus.QUEUED, created_by="U0OWNER",
        created_at=database.clock(), updated_at=database.clock(),
    )  # fmt: skip
    await database.write(TENANT, lambda tx: tx.add(run))
    await answer(database, policy, request, reason="nobody needs it")
    found = await only(database, Automation)
    assert (found.status, found.retired_at) == (AutomationStatus.PAUSED, database.clock())
    assert found.retire_reason == "nobody needs it"
    assert (await only(database, AutomationRun)).status is RunStatus.PAUSED


async def test_keeping_it_extends_it_by_what_the_limits_say(database: Database, policy: Policy) -> None:
    await answer(database, policy, await ask_to_retire(database, policy), REJECT)
    found = await only(database, Automation)
    assert (found.status, found.expired_at, found.paused_for_lifecycle) == (AutomationStatus.ACTIVE, None, False)
    assert found.expires_at == database.clock() + timedelta(days=90)
    assert found.expiry_due_at == database.clock() + timedelta(days=83)


async def test_extending_by_hand_ends_the_question_and_its_yes_retires_nothing(
    database: Database, policy: Policy
) -> None:
    request = await ask_to_retire(database, policy)

    async def by_hand(tx: Tx) -> None:
        found = await locked_automation(tx, "aut_1")
        assert found is not None
        await extend(tx, policy, found, PERSON, None, "still needed")

    await database.write(TENANT, by_hand)
    with pytest.raises(ApprovalExpired):
        await answer(database, policy, request)
    assert (await only(database, Automation)).retired_at is None
    assert (await only(database, ApprovalRequest)).reason == "the automation was extended"


async def test_an_agent_is_unblocked_by_its_review_and_stays_blocked_without(
    database: Database, policy: Policy
) -> None:
    request = await owing_agent(database, policy)
    await answer(database, policy, request, REJECT)
    assert (await only(database, AgentReview)).review_required
    again = await ask(database, policy, REVIEW, reviewers=("U0ALICE",))
    assert again.id != request.id


async def test_an_approved_review_of_an_agent_starts_its_count_anew(database: Database, policy: Policy) -> None:
    await answer(database, policy, await owing_agent(database, policy), person="U0ALICE", reason="fine")
    found = await only(database, AgentReview)
    assert (found.review_required, found.created_since_review, found.notes) == (False, 0, "fine")


@pytest.mark.parametrize("prepare", [owing, owing_agent, ask_to_retire])
async def test_what_is_owed_is_asked_again_until_somebody_answers(
    database: Database, policy: Policy, clock: Clock, prepare: Prepared
) -> None:
    """closes automation-governance 5"""
    first = await prepare(database, policy)
    since = (await only(database, OwedReview)).since
    clock.forward(hours=72)
    await attend_due(database, Held(policy))
    fresh = await only(database, ApprovalRequest, status=RequestStatus.PENDING)
    assert fresh.request_type is first.request_type
    assert fresh.expires_at == clock() + timedelta(hours=144)
    owed = await only(database, OwedReview, answered_at=None)
    assert (owed.request_id, owed.since) == (fresh.id, since)
    await answer(database, policy, fresh)
    if prepare is owing:
        assert not (await only(database, Automation)).review_required
    if prepare is owing_agent:
        assert not (await only(database, AgentReview)).review_required


async def test_what_is_owed_no_more_is_not_asked_again(database: Database, policy: Policy, clock: Clock) -> None:
    await owing(database, policy)
    await owe(database, "apr_newer")
    clock.forward(hours=72)
    await attend_due(database, Held(policy))
    assert await count(database, ApprovalRequest) == 1


async def test_asking_again_backs_off_to_thirty_days(database: Database, policy: Policy, clock: Clock) -> None:
    await owing(database, policy)
    lives = []
    for _ in range(6):
        request = await only(database, ApprovalRequest, status=RequestStatus.PENDING)
        lives.append((request.expires_at - request.created_at) / timedelta(days=1))
        clock.now = request.expires_at
        await attend_due(database, Held(policy))
    assert lives == [3, 6, 12, 24, 30, 30]


async def test_who_asks_cannot_answer_and_strangers_cannot(database: Database, policy: Policy) -> None:
    admins = replace(policy, admins=("U0ADMIN", "U0BOB"))
    request = await ask(database, admins, RequestType.DEPTH_OVERRIDE, asked_by=PERSON)
    with pytest.raises(SelfReview):
        await answer(database, admins, request, person="U0BOB")
    with pytest.raises(NotAReviewer):
        await answer(database, admins, request, person="U0MALLORY")
    assert await count(database, Grant) == 0


async def test_without_the_policy_nothing_is_recorded(database: Database, policy: Policy) -> None:
    request = await ask_for_depth(database, policy)
    with pytest.raises(ValueError, match="takes the policy"):
        await answer(database, None, request)  # type: ignore[arg-type]
    assert (await only(database, ApprovalRequest)).status is RequestStatus.PENDING


async def test_of_two_reviewers_at_once_one_decides(url: str, clock: Clock, policy: Policy) -> None:
    admins = replace(policy, admins=("U0ADMIN", "U0BOB"))
    one, two = [await open_database(url, ENCRYPTION_KEY, clock=clock) for _ in range(2)]
    for round in range(6):
        context = {"capability_key": "mcp:github", "round": round}
        request = await ask(one, admins, RequestType.CAPABILITY_REQUEST, asked_by=AGENT, context=context)
        said = await asyncio.gather(
            answer(one, admins, request, APPROVE), answer(two, admins, request, REJECT, "U0BOB"),
            return_exceptions=True,
        )  # fmt: skip
        assert [isinstance(each, AlreadyDecided) for each in said].count(True) == 1
        (found,) = await rows(one, ApprovalRequest, id=request.id)
        assert await count(one, Grant, request_id=request.id) == (found.status is RequestStatus.APPROVED)
    await one.close()
    await two.close()


async def test_deciding_races_with_what_supersedes_it(url: str, clock: Clock, policy: Policy) -> None:
    """closes automation-governance 25"""
    one, two = [await open_database(url, ENCRYPTION_KEY, clock=clock) for _ in range(2)]
    for round in range(6):
        request = await ask(one, policy, RequestType.DEPTH_OVERRIDE, asked_by=AGENT, context={"round": round})
        said = await asyncio.gather(
            answer(one, policy, request),
            two.write(TENANT, lambda tx: supersede(tx, RequestType.DEPTH_OVERRIDE, DEPLOYER, "the limit was raised")),
            return_exceptions=True,
        )
        (found,) = await rows(one, ApprovalRequest, id=request.id)
        approved = found.status is RequestStatus.APPROVED
        assert isinstance(said[0], Refusal) is not approved
        assert said[1] == (not approved)
        assert await count(one, Grant, request_id=request.id) == approved
    await one.close()
    await two.close()


async def test_deciding_races_with_the_clock(url: str, clock: Clock, policy: Policy) -> None:
    late = Clock(clock() + timedelta(hours=72))
    one, two = (
        await open_database(url, ENCRYPTION_KEY, clock=clock),
        await open_database(url, ENCRYPTION_KEY, clock=late),
    )
    for round in range(6):
        request = await ask(one, policy, RequestType.DEPTH_OVERRIDE, asked_by=AGENT, context={"round": round})
        await asyncio.gather(answer(one, policy, request), attend_due(two, Held(policy)), return_exceptions=True)
        (found,) = await rows(one, ApprovalRequest, id=request.id)
        assert found.status in (RequestStatus.APPROVED, RequestStatus.EXPIRED)
        assert await count(one, Grant, request_id=request.id) == (found.status is RequestStatus.APPROVED)
    await one.close()
    await two.close()


@pytest.mark.parametrize("prepare", [ask_to_post, ask_to_elevate])
async def test_a_receipt_lets_exactly_this_happen_once(database: Database, policy: Policy, prepare: Prepared) -> None:
    request = await prepare(database, policy)
    use = lambda digest: database.write(TENANT, lambda tx: consume(tx, request.id, digest))  # noqa: E731
    assert not await use(request.digest)
    await answer(database, policy, request)
    assert not await use("sha256:" + "0" * 64)
    assert await use(request.digest)
    assert not await use(request.digest)
    with pytest.raises(Conflict) as refused:
        await database.write(TENANT, lambda tx: spend_receipt(tx, request.id, request.digest))
    assert refused.value.name == "RECEIPT_INVALID"
    assert await count(database, AuditEntry, kind="governance.consumed") == 1


async def test_an_expired_receipt_and_one_of_another_type_let_nothing_happen(
    database: Database, policy: Policy, clock: Clock
) -> None:
    post, depth = await ask_to_post(database, policy), await ask_for_depth(database, policy)
    for request in (post, depth):
        await answer(database, policy, request)
    assert not await database.write(TENANT, lambda tx: consume(tx, depth.id, depth.digest))
    clock.forward(hours=72)
    assert not await database.write(TENANT, lambda tx: consume(tx, post.id, post.digest))


async def test_of_many_who_use_a_receipt_at_once_one_may(url: str, clock: Clock, policy: Policy) -> None:
    databases = [await open_database(url, ENCRYPTION_KEY, clock=clock) for _ in range(4)]
    request = await ask_to_post(databases[0], policy)
    await answer(databases[0], policy, request)
    using = [one.write(TENANT, lambda tx: consume(tx, request.id, request.digest)) for one in databases * 3]
    assert (await asyncio.gather(*using)).count(True) == 1
    for one in databases:
        await one.close()


async def test_questions_leave_no_trust_records_of_calls(database: Database, policy: Policy, clock: Clock) -> None:
    await answer(database, policy, await ask_for_capability(database, policy))
    await answer(database, policy, await ask_to_post(database, policy), REJECT)
    await ask_for_depth(database, policy)
    clock.forward(hours=73)
    await attend_due(database, Held(policy))
    await seal_audit(database)
    async with database.read(TENANT) as tx:
        assert list(await tx.session.scalars(select(TrustRecord))) == []
        assert (await verify(tx)).sound
