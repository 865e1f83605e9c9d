"""Governance from end to end over HTTP and Slack: what stops, what is asked, who answers, and what goes on then."""

from datetime import timedelta
from typing import Any

import pytest

from bot.api.bodies import moment
from scheduler.expiry import attend_due
from storage.tables import Grant, KeyKind, Proposal
from tests.acceptance.governing import ask, registered, started, status_of
from tests.acceptance.test_automations_api import (
    APPROVALS,
    AUTOMATIONS,
    V2,
    approve,
    created,
    created_by,
    governance,
    run,
    waiting,
)
from tests.acceptance.test_clicks import told
from tests.acceptance.test_hostile_text import HOSTILE
from tests.conftest import Clock
from tests.integration.calls import API, Key, is_problem
from tests.integration.verbs import Held, rows
from tests.stack import Stack

LIMITS = f"{API}/governance/limits"
REVIEWS = f"{API}/governance/reviews"
REPORTS = f"{API}/agents/deployer/spend/reports"


@pytest.fixture
def stack_options(clock: Clock) -> dict[str, Any]:
    return {"clock": clock, "agent": "report_spend = true", "admins": '["U0ADMIN", "U0BOB"]'}


async def run_of(stack: Stack, run_id: str) -> Any:
    return (await stack.call("GET", f"{API}/runs/{run_id}"))[1]["run"]


async def move(stack: Stack, run_id: str, status: str, **more: Any) -> tuple[int, Any]:
    return await stack.call("PATCH", f"{API}/runs/{run_id}", {"status": status, **more})


async def test_what_waits_of_an_agent_at_its_cap_is_held_and_goes_on_with_its_override_alone(
    stack: Stack, admin: Key
) -> None:
    """closes automation-governance 7, 10"""
    await stack.signed(admin, "PATCH", LIMITS, {"weekly_spend_cap_usd": "10.00"})
    id, by_hand = await registered(stack), await registered(stack, "Weekly")
    runs, other = [await started(stack, id) for _ in range(2)], await started(stack, by_hand)
    ended = await run(stack, id, outputs={"pages": 3})
    await stack.signed(admin, "POST", f"{AUTOMATIONS}/{by_hand}/pause", {"reason": "not tonight"})
    assert (await stack.call("POST", REPORTS, {"report_id": "r1", "cost_usd": "12", "run_id": ended}))[0] == 201

    assert await status_of(stack, ended) == "completed"
    for one in [await run_of(stack, run_id) for run_id in runs]:
        assert (one["status"], one["stop_kind"]) == ("paused", "guardrail_stopped")
        assert one["detail"] == "weekly spend cap exceeded for deployer (12.00/10.00 USD)"
    assert is_problem(await move(stack, runs[1], "running"), 429, f"{V2}AGENT_SPEND_CAP_EXCEEDED")
    (asked,) = await waiting(stack, admin, "quota_override")
    assert await approve(stack, admin, asked["approval_id"]) == 200
    goes_on = await run_of(stack, runs[1])
    assert (goes_on["status"], goes_on["stop_kind"], goes_on["detail"]) == ("queued", None, None)
    resumed = goes_on["events"][-1]
    assert (resumed["event"], resumed["reason"]) == ("run_auto_resumed", "auto_resume_after_guardrail_override")
    assert (await move(stack, runs[1], "running"))[0] == 200
    assert await status_of(stack, other) == "paused"


async def test_what_is_retired_is_listed_and_goes_on_until_the_moment_it_is_extended_to(
    stack: Stack, admin: Key, clock: Clock
) -> None:
    id = await created(stack)
    await stack.signed(admin, "POST", f"{AUTOMATIONS}/{id}/retire", {})
    _, shown = await stack.signed(admin, "GET", REVIEWS)
    assert [one["automation_id"] for one in shown["automation_lifecycle_reviews"]] == [id]
    assert shown["pending_approvals"] == []
    until = moment(clock.now + timedelta(hours=48))
    status, answer = await stack.signed(admin, "POST", f"{AUTOMATIONS}/{id}/extend", {"expires_at": until})
    assert (status, answer["automation"]["expires_at"]) == (200, until)
    found = await governance(stack, admin, id)
    assert (found["status"], found["retired_at"], found["paused_for_lifecycle"]) == ("active", None, False)
    assert (await stack.signed(admin, "GET", REVIEWS))[1]["count"] == 0


async def test_each_loss_is_asked_about_by_itself_and_an_old_card_answers_no_newer_question(
    stack: Stack, admin: Key
) -> None:
    """closes automation-governance 14, 16, 21"""
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    id = await created_by(stack, carol)
    given = {}
    for agent in ("stranger", "deployer"):
        _, answer = await stack.signed(admin, "POST", f"{AUTOMATIONS}/{id}/grants", {"granted_to_agent_id": agent})
        given[agent] = answer["grant"]["id"]
    await stack.signed(admin, "DELETE", f"{AUTOMATIONS}/{id}/grants/{given['stranger']}", {"reason": "one too many"})
    old_card = (await stack.card("Review Nightly")).snapshot()
    (old,) = await waiting(stack, admin, "lifecycle_review")
    await stack.signed(admin, "DELETE", f"{AUTOMATIONS}/{id}/grants/{given['deployer']}", {"reason": "all of them"})

    (new,) = await waiting(stack, admin, "lifecycle_review")
    assert (new["context"]["trigger"], new["context"]["reason"]) == ("dependency_revoked", "all of them")
    assert new["context"]["evidence"]["grant"] == given["deployer"]
    assert new["context"]["noticed_before"] == ["one too many"]
    assert (await governance(stack, admin, id))["review_request_id"] == new["approval_id"]
    await stack.shown(old_card.channel, old_card.ts, "No longer asked")
    late = await stack.signed(admin, "POST", f"{APPROVALS}/{old['approval_id']}/approve", {})
    assert is_problem(late, 409, "APPROVAL_EXPIRED")
    await stack.slack.click("U0BOB", old_card, "Approve")
    await told(stack, "U0BOB", "there is more to look at")
    found = await governance(stack, admin, id)
    assert (found["review_required"], found["creation_paused"], len(found["health_findings"])) == (True, True, 2)

    card = await stack.card("all of them")
    await stack.slack.click("U0BOB", card, "Approve")
    await stack.shown(card.channel, card.ts, "Approved* by <@U0BOB>")
    found = await governance(stack, admin, id)
    assert (found["review_required"], found["health_findings"], found["status"]) == (False, [], "paused")


async def test_a_review_nobody_gave_in_time_stays_owed_and_is_asked_again(
    stack: Stack, admin: Key, clock: Clock
) -> None:
    """closes automation-governance 5, 21, 22"""
    await stack.signed(admin, "PATCH", LIMITS, {"run_review_threshold": 1})
    id = await created(stack)
    await run(stack, id, outputs={"pages": 3})
    (first,) = await waiting(stack, admin, "lifecycle_review")
    clock.forward(hours=72)
    late = await stack.signed(admin, "POST", f"{APPROVALS}/{first['approval_id']}/approve", {})
    assert is_problem(late, 409, "APPROVAL_EXPIRED")
    assert (await governance(stack, admin, id))["review_required"] is True
    await attend_due(stack.database, Held(stack.server.office.policy.current))
    assert is_problem(await stack.call("POST", f"{AUTOMATIONS}/{id}/runs"), 409, f"{V2}REVIEW_REQUIRED")
    (again,) = await waiting(stack, admin, "lifecycle_review")
    assert again["approval_id"] != first["approval_id"]
    assert (await governance(stack, admin, id))["review_request_id"] == again["approval_id"]
    assert await approve(stack, admin, again["approval_id"]) == 200
    assert (await stack.call("POST", f"{AUTOMATIONS}/{id}/runs"))[0] == 201


async def test_who_asked_at_one_door_cannot_answer_at_the_other(stack: Stack, admin: Key, bob: Key) -> None:
    """closes automation-governance 18, 20, 21"""
    wanted = {
        "request_type": "capability_request", "target_resource": {"type": "agent", "id": "deployer"},
        "rationale": "needed", "context": {"capability_key": "mcp:github"},
    }  # fmt: skip
    assert (await stack.signed(bob, "POST", APPROVALS, wanted))[0] == 201
    card = (await stack.card("mcp:github")).snapshot()
    await stack.slack.click("U0BOB", card, "Approve")
    assert "<@U0ADMIN>" in await told(stack, "U0BOB", "somebody else must countersign")
    await stack.slack.click("U0CAROL", card, "Approve")
    await told(stack, "U0CAROL", "You may not answer this request")

    await ask(stack, "U0BOB", "/grants", "give deployer note.write for 3h because the release needs it")
    asked = await waiting(stack, admin, "capability_request")
    assert [one["requested_by"]["actor_id"] for one in asked] == ["U0BOB", "U0BOB"]
    refused = await stack.signed(bob, "POST", f"{APPROVALS}/{asked[0]['approval_id']}/approve", {})
    assert is_problem(refused, 403, "GOVERNANCE_APPROVAL_SELF_REVIEW")
    assert await rows(stack.database, Grant) == []
    for _ in range(2):
        assert await approve(stack, admin, asked[0]["approval_id"]) == 200
        await stack.slack.click("U0ADMIN", card, "Approve")
    await stack.shown(card.channel, card.ts, "Approved* by <@U0ADMIN>")
    assert sorted(one.capability for one in await rows(stack.database, Grant)) == ["mcp:github", "note.write"]


async def test_a_question_is_inert_whatever_its_agent_writes_and_its_buttons_work(stack: Stack) -> None:
    """closes automation-governance 17, 19"""
    wanted = {
        "request_type": "external_post", "target_resource": {"type": "agent", "id": "deployer"},
        "rationale": HOSTILE["pings"] + HOSTILE["links"], "context": {**HOSTILE, **{f"n{n}": n for n in range(200)}},
    }  # fmt: skip
    status, answer = await stack.call("POST", APPROVALS, wanted)
    assert status == 201, answer
    card = await stack.card("External post")
    assert (card.pings, card.unfurls) == ([], [])
    assert (await stack.modal("U0ADMIN", card, "Details")).blocks
    await stack.slack.click("U0ADMIN", card, "Approve")
    after = await stack.shown(card.channel, card.ts, "Approved* by <@U0ADMIN>")
    assert after.pings == []
    (proposal,) = await rows(stack.database, Proposal)
    assert proposal.state == "succeeded"
