"""What people's answers do to a request: quorum, changed minds, deferring, and what comes too late."""

from datetime import timedelta
from pathlib import Path

import pytest

from governance.errors import AlreadyDecided, ApprovalExpired, ArgumentsChanged, NotAReviewer, Unprocessable
from governance.lifecycle import ProposalState, RequestStatus
from governance.policy import Policy
from operations.withdraw import withdraw
from storage.database import Database
from storage.tables import AuditEntry, Review
from tests.conftest import NOON, Clock
from tests.integration.verbs import (
    APPROVE,
    DEFER,
    REJECT,
    TENANT,
    asked,
    count,
    look,
    policy_from,
    rows,
    say,
    sql,
    submit,
)
from tests.policies import tool

LATER = NOON + timedelta(hours=2)


async def test_two_different_people_complete_a_quorum_of_two(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.two")
    assert (await say(database, found, "U0BOB")).status is RequestStatus.PENDING
    assert (await look(database, found)).execution is None
    settled = await say(database, found, "U0ALICE")
    assert (settled.status, settled.decided_by) == (RequestStatus.APPROVED, "U0ALICE")
    assert (await look(database, found)).execution is not None


async def test_one_person_twice_counts_once(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.two")
    for _ in range(3):
        assert (await say(database, found, "U0BOB")).status is RequestStatus.PENDING
    assert (await look(database, found)).execution is None


@pytest.mark.parametrize(("verdict", "more"), [(APPROVE, {}), (REJECT, {"reason": "no"})], ids=["approve", "reject"])
async def test_the_same_answer_by_the_same_person_again_changes_nothing(
    database: Database, policy: Policy, verdict: object, more: dict[str, str]
) -> None:
    found = await asked(database, policy, "deploy.two")
    first = await say(database, found, "U0BOB", verdict, **more)
    entries = await count(database, AuditEntry)
    again = await say(database, found, "U0BOB", verdict, **more)
    assert (again.status, again.decided_at) == (first.status, first.decided_at)
    assert await count(database, Review) == 1
    assert await count(database, AuditEntry) == entries


async def test_a_changed_mind_counts_until_the_request_settles(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.two")
    await say(database, found, "U0BOB")
    await say(database, found, "U0BOB", DEFER, "wait for the numbers", until=LATER)
    assert (await say(database, found, "U0CAROL")).status is RequestStatus.PENDING
    assert (await say(database, found, "U0BOB")).status is RequestStatus.APPROVED
    live = (await look(database, found)).reviews
    assert [(one.reviewer, one.verdict) for one in live] == [("U0CAROL", APPROVE), ("U0BOB", APPROVE)]


async def test_who_approved_may_still_reject_and_that_settles_it(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.two")
    await say(database, found, "U0BOB")
    settled = await say(database, found, "U0BOB", REJECT, "I misread it")
    assert settled.status is RequestStatus.REJECTED
    assert [one.verdict for one in (await look(database, found)).reviews] == [REJECT]


async def test_a_mind_changed_after_settling_is_told_who_won(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await say(database, found, "U0BOB")
    with pytest.raises(AlreadyDecided) as refused:
        await say(database, found, "U0BOB", REJECT, "too late")
    winner = {"by": "U0BOB", "verdict": "approved", "at": "2026-11-23T12:00:00Z", "reason": None}
    assert refused.value.details == {"winner": winner}


async def test_one_rejection_settles_a_quorum_of_two(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.two")
    await say(database, found, "U0BOB")
    settled = await say(database, found, "U0CAROL", REJECT, "no")
    assert settled.status is RequestStatus.REJECTED
    after = await look(database, found)
    assert (after.proposal.state, after.execution) == (ProposalState.REJECTED, None)


async def test_who_left_the_user_group_no_longer_counts(database: Database, tmp_path: Path) -> None:
    policy = policy_from(tmp_path, extra=tool("deploy.pair", reviewers='["S0ONCALL"]', quorum=2))
    found = await asked(database, policy, "deploy.pair")
    await say(database, found, "U0BOB", members={"S0ONCALL": frozenset({"U0BOB", "U0CAROL"})})
    without_bob = {"S0ONCALL": frozenset({"U0CAROL", "U0ALICE"})}
    assert (await say(database, found, "U0CAROL", members=without_bob)).status is RequestStatus.PENDING
    assert (await say(database, found, "U0ALICE", members=without_bob)).status is RequestStatus.APPROVED


async def test_only_live_members_of_the_group_may_answer(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.group")
    with pytest.raises(NotAReviewer):
        await say(database, found, "U0BOB", members={"S0ONCALL": frozenset({"U0CAROL"})})
    assert await count(database, Review) == 0


@pytest.mark.parametrize("reason", [None, "", "   "])
@pytest.mark.parametrize("verdict", [REJECT, DEFER])
async def test_rejecting_and_deferring_need_a_reason(
    database: Database, policy: Policy, verdict: object, reason: str | None
) -> None:
    found = await asked(database, policy)
    with pytest.raises(Unprocessable, match="reason"):
        await say(database, found, "U0BOB", verdict, reason, until=LATER)
    assert await count(database, Review) == 0


@pytest.mark.parametrize("hours", [None, -1, 0, 48, 49], ids=str)
async def test_a_request_is_put_off_only_to_a_moment_before_it_expires(
    database: Database, policy: Policy, hours: int | None
) -> None:
    found = await asked(database, policy)
    until = None if hours is None else NOON + timedelta(hours=hours)
    with pytest.raises(Unprocessable, match="until"):
        await say(database, found, "U0BOB", DEFER, "later", until=until)
    assert (await look(database, found)).request.status is RequestStatus.PENDING


@pytest.mark.parametrize(("verdict", "status"), [(APPROVE, "approved"), (REJECT, "rejected")])
async def test_a_decision_settles_a_request_that_was_put_off(
    database: Database, policy: Policy, verdict: object, status: str
) -> None:
    found = await asked(database, policy)
    await say(database, found, "U0BOB", DEFER, "later", until=LATER)
    settled = await say(database, found, "U0CAROL", verdict, "now")
    assert (settled.status, settled.reopen_at) == (status, None)


async def test_half_a_quorum_reopens_a_request_that_was_put_off(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.two")
    await say(database, found, "U0BOB", DEFER, "later", until=LATER)
    assert (await say(database, found, "U0CAROL")).status is RequestStatus.PENDING


async def test_deferring_again_moves_the_moment(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await say(database, found, "U0BOB", DEFER, "later", until=LATER)
    moved = await say(database, found, "U0BOB", DEFER, "later still", until=LATER + timedelta(hours=3))
    assert (moved.status, moved.reopen_at) == (RequestStatus.DEFERRED, LATER + timedelta(hours=3))


@pytest.mark.parametrize("verdict", [APPROVE, REJECT, DEFER])
async def test_at_its_expiry_nothing_can_be_answered_although_no_sweep_has_run(
    database: Database, policy: Policy, clock: Clock, verdict: object
) -> None:
    """closes governed-proposals 9; autonomy-and-trust 16"""
    found = await asked(database, policy)
    clock.forward(hours=48)
    with pytest.raises(ApprovalExpired):
        await say(database, found, "U0BOB", verdict, "late", until=clock.now + timedelta(hours=1))
    after = await look(database, found)
    assert (after.reviews, after.execution) == ((), None)


async def test_a_moment_before_its_expiry_a_request_can_be_approved(
    database: Database, policy: Policy, clock: Clock
) -> None:
    found = await asked(database, policy)
    clock.forward(hours=48, microseconds=-1)
    assert (await say(database, found, "U0BOB")).status is RequestStatus.APPROVED


async def test_a_withdrawn_request_is_not_told_as_decided_by_a_person(database: Database, policy: Policy) -> None:
    found = await asked(database, policy)
    await database.write(TENANT, lambda tx: withdraw(tx, found.proposal.id, "deployer", "obsolete"))
    with pytest.raises(AlreadyDecided, match="withdrew") as refused:
        await say(database, found, "U0BOB")
    assert refused.value.details["winner"]["verdict"] == "withdrawn"
    assert refused.value.details["winner"]["by"] is None
    assert (await look(database, found)).proposal.state is ProposalState.WITHDRAWN


@pytest.mark.parametrize(
    ("seen", "accepted"),
    [
        ({}, False),
        ({"seen_version": 1}, False),
        ({"seen_digest": "sha256:" + "0" * 64}, False),
        ({"seen_version": 2}, True),
        ({"seen_digest": "current"}, True),
    ],
    ids=["nothing", "old version", "other digest", "this version", "this digest"],
)
async def test_above_version_one_an_answer_must_name_what_it_saw(
    database: Database, policy: Policy, seen: dict[str, object], accepted: bool
) -> None:
    found = await asked(database, policy)
    assert found.request is not None
    await sql(database, "UPDATE approval_requests SET version = 2")
    seen = {"seen_digest": found.request.digest} if seen == {"seen_digest": "current"} else seen
    if accepted:
        assert (await say(database, found, "U0BOB", **seen)).status is RequestStatus.APPROVED
        return
    with pytest.raises(ArgumentsChanged):
        await say(database, found, "U0BOB", **seen)
    assert await count(database, Review) == 0


@pytest.mark.parametrize(
    ("reviewers", "quorum"),
    [('["U0CAROL"]', 1), ('["U0BOB", "U0CAROL"]', 2)],
    ids=["the requester alone", "the requester and one more for two"],
)
async def test_where_too_few_people_could_approve_the_call_is_denied_and_nobody_else_is_asked(
    database: Database, tmp_path: Path, reviewers: str, quorum: int
) -> None:
    """closes autonomy-and-trust 7"""
    policy = policy_from(tmp_path, extra=tool("deploy.lone", reviewers=reviewers, quorum=quorum))
    proposed = await submit(database, policy, "deploy.lone", on_behalf_of="U0CAROL")
    found = await look(database, proposed)
    assert (found.proposal.state, found.proposal.code) == (ProposalState.DENIED, "NO_REVIEWER")
    assert found.request is None


async def test_without_reviewers_of_its_own_a_tool_is_countersigned_by_admins_and_the_creator(
    database: Database, policy: Policy
) -> None:
    found = await asked(database, policy, "deploy.default")
    assert found.request is not None
    assert found.request.reviewers == ["U0ADMIN", "U0ALICE"]
    assert (await say(database, found, "U0ALICE")).status is RequestStatus.APPROVED


async def test_every_answer_stays_in_the_record_also_the_ones_taken_back(database: Database, policy: Policy) -> None:
    found = await asked(database, policy, "deploy.two")
    await say(database, found, "U0BOB")
    await say(database, found, "U0BOB", REJECT, "I misread it")
    given = await rows(database, Review)
    assert [(one.verdict, one.voided_at is None) for one in given] == [(APPROVE, False), (REJECT, True)]


async def test_a_creator_who_may_not_approve_may_not_from_inside_a_group_either(
    database: Database, tmp_path: Path
) -> None:
    """Acting for somebody else makes that person the requester; the creator stays out all the same."""
    more = "creator_may_approve = false"
    policy = policy_from(tmp_path, extra=tool("deploy.kept", reviewers='["S0ONCALL"]', more=more))
    found = await asked(database, policy, "deploy.kept", on_behalf_of="U0CAROL")
    members = {"S0ONCALL": frozenset({"U0ALICE", "U0BOB"})}
    with pytest.raises(NotAReviewer):
        await say(database, found, "U0ALICE", members=members)
    with pytest.raises(NotAReviewer):
        await say(database, found, "U0ALICE", REJECT, "mine", members=members)
    assert (await say(database, found, "U0BOB", members=members)).status is RequestStatus.APPROVED
