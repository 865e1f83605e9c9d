"""Questions about governance over the API and in Slack: filed, listed, decided and used up, with their exact codes."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from operations.question import raise_question
from operations.retirement import retirement_question
from scheduler.expiry import attend_due
from storage.tables import (
    AgentReview,
    ApprovalRequest,
    Automation,
    Execution,
    Grant,
    KeyKind,
    Proposal,
    RequestType,
    Role,
    SpendStop,
)
from tests.conftest import Clock
from tests.integration.asking import AUTOMATION, ask, automation, owing, owing_agent, stopped
from tests.integration.calls import API, Key
from tests.integration.verbs import TENANT, Held, count, rows
from tests.stack import Stack

APPROVALS = f"{API}/governance/approvals"
REVIEWS = f"{API}/governance/reviews"
ADMINS = '["U0ADMIN", "U0BOB"]'


@pytest.fixture
def stack_options(clock: Clock) -> dict[str, Any]:
    return {"clock": clock, "admins": ADMINS}


def body(kind: str = "capability_request", target: str = "deployer", type: str = "agent", **more: Any) -> Any:
    context = more.pop("context", {"capability_key": "mcp:github", "hours": 5})
    return {
        "request_type": kind, "target_resource": {"type": type, "id": target}, "rationale": "needed",
        "context": context, **more,
    }  # fmt: skip


async def filed(stack: Stack, **more: Any) -> Any:
    """The agent files a request; returns the approval."""
    status, answer = await stack.call("POST", APPROVALS, body(**more))
    assert status == 201, answer
    return answer["approval"]


async def decide(stack: Stack, key: Key, approval: Any, word: str = "approve", **more: Any) -> tuple[int, Any]:
    return await stack.signed(key, "POST", f"{APPROVALS}/{approval['approval_id']}/{word}", more)


async def test_an_agent_files_a_request_and_a_person_grants_it(stack: Stack, admin: Key, clock: Clock) -> None:
    made = await filed(stack)
    assert made["requested_by"] == {"kind": "agent", "actor_id": "deployer"}
    assert made["target_resource"] == {"type": "agent", "id": "deployer"}
    assert (made["status"], made["request_type"]) == ("pending", "capability_request")
    assert made["context"] == {"capability_key": "mcp:github", "hours": 5}
    assert made["expires_at"] == "2026-11-26T12:00:00Z"
    status, decided = await decide(stack, admin, made, notes="fine")
    assert status == 200
    assert (decided["approval"]["status"], decided["approval"]["reviewed_by"]) == ("approved", "U0ADMIN")
    assert decided["approval"]["review_notes"] == "fine"
    (grant,) = await rows(stack.database, Grant)
    assert grant.expires_at == clock() + timedelta(hours=5)
    assert await count(stack.database, Execution) == 0


async def test_filing_the_same_twice_finds_the_same(stack: Stack) -> None:
    """closes automation-governance 21"""
    first = await filed(stack)
    status, again = await stack.call("POST", APPROVALS, body())
    assert (status, again["approval"]["approval_id"]) == (200, first["approval_id"])


async def test_an_agent_cannot_decide(stack: Stack) -> None:
    """closes automation-governance 20"""
    made = await filed(stack)
    for word in ("approve", "deny"):
        status, refused = await stack.call("POST", f"{APPROVALS}/{made['approval_id']}/{word}", {"notes": "yes"})
        assert (status, refused["code"]) == (403, "GOVERNANCE_APPROVAL_REQUIRES_HUMAN")


async def test_who_asks_cannot_decide_and_strangers_cannot(stack: Stack, admin: Key, bob: Key) -> None:
    _, answer = await stack.signed(bob, "POST", APPROVALS, body())
    made = answer["approval"]
    assert made["requested_by"] == {"kind": "human", "actor_id": "U0BOB"}
    status, refused = await decide(stack, bob, made)
    assert (status, refused["code"]) == (403, "GOVERNANCE_APPROVAL_SELF_REVIEW")
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL", Role.OPERATOR)
    status, refused = await decide(stack, carol, made)
    assert (status, refused["code"]) == (403, "GOVERNANCE_APPROVAL_REVIEWER_FORBIDDEN")
    status, decided = await decide(stack, admin, made, "deny", notes="no")
    assert (status, decided["approval"]["status"]) == (200, "rejected")


async def test_a_contradicting_decision_is_told_the_winner(stack: Stack, admin: Key, bob: Key) -> None:
    """closes automation-governance 21"""
    made = await filed(stack)
    assert (await decide(stack, admin, made))[0] == 200
    assert (await decide(stack, admin, made))[0] == 200
    status, refused = await decide(stack, bob, made, "deny", notes="no")
    assert (status, refused["code"]) == (409, "ALREADY_DECIDED")
    assert refused["details"]["winner"]["by"] == "U0ADMIN"


async def test_two_reviewers_at_once(stack: Stack, admin: Key, bob: Key) -> None:
    made = await filed(stack)
    said = await asyncio.gather(decide(stack, admin, made), decide(stack, bob, made, "deny", notes="no"))
    assert sorted(status for status, _ in said) == [200, 409]


async def test_after_its_time_nothing_is_approved(stack: Stack, admin: Key, clock: Clock) -> None:
    """closes automation-governance 21"""
    made = await filed(stack)
    clock.forward(hours=73)
    status, refused = await decide(stack, admin, made)
    assert (status, refused["code"]) == (409, "APPROVAL_EXPIRED")
    assert await count(stack.database, Grant) == 0


async def test_unknown_ids_and_calls_are_not_found(stack: Stack, admin: Key) -> None:
    _, call = await stack.propose()
    for approval_id in ("apr_none", call["approval"]["id"]):
        status, refused = await decide(stack, admin, {"approval_id": approval_id})
        assert (status, refused["code"]) == (404, "GOVERNANCE_APPROVAL_NOT_FOUND")


async def test_denying_takes_a_reason(stack: Stack, admin: Key) -> None:
    status, refused = await decide(stack, admin, await filed(stack), "deny")
    assert (status, refused["code"]) == (422, "UNPROCESSABLE")
    assert "notes" in refused["error"]


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (body(kind="tool_call"), "request_type"),
        (body(type="person"), "target_resource"),
        (body(target="nobody"), "target_resource.id"),
        (body(target="countersign"), "target_resource.id"),
        (body(kind="retirement_action"), "target_resource.type"),
        (body(context={}), "capability_key"),
        (body(context={"capability_key": "x", "hours": 721}), "hours"),
        (body(rationale=" "), "rationale"),
        (body(expires_at="2026-11-23T11:00:00Z"), "expires_at"),
        (body(expires_at="2226-11-23T11:00:00Z"), "expires_at"),
        (body(expires_at_ms=1), "expires_at_ms"),
        (body(requested_by={"kind": "human"}), "requested_by"),
    ],
)
async def test_what_means_nothing_is_refused_by_name(stack: Stack, admin: Key, sent: Any, named: str) -> None:
    """closes automation-governance 21"""
    status, refused = await stack.signed(admin, "POST", APPROVALS, sent)
    assert status == 422, refused
    assert named in refused["error"]
    assert await count(stack.database, ApprovalRequest) == 0


@pytest.mark.parametrize(
    "sent",
    [
        body(target="stranger"), body(kind="quota_override"), body(kind="lifecycle_review"),
        body(kind="external_post", target="stranger"),
    ],
)  # fmt: skip
async def test_agents_file_about_themselves_and_only_what_they_may(stack: Stack, sent: Any) -> None:
    status, refused = await stack.call("POST", APPROVALS, sent)
    assert (status, refused["code"]) == (403, "GOVERNANCE_APPROVAL_FORBIDDEN")


async def test_people_file_for_what_is_theirs_operators_for_all(stack: Stack) -> None:
    alice = await stack.key(KeyKind.OPERATOR, "U0ALICE", Role.REVIEWER)
    status, _ = await stack.signed(alice, "POST", APPROVALS, body())
    assert status == 201
    status, refused = await stack.signed(alice, "POST", APPROVALS, body(target="stranger"))
    assert (status, refused["code"]) == (403, "GOVERNANCE_APPROVAL_FORBIDDEN")


async def test_an_agents_questions_are_bounded_and_leave_its_calls_alone(stack: Stack) -> None:
    """closes automation-governance 22"""
    for n in range(50):
        await filed(stack, kind="external_post", context={"n": n})
    status, refused = await stack.call("POST", APPROVALS, body(kind="external_post", context={"n": 50}))
    assert (status, refused["code"]) == (429, "TOO_MANY_PENDING")
    assert (await stack.propose())[0] == 202


async def test_everybody_sees_what_is_theirs(stack: Stack, admin: Key) -> None:
    made = await filed(stack)
    stranger = (await stack.key(KeyKind.AGENT, "stranger"))[1]
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL", Role.REVIEWER)
    mine = (await stack.call("GET", APPROVALS))[1]
    assert ([one["approval_id"] for one in mine["approvals"]], mine["count"]) == ([made["approval_id"]], 1)
    assert (await stack.call("GET", APPROVALS, secret=stranger))[1]["count"] == 0
    assert (await stack.signed(carol, "GET", APPROVALS))[1]["count"] == 0
    assert (await stack.signed(admin, "GET", f"{APPROVALS}?status=pending&request_type=capability_request"))[1][
        "count"
    ] == 1
    assert (await stack.signed(admin, "GET", f"{APPROVALS}?status=approved"))[1]["count"] == 0
    assert (await stack.signed(admin, "GET", f"{APPROVALS}?status=nonsense"))[0] == 422
    listed = (await stack.signed(admin, "GET", f"{API}/approvals?request_type=capability_request"))[1]
    assert [one["id"] for one in listed["items"]] == [made["approval_id"]]


async def test_a_reviewer_sees_what_they_may_answer(stack: Stack) -> None:
    await automation(stack.database)
    policy = stack.server.office.policy.current
    await ask(stack.database, policy, RequestType.RETIREMENT_ACTION, target=AUTOMATION, reviewers=("U0CAROL",))
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL", Role.REVIEWER)
    assert (await stack.signed(carol, "GET", APPROVALS))[1]["count"] == 1


async def test_lists_have_pages(stack: Stack, admin: Key, clock: Clock) -> None:
    for n in range(3):
        await filed(stack, kind="external_post", context={"n": n})
        clock.forward(seconds=1)
    first = (await stack.signed(admin, "GET", f"{APPROVALS}?limit=2"))[1]
    second = (await stack.signed(admin, "GET", f"{APPROVALS}?limit=2&cursor={first['next_cursor']}"))[1]
    assert [one["context"]["n"] for one in first["approvals"] + second["approvals"]] == [2, 1, 0]
    assert second["next_cursor"] is None


async def test_the_agent_reads_the_outcome_where_it_reads_its_calls(stack: Stack, admin: Key) -> None:
    made = await filed(stack)
    await stack.signed(admin, "POST", f"{API}/approvals/{made['approval_id']}", {"decision": "approve"})
    _, told = await stack.call("GET", f"{API}/proposals/{made['proposal_id']}")
    assert (told["state"], told["execution"]) == ("succeeded", None)
    other = await filed(stack, kind="depth_override", context=None)
    await decide(stack, admin, other, "deny", notes="no")
    _, told = await stack.call("GET", f"{API}/proposals/{other['proposal_id']}")
    assert (told["state"], told["approval"]["decision"]["reason"]) == ("rejected", "no")


async def test_a_receipt_is_used_once_by_the_agent_it_was_given(stack: Stack, admin: Key) -> None:
    made = await filed(stack, kind="external_post", context={"text": "hello"})
    use, digest = f"{APPROVALS}/{made['approval_id']}/consume", {"digest": made["digest"]}
    assert (await stack.call("POST", use, digest))[1]["code"] == "RECEIPT_INVALID"
    await decide(stack, admin, made)
    stranger = (await stack.key(KeyKind.AGENT, "stranger"))[1]
    assert (await stack.call("POST", use, digest, secret=stranger))[0] == 404
    tried = await asyncio.gather(*(stack.call("POST", use, digest) for _ in range(6)))
    assert sorted(status for status, _ in tried) == [200] + [409] * 5
    used = next(answer for status, answer in tried if status == 200)
    assert used["approval"]["consumed_at"] is not None


async def test_what_can_not_be_remembered_edited_withdrawn_or_asked_again(
    stack: Stack, admin: Key, clock: Clock
) -> None:
    """closes automation-governance 22"""
    made = await filed(stack)
    path = f"{API}/approvals/{made['approval_id']}"
    remembered = await stack.signed(admin, "POST", path, {"decision": "approve", "remember": "forever"})
    assert (remembered[0], "remember" in remembered[1]["error"]) == (422, True)
    edited = await stack.signed(admin, "POST", f"{path}/edit", {"arguments": {}, "digest": made["digest"]})
    assert edited[0] == 422
    assert (await stack.call("DELETE", f"{API}/proposals/{made['proposal_id']}"))[0] == 200
    again = await stack.signed(admin, "POST", f"{API}/proposals/{made['proposal_id']}/rerequest", {})
    assert again[0] == 409


async def test_a_quota_override_takes_a_stop_and_is_asked_once(stack: Stack, admin: Key, bob: Key) -> None:
    sent = body(kind="quota_override", context={"hours": 2})
    status, refused = await stack.signed(admin, "POST", APPROVALS, sent)
    assert (status, refused["code"]) == (409, "NOT_STOPPED")
    request = await stopped(stack.database, stack.server.office.policy.current)
    status, found = await stack.signed(admin, "POST", APPROVALS, sent)
    assert (status, found["approval"]["approval_id"]) == (200, request.id)
    assert found["approval"]["requested_by"] == {"kind": "system", "actor_id": None}
    await decide(stack, bob, found["approval"], "deny", notes="no")
    status, fresh = await stack.signed(admin, "POST", APPROVALS, sent)
    assert status == 201
    await decide(stack, bob, fresh["approval"])
    (stop,) = await rows(stack.database, SpendStop)
    assert stop.lifted_until == stack.database.clock() + timedelta(hours=2)


async def test_a_blocked_agent_has_a_way_out_after_a_no(stack: Stack, admin: Key, bob: Key) -> None:
    """closes automation-governance 5"""
    sent = body(kind="lifecycle_review", context=None)
    status, refused = await stack.signed(admin, "POST", APPROVALS, sent)
    assert (status, refused["code"]) == (409, "NO_REVIEW_OWED")
    request = await owing_agent(stack.database, stack.server.office.policy.current)
    await decide(stack, admin, {"approval_id": request.id}, "deny", notes="too many")
    status, fresh = await stack.signed(admin, "POST", APPROVALS, sent)
    assert status == 201
    status, _ = await decide(stack, admin, fresh["approval"], notes="better now")
    assert status == 200
    (review,) = await rows(stack.database, AgentReview, agent_id="deployer")
    assert not review.review_required


async def test_reviews_show_what_people_owe(stack: Stack, admin: Key) -> None:
    policy = stack.server.office.policy.current
    request, blocked = await owing(stack.database, policy), await owing_agent(stack.database, policy)
    _, shown = await stack.signed(admin, "GET", REVIEWS)
    (agent,), (found,) = shown["agent_creation_reviews"], shown["automation_lifecycle_reviews"]
    assert (agent["agent_id"], agent["review_request_id"]) == ("deployer", blocked.id)
    assert (found["automation_id"], found["review_kind"]) == ("aut_1", "run_drift")
    assert [one["finding_id"] for one in found["findings"]] == ["fnd_1"]
    assert {one["approval_id"] for one in shown["pending_approvals"]} == {request.id, blocked.id}
    assert shown["count"] == 4
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL", Role.REVIEWER)
    assert (await stack.signed(carol, "GET", REVIEWS))[1]["count"] == 0
    assert (await stack.call("GET", REVIEWS))[0] == 403
    await decide(stack, admin, {"approval_id": request.id})
    (row,) = await rows(stack.database, Automation)
    assert not row.review_required


async def test_a_question_is_a_card_with_buttons_that_decide(stack: Stack, admin: Key) -> None:
    """closes automation-governance 19"""
    await filed(stack)
    card = await stack.card("Capability for Deployer")
    shown = str(card.blocks)
    assert "Gives agent deployer the capability" in shown
    assert "mcp:github" in shown
    assert "needed" in shown
    assert "remember" not in shown.lower()
    assert "Edit arguments" not in shown
    await stack.slack.click("U0ADMIN", card, "card.approve")
    await stack.shown(card.channel, card.ts, "Approved")
    (proposal,) = await rows(stack.database, Proposal)
    assert proposal.state == "succeeded"
    assert await count(stack.database, Grant) == 1


async def test_a_question_of_a_rule_is_rejected_in_slack_and_that_does_something(stack: Stack) -> None:
    await automation(stack.database, expired_at=stack.database.clock())
    policy = stack.server.office.policy.current
    (row,) = await rows(stack.database, Automation)
    asked = retirement_question(policy, row, "It has expired.", {"trigger": "expired"})
    await stack.database.write(TENANT, lambda tx: raise_question(tx, policy, asked))
    card = await stack.card("Retire Nightly")
    assert "Keeping it lets it go on for another 90 days" in str(card.blocks)
    assert "card.more" not in str(card.blocks)
    assert "It has expired." in str(await stack.modal("U0ADMIN", card, "Details"))
    modal = await stack.modal("U0BOB", card, "Keep and extend")
    answered = await stack.slack.submit("U0BOB", modal, {})
    assert answered.status == 200
    await stack.shown(card.channel, card.ts, "Kept and extended")
    (row,) = await rows(stack.database, Automation)
    assert (row.expired_at, row.retired_at) == (None, None)
    assert row.expires_at == stack.database.clock() + timedelta(days=90)


async def test_what_nobody_answered_is_shown_as_expired_and_asked_again(stack: Stack, clock: Clock) -> None:
    """closes automation-governance 16"""
    await owing(stack.database, stack.server.office.policy.current)
    first = await stack.card("Look at this")
    clock.forward(hours=72)
    await attend_due(stack.database, Held(stack.server.office.policy.current))
    shown = await stack.shown(first.channel, first.ts, "Expired")
    assert "card." not in str(shown.blocks)
    (waiting,) = await rows(stack.database, ApprovalRequest, status="pending")
    assert waiting.request_type == "lifecycle_review"
