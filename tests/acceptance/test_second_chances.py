"""What is not over when it ends: asked again when it expired or no longer held, looked into when nobody knows."""

import json
from typing import Any

import pytest

from bot.workspace import Message
from scheduler.expiry import attend_due
from storage.tables import KeyKind
from tests.acceptance.test_clicks import told
from tests.acceptance.test_clocks import line, words
from tests.acceptance.test_menu import said
from tests.acceptance.test_slack_bug_classes import rest
from tests.integration.calls import API, is_problem
from tests.integration.wound import WoundClock
from tests.policies import tool
from tests.stack import Stack

SLOW = tool(
    "deploy.slow", title="Deploy slowly", more='escalate_after = "4h"\nescalate_to = ["U0ADMIN", "S0ONCALL"]',
    reviewers='["U0ALICE"]',
)  # fmt: skip


@pytest.fixture
def stack_options(wound: WoundClock) -> dict[str, Any]:
    return {"clock": wound, "extra": SLOW}


async def expired(stack: Stack, wound: WoundClock, **more: Any) -> tuple[str, Message]:
    _, proposed = await stack.propose(**more)
    card = await stack.card("checkout")
    wound.forward(hours=48)
    await attend_due(stack.database)
    return proposed["proposal_id"], await stack.shown("C0APPROVALS", card.ts, "card.again")


async def state(stack: Stack, proposal_id: str) -> Any:
    return (await stack.call("GET", f"{API}/proposals/{proposal_id}"))[1]


# -- asking again


async def test_a_click_asks_again_on_the_same_card_and_the_call_runs_when_approved(
    stack: Stack, wound: WoundClock
) -> None:
    proposal_id, card = await expired(stack, wound)
    old = card.snapshot()
    await stack.slack.click("U0CAROL", card, "Ask again")
    await stack.shown("C0APPROVALS", card.ts, "Waiting for approval")
    assert "<@U0BOB>" in words(await line(stack, card, "had this asked again"))
    await stack.slack.click("U0BOB", old, "Ask again")
    await told(stack, "U0BOB", "People are being asked about this")
    await stack.slack.click("U0BOB", card.snapshot(), "Approve")
    assert (await stack.settled(proposal_id))["state"] == "succeeded"
    assert stack.service.effects == 1


async def test_who_has_nothing_to_do_with_it_is_told_so(stack: Stack, wound: WoundClock) -> None:
    proposal_id, card = await expired(stack, wound)
    await stack.slack.click("U0MALLORY", card, "Ask again")
    await told(stack, "U0MALLORY", "may have this asked again")
    assert (await state(stack, proposal_id))["state"] == "expired"


async def test_a_click_on_what_the_policy_denies_by_now_says_why(stack: Stack, wound: WoundClock) -> None:
    proposal_id, card = await expired(stack, wound)
    bob = await stack.key(KeyKind.OPERATOR, "U0ADMIN")
    rule = {
        "agent": "deployer",
        "tool": "deploy.production",
        "decision": "deny",
        "pattern": {"any": True},
        "reason": "x",
    }
    assert (await stack.signed(bob, "POST", f"{API}/rules", rule))[0] == 201
    await stack.slack.click("U0BOB", card, "Ask again")
    await told(stack, "U0BOB", "It cannot be asked again: deploy.production is denied by a rule")
    assert (await state(stack, proposal_id))["state"] == "expired"


async def test_the_agent_asks_again_with_its_own_key_and_nobody_else_s(stack: Stack, wound: WoundClock) -> None:
    proposal_id, card = await expired(stack, wound)
    _, other = await stack.key(KeyKind.AGENT, "stranger")
    path = f"{API}/proposals/{proposal_id}/rerequest"
    assert is_problem(await stack.call("POST", path, {}, secret=other), 404, "NOT_FOUND")
    status, again = await stack.call("POST", path)
    assert (status, again["state"], again["approval"]["status"], again["approval"]["version"]) == (
        202, "pending", "pending", 1,
    )  # fmt: skip
    await stack.shown("C0APPROVALS", card.ts, "Waiting for approval")
    assert is_problem(await stack.call("POST", path), 409, "ALREADY_DECIDED")
    assert is_problem(await stack.call("POST", path, {"why": 1}), 422, "INVALID_BODY")
    assert is_problem(await stack.call("POST", f"{API}/proposals/prp_unknown/rerequest"), 404, "NOT_FOUND")


async def test_an_operator_asks_again_and_a_call_opened_meanwhile_is_named(stack: Stack, wound: WoundClock) -> None:
    proposal_id, _ = await expired(stack, wound)
    bob, mallory = await stack.key(KeyKind.OPERATOR, "U0BOB"), await stack.key(KeyKind.OPERATOR, "U0MALLORY")
    path = f"{API}/proposals/{proposal_id}/rerequest"
    assert is_problem(await stack.signed(mallory, "POST", path), 403, "FORBIDDEN")
    _, other = await stack.propose()
    answer = await stack.signed(bob, "POST", path)
    assert is_problem(answer, 409, "ALREADY_OPEN")
    assert answer[1]["details"]["proposal_id"] == other["proposal_id"]
    await stack.call("DELETE", f"{API}/proposals/{other['proposal_id']}")
    assert (await stack.signed(bob, "POST", path))[0] == 202


# -- escalation


async def test_silence_brings_more_reviewers_onto_the_card_and_calls_them(stack: Stack, wound: WoundClock) -> None:
    _, proposed = await stack.propose("deploy.slow")
    card = await stack.card("checkout")
    await stack.slack.click("U0BOB", card, "Approve")
    await told(stack, "U0BOB", "You may not answer")
    wound.forward(hours=4)
    await attend_due(stack.database)
    shown = (await stack.shown("C0APPROVALS", card.ts, "*Escalated*")).snapshot()
    called = await line(stack, card, "Nobody has answered so far")
    assert (set(called.pings), set(called.mentions)) == ({"S0ONCALL"}, {"U0ADMIN"})
    await stack.slack.click("U0BOB", shown, "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"


# -- nobody knows whether it happened


async def unknown(stack: Stack) -> tuple[str, Message]:
    stack.service.script = ["drop"]
    _, proposed = await stack.propose("deploy.once")
    card = await stack.card("checkout")
    await stack.slack.click("U0BOB", card, "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "unknown"
    return proposed["proposal_id"], await stack.shown("C0APPROVALS", card.ts, "card.happened")


@pytest.mark.parametrize(
    ("button", "ended", "shown"),
    [("It happened", "succeeded", "Succeeded"), ("It did not", "failed", "Failed")],
)
async def test_somebody_looks_and_says_what_became_of_it(stack: Stack, button: str, ended: str, shown: str) -> None:
    proposal_id, card = await unknown(stack)
    modal = await stack.modal("U0CAROL", card, button)
    await stack.slack.submit("U0CAROL", modal, {"reason": "I looked at the service"})
    settled = await stack.shown("C0APPROVALS", card.ts, shown)
    assert "card.happened" not in words(settled)
    assert (await state(stack, proposal_id))["state"] == ended
    assert "I looked at the service" in words(await line(stack, card, "<@U0CAROL> looked"))
    assert len(stack.service.calls) == 1


async def test_run_again_runs_once_more_and_an_old_card_starts_nothing(stack: Stack) -> None:
    proposal_id, card = await unknown(stack)
    old = card.snapshot()
    modal = await stack.modal("U0BOB", card, "Run again")
    assert "it then happens twice" in said(modal)
    stack.service.script = ["drop"]
    await stack.slack.submit("U0BOB", modal, {"reason": "the log shows nothing"})
    await stack.slack.workspace.until(lambda: len(stack.service.calls) == 2)
    assert (await stack.settled(proposal_id))["state"] == "unknown"
    await rest(stack)
    fresh = stack.slack.workspace.find("C0APPROVALS", card.ts)
    assert fresh is not None
    await stack.slack.click("U0CAROL", old, "Run again")
    await told(stack, "U0CAROL", "It was run again since you saw it")
    assert (await state(stack, proposal_id))["state"] == "unknown"
    modal = await stack.modal("U0CAROL", fresh, "It did not")
    await stack.slack.submit("U0CAROL", modal, {"reason": "nothing there"})
    await stack.shown("C0APPROVALS", card.ts, "Failed")
    assert len(stack.service.calls) == 2


async def test_of_two_who_say_different_things_the_second_is_told(stack: Stack) -> None:
    _, card = await unknown(stack)
    first = await stack.modal("U0BOB", card, "It happened")
    second = await stack.modal("U0CAROL", card, "It did not")
    await stack.slack.submit("U0BOB", first, {"reason": "seen"})
    late = await stack.slack.submit("U0CAROL", second, {"reason": "not seen"})
    assert "only one whose outcome is unknown" in json.dumps(late.body)


async def test_a_stranger_answers_for_no_call(stack: Stack) -> None:
    proposal_id, card = await unknown(stack)
    for button in ("It happened", "It did not", "Run again"):
        assert (await stack.slack.click("U0MALLORY", card, button)).view is None
    await told(stack, "U0MALLORY", "may say what became of this call")
    assert (await state(stack, proposal_id))["state"] == "unknown"


# -- what owners are told


async def dm(stack: Stack, person: str, containing: str) -> Message:
    """Wait for a direct message that holds a text."""
    workspace = stack.slack.workspace
    return await workspace.until(lambda: next((m for m in workspace.dm(person) if containing in words(m)), None))


async def test_a_call_that_ran_unasked_is_told_with_all_there_is_to_know(stack: Stack) -> None:
    await stack.propose("note.l2", arguments={"service": "checkout", "token": "tok-secret"}, wait=30)
    told_so = await dm(stack, "U0ALICE", "Done:")
    for part in ("Deployer", "note.l2", "checkout", "act_and_notify (L2)"):
        assert part in words(told_so)
    assert "tok-secret" not in words(told_so)
    details = await stack.modal("U0ALICE", told_so, "Details")
    assert "*Tool*\\n`note.l2`" in said(details)
    assert "tok-secret" not in said(details)
    assert (await stack.slack.click("U0MALLORY", told_so, "Details")).view is None
    await told(stack, "U0MALLORY", "Details open for the reviewers")


@pytest.mark.parametrize(("verdict", "line_of_it"), [("Approve", "Done:"), ("Reject", "Rejected:")])
async def test_creator_and_requester_are_both_told_the_result(stack: Stack, verdict: str, line_of_it: str) -> None:
    await stack.propose(on_behalf_of="U0CAROL")
    card = await stack.card("checkout")
    if verdict == "Approve":
        await stack.slack.click("U0BOB", card, "Approve")
    else:
        modal = await stack.modal("U0BOB", card, "Reject")
        await stack.slack.submit("U0BOB", modal, {"reason": "not now"})
    for person in ("U0ALICE", "U0CAROL"):
        message = await dm(stack, person, line_of_it)
        assert "<@U0BOB>" in words(message)
        assert verdict == "Approve" or "not now" in words(message)
