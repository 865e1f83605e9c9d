"""What became of a call, told over HTTP: by the agent that ran it itself, and by a person where nobody knew."""

import asyncio
from typing import Any

import pytest

from bot.workspace import Message
from storage.tables import KeyKind
from tests.acceptance.test_execution_outcomes import approved, told, words
from tests.integration.calls import API, Key, is_problem
from tests.integration.connecting import behind
from tests.stack import Stack

UNASKED = {"action_class": "note.write", "scopes": "[]", "risk": "low_write"}
OWN = behind('{ kind = "agent", timeout = "15m" }')
OWN_UNASKED = behind('{ kind = "agent" }', "note.own", **UNASKED)
PYTHON = behind('{ kind = "python", entry = "nowhere", attempts = 1 }', "note.python", **UNASKED)
MCP = behind('{ kind = "mcp", tool = "it", command = ["/nowhere"], attempts = 1 }', "note.mcp", **UNASKED)
DONE = {"status": "succeeded", "result": {"version": "v2", "n": 1.5}}
SECRET = {"status": "failed", "error": "denied for s3cret-value", "result": ["s3cret-value"]}


@pytest.fixture
def stack_options() -> dict[str, Any]:
    return {"extra": OWN + OWN_UNASKED + PYTHON + MCP}


async def message(stack: Stack, containing: str) -> Message:
    """Wait for a message in the approvals channel, with buttons or without."""
    workspace = stack.slack.workspace
    return await workspace.until(
        lambda: next((m for m in workspace.messages_in("C0APPROVALS") if containing in words(m)), None)
    )


async def report(stack: Stack, proposed: Any, body: Any, **more: Any) -> tuple[int, Any]:
    return await stack.call("POST", f"{API}/proposals/{proposed['proposal_id']}/outcome", body, **more)


async def own(stack: Stack, **arguments: str) -> dict[str, Any]:
    """A call of the agent's own that Bob has approved."""
    proposed, _ = await approved(stack, "deploy.it", **arguments)
    return proposed


async def test_an_agent_waits_until_it_may_runs_the_call_and_reports_it(stack: Stack) -> None:
    proposed = await own(stack)
    allowed = await stack.settled(proposed["proposal_id"])
    assert (allowed["state"], allowed["execution"]["status"]) == ("allowed", "running")
    for _ in range(2):
        status, body = await report(stack, proposed, DONE)
        assert (status, body["state"], body["execution"]["result"]) == (200, "succeeded", DONE["result"])
    assert is_problem(await report(stack, proposed, {"status": "unknown"}), 409, "ALREADY_REPORTED")
    await message(stack, "*Succeeded*")
    await told(stack, "U0ALICE", "Done")
    _, events = await stack.call("GET", f"{API}/proposals/{proposed['proposal_id']}/events")
    kinds = [one["event"] for one in events["items"]]
    assert kinds[-2:] == ["execution.started", "execution.finished"]


async def test_a_call_of_its_own_that_needs_nobody_is_the_agents_to_run_at_once(stack: Stack) -> None:
    status, proposed = await stack.propose("note.own", wait=30)
    assert (status, proposed["state"], proposed["execution"]["status"]) == (201, "allowed", "running")
    assert (await report(stack, proposed, DONE))[1]["state"] == "succeeded"


@pytest.mark.parametrize(("tool", "why"), [("note.python", "no installed package has"), ("note.mcp", "No such file")])
async def test_the_server_runs_every_kind_of_tool(stack: Stack, tool: str, why: str) -> None:
    _, ended = await stack.propose(tool, wait=60)
    assert (ended["state"], ended["execution"]["attempt"]) == ("failed", 1)
    assert why in ended["execution"]["error"]


async def test_a_report_of_a_failure_is_told_with_its_words_and_secrets_masked(stack: Stack) -> None:
    proposed = await own(stack, token="s3cret-value")
    for _ in range(2):
        status, body = await report(stack, proposed, SECRET)
        assert (status, body["execution"]["error"]) == (200, "denied for ••••••••")
        assert body["execution"]["result"] == ["••••••••"]
    card = await message(stack, "*Failed*")
    assert "s3cret-value" not in words(card)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "/status"),
        ({"status": "invalidated"}, "/status"),
        ({"status": "succeeded", "by": "me"}, "/by"),
        ({"status": "failed", "error": 7}, "/error"),
        ({"status": "failed", "error": "x" * 2001}, "/error"),
        ({"status": "succeeded", "result": "x" * 65_535}, "result"),
    ],
)
async def test_what_is_no_report_is_refused_and_names_the_field(stack: Stack, body: Any, field: str) -> None:
    proposed = await own(stack)
    status, told = await report(stack, proposed, body)
    assert status == 422
    assert told["error"].startswith(field)
    assert (await report(stack, proposed, {"status": "succeeded", "result": "x" * 65_534}))[0] == 200


async def test_only_the_agent_that_proposed_a_call_of_its_own_may_report_it_once_allowed(stack: Stack) -> None:
    _, stranger = await stack.key(KeyKind.AGENT, "stranger")
    _, waiting = await stack.propose("deploy.it")
    assert is_problem(await report(stack, waiting, DONE, secret=stranger), 404, "NOT_FOUND")
    assert is_problem(await report(stack, {"proposal_id": "prp_nothing"}, DONE), 404, "NOT_FOUND")
    assert is_problem(await report(stack, waiting, DONE), 409, "NOT_ALLOWED")
    assert is_problem(await report(stack, waiting, DONE, secret="wrong"), 401, "UNAUTHENTICATED")
    _, ours = await stack.propose("note.auto")
    assert is_problem(await report(stack, ours, DONE), 409, "NOT_YOURS_TO_RUN")


async def test_of_two_different_reports_at_the_same_instant_one_counts(stack: Stack) -> None:
    proposed = await own(stack)
    answers = await asyncio.gather(report(stack, proposed, DONE), report(stack, proposed, {"status": "unknown"}))
    assert sorted(status for status, _ in answers) == [200, 409]


async def unknown(stack: Stack, tool: str = "deploy.once") -> dict[str, Any]:
    """A call that got no answer."""
    stack.service.script = ["drop"] * (1 if tool == "deploy.once" else 3)
    if tool == "deploy.once":
        proposed, _ = await approved(stack, tool)
    else:
        _, proposed = await stack.propose(tool)
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "unknown"
    return proposed


async def reconcile(stack: Stack, key: Key, proposed: Any, outcome: str, **more: Any) -> tuple[int, Any]:
    body = {"outcome": outcome, "reason": "looked at the log", **more}
    return await stack.signed(key, "POST", f"{API}/proposals/{proposed['proposal_id']}/reconcile", body)


@pytest.mark.parametrize(
    ("outcome", "state", "shown"), [("happened", "succeeded", "Succeeded"), ("did_not", "failed", "Failed")]
)
async def test_a_reviewer_says_what_happened_and_the_card_shows_it(
    stack: Stack, outcome: str, state: str, shown: str
) -> None:
    proposed, bob = await unknown(stack), await stack.key(KeyKind.OPERATOR, "U0BOB")
    status, body = await reconcile(stack, bob, proposed, outcome)
    assert (status, body["state"], body["execution"]["status"]) == (200, state, state)
    assert "looked at the log" in body["execution"]["error"]
    await message(stack, f"*{shown}*")
    assert is_problem(await reconcile(stack, bob, proposed, outcome), 409, "NOT_UNKNOWN")
    assert len(stack.service.calls) == 1


async def test_running_it_again_calls_once_more_under_the_same_key(stack: Stack) -> None:
    proposed, bob = await unknown(stack), await stack.key(KeyKind.OPERATOR, "U0BOB")
    status, body = await reconcile(stack, bob, proposed, "run_again")
    assert (status, body["state"]) == (200, "allowed")
    ended = await stack.settled(proposed["proposal_id"])
    assert (ended["state"], ended["execution"]["attempt"]) == ("succeeded", 2)
    assert (stack.service.effects, len(stack.service.calls)) == (1, 2)


async def test_a_call_that_ran_unasked_gets_a_card_when_nobody_knows_what_became_of_it(stack: Stack) -> None:
    proposed = await unknown(stack, "note.auto")
    card = await message(stack, "Ran without asking")
    assert "Outcome unknown" in words(card)
    alice, bob = await stack.key(KeyKind.OPERATOR, "U0ALICE"), await stack.key(KeyKind.OPERATOR, "U0BOB")
    assert is_problem(await reconcile(stack, bob, proposed, "happened"), 403, "MAY_NOT_RECONCILE")
    assert (await reconcile(stack, alice, proposed, "happened"))[0] == 200
    await stack.shown("C0APPROVALS", card.ts, "Succeeded")


async def test_who_may_not_and_what_is_no_answer_is_refused(stack: Stack) -> None:
    proposed, bob = await unknown(stack), await stack.key(KeyKind.OPERATOR, "U0BOB")
    guest = await stack.key(KeyKind.OPERATOR, "U0GUEST")
    assert is_problem(await reconcile(stack, guest, proposed, "happened"), 403, "NOT_A_MEMBER")
    assert (await reconcile(stack, bob, proposed, "maybe"))[0] == 422
    assert (await reconcile(stack, bob, proposed, "happened", reason=" "))[0] == 422
    assert is_problem(await reconcile(stack, bob, {"proposal_id": "prp_nothing"}, "happened"), 404, "NOT_FOUND")
    path = f"{API}/proposals/{proposed['proposal_id']}/reconcile"
    assert is_problem(await stack.call("POST", path, {"outcome": "happened"}), 401, "UNAUTHENTICATED")
