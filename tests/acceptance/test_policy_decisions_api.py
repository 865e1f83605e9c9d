"""What the policy said to each call, over the API: by run, page by page, to those it concerns."""

from typing import Any

import pytest

from storage.tables import KeyKind
from tests.integration.calls import API, Key, is_problem
from tests.stack import Stack

DECISIONS = f"{API}/governance/policy-decisions"


@pytest.fixture
async def admin(stack: Stack) -> Key:
    return await stack.key(KeyKind.OPERATOR, "U0ADMIN")


async def proposed(stack: Stack, service: str, **more: Any) -> str:
    _, told = await stack.propose(arguments={"service": service}, **more)
    id: str = told["proposal_id"]
    return id


async def test_the_calls_of_a_run_stand_with_what_the_policy_said(stack: Stack, admin: Key) -> None:
    asked = await proposed(stack, "checkout", run_id="run-7")
    await proposed(stack, "search", run_id="run-8")
    await stack.signed(admin, "POST", f"{API}/agents/deployer/pause", {"reason": "it loops"})
    denied = await stack.call(
        "POST", f"{API}/proposals",
        {"tool": "deploy.production", "arguments": {"service": "carts"}, "run_id": "run-7"},
    )  # fmt: skip
    status, body = await stack.call("GET", f"{DECISIONS}?run_id=run-7")
    assert (status, body["count"], body["next_cursor"]) == (200, 2, None)
    first, second = body["policy_decisions"]
    assert (first["decision"], first["code"], first["state"]) == ("denied", "AGENT_PAUSED", "denied")
    assert first["proposal_id"] == denied[1]["details"]["proposal_id"]
    assert (second["proposal_id"], second["decision"], second["tier"]) == (asked, "asked", "act_with_approval")
    assert (second["run_id"], second["agent"], second["state"]) == ("run-7", "deployer", "pending")


async def test_they_come_in_pages_and_stay_what_they_were(stack: Stack, admin: Key) -> None:
    made = [await proposed(stack, f"service-{number}") for number in range(5)]
    await stack.call("DELETE", f"{API}/proposals/{made[0]}", {})
    found, cursor = [], ""
    while True:
        _, body = await stack.signed(admin, "GET", f"{DECISIONS}?limit=2{cursor}")
        found += [(one["proposal_id"], one["decision"], one["state"]) for one in body["policy_decisions"]]
        if body["next_cursor"] is None:
            break
        cursor = f"&cursor={body['next_cursor']}"
    states = ["pending"] * 4 + ["withdrawn"]
    assert found == [(id, "asked", state) for id, state in zip(made[::-1], states, strict=True)]


async def test_everybody_sees_what_concerns_them(stack: Stack, admin: Key) -> None:
    await proposed(stack, "checkout")
    stranger = (await stack.key(KeyKind.AGENT, "stranger"))[1]
    alice, carol = await stack.key(KeyKind.OPERATOR, "U0ALICE"), await stack.key(KeyKind.OPERATOR, "U0CAROL")
    counts = [(await stack.signed(one, "GET", DECISIONS))[1]["count"] for one in (admin, alice, carol)]
    assert counts == [1, 1, 0]
    assert (await stack.call("GET", DECISIONS, secret=stranger))[1]["count"] == 0
    for query in ("limit=0", "cursor=x", "run_id=a%20b"):
        assert is_problem(await stack.call("GET", f"{DECISIONS}?{query}"), 422, "INVALID_QUERY")
