"""Lists and limits: every page once, nothing twice, and no caller takes more than its share."""

from typing import Any

import pytest

from storage.tables import AuditEntry, KeyKind, Proposal
from tests.conftest import Clock
from tests.integration.calls import API, is_problem
from tests.integration.verbs import count
from tests.stack import Stack

pytestmark = pytest.mark.both_databases

FEW_OPEN = "\n[limits]\nmax_open_requests = 3\n"
FEW_CALLS = "\n[limits]\nrate_per_second = 0.01\nrate_burst = 4\n"


@pytest.fixture
def stack_options(clock: Clock, request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"clock": clock, "extra": getattr(request, "param", "")}


async def propose_many(stack: Stack, count: int, tool: str = "deploy.production") -> list[str]:
    """Propose so many different calls; returns the ids of their requests, oldest first."""
    made = [await stack.propose(tool, arguments={"service": f"s{n}"}) for n in range(count)]
    return [body["approval"]["id"] for _, body in made]


async def pages(stack: Stack, query: str) -> list[list[str]]:
    """Follow the cursor to the end."""
    found, cursor = [], ""
    while True:
        status, body = await stack.call("GET", f"{API}/approvals?{query}{cursor}")
        assert status == 200
        found.append([one["id"] for one in body["items"]])
        if body["next_cursor"] is None:
            return found
        cursor = f"&cursor={body['next_cursor']}"


@pytest.mark.parametrize(("limit", "sizes"), [(3, [3, 3, 3, 2]), (11, [11]), (10, [10, 1]), (1, [1] * 11), (200, [11])])
async def test_following_the_cursor_gives_every_request_once_newest_first(
    stack: Stack, limit: int, sizes: list[int]
) -> None:
    """closes l1-l2-l3-enforcement 18"""
    made = await propose_many(stack, 11)  # all in the same instant: the clock stands still
    found = await pages(stack, f"limit={limit}")
    assert [len(page) for page in found] == sizes
    assert [id for page in found for id in page] == made[::-1]


async def test_requests_made_while_somebody_turns_pages_disturb_no_page(stack: Stack, clock: Clock) -> None:
    made = await propose_many(stack, 6)
    _, first = await stack.call("GET", f"{API}/approvals?limit=3")
    clock.forward(seconds=1)
    await propose_many(stack, 3, "deploy.two")
    _, second = await stack.call("GET", f"{API}/approvals?limit=3&cursor={first['next_cursor']}")
    assert [one["id"] for one in first["items"] + second["items"]] == made[::-1]


async def test_filters_choose_by_status_and_type(stack: Stack) -> None:
    first, second, third = await propose_many(stack, 3)
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    await stack.signed(bob, "POST", f"{API}/approvals/{first}", {"decision": "reject", "reason": "no"})
    assert await pages(stack, "status=rejected") == [[first]]
    assert await pages(stack, "status=pending&limit=1") == [[third], [second]]
    assert await pages(stack, "status=pending&request_type=tool_call") == [[third, second]]
    assert await pages(stack, "request_type=quota_override") == [[]]


async def test_operators_see_the_requests_of_every_agent(stack: Stack) -> None:
    await stack.propose()
    _, secret = await stack.key(KeyKind.AGENT, "stranger")
    body = {"tool": "note.auto", "arguments": {"service": "x"}}
    await stack.call("POST", f"{API}/proposals", body, secret=secret)
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    _, listed = await stack.signed(bob, "GET", f"{API}/approvals?limit=10")
    assert sorted(one["agent"] for one in listed["items"]) == ["deployer", "stranger"]


@pytest.mark.parametrize("stack_options", [FEW_OPEN], indirect=True)
async def test_an_agent_with_too_many_open_requests_is_refused_without_a_row(stack: Stack) -> None:
    made = await propose_many(stack, 3)
    refused = await stack.propose(arguments={"service": "one too many"})
    assert is_problem(refused, 429, "TOO_MANY_PENDING")
    assert await count(stack.database, Proposal) == 3
    assert await count(stack.database, AuditEntry, kind="proposal.pending") == 3

    assert (await stack.propose(arguments={"service": "s0"}))[0] == 200  # a repetition opens nothing
    assert (await stack.propose("note.auto"))[0] == 201  # nor does what asks nobody
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    await stack.signed(bob, "POST", f"{API}/approvals/{made[0]}", {"decision": "reject", "reason": "no"})
    assert (await stack.propose(arguments={"service": "one too many"}))[0] == 202


@pytest.mark.parametrize("stack_options", [FEW_OPEN], indirect=True)
async def test_the_open_requests_of_one_agent_do_not_count_against_another(stack: Stack) -> None:
    await propose_many(stack, 3)
    _, secret = await stack.key(KeyKind.AGENT, "stranger")
    body = {"tool": "note.auto", "arguments": {"service": "x"}}
    assert (await stack.call("POST", f"{API}/proposals", body, secret=secret))[0] == 202


async def headers_of(stack: Stack, secret: str) -> tuple[int, dict[str, str], Any]:
    body = {"tool": "deploy.production", "arguments": {"service": "checkout"}}
    bearer = {"Authorization": f"Bearer {secret}"}
    async with stack.session.post(f"{stack.url}{API}/proposals", json=body, headers=bearer) as answer:
        return answer.status, dict(answer.headers), await answer.json()


@pytest.mark.parametrize("stack_options", [FEW_CALLS], indirect=True)
async def test_a_key_that_calls_too_often_is_told_when_to_come_back_and_leaves_no_row(stack: Stack) -> None:
    """closes governed-proposals 23"""
    await propose_many(stack, 4)
    status, headers, body = await headers_of(stack, stack.agent_secret)
    assert is_problem((status, body), 429, "RATE_LIMITED")
    assert int(headers["Retry-After"]) == body["details"]["retry_after"]
    assert 50 < body["details"]["retry_after"] <= 100
    assert await count(stack.database, Proposal) == 4
    assert await count(stack.database, AuditEntry, kind="proposal.pending") == 4


@pytest.mark.parametrize("stack_options", [FEW_CALLS], indirect=True)
async def test_every_key_has_a_rate_of_its_own_and_every_call_counts(stack: Stack) -> None:
    for _ in range(4):
        assert (await stack.call("GET", f"{API}/whoami"))[0] == 200
    assert is_problem(await stack.call("GET", f"{API}/approvals"), 429, "RATE_LIMITED")
    _, other = await stack.key(KeyKind.AGENT, "deployer")
    assert (await headers_of(stack, other))[0] == 202
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    statuses = [(await stack.signed(bob, "GET", f"{API}/whoami"))[0] for _ in range(5)]
    assert statuses == [200] * 4 + [429]
