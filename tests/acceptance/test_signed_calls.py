"""Operators' signed calls: whatever is wrong with one, the answer is the same 401 and nothing is decided."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from storage.tables import KeyKind
from tests.conftest import Clock
from tests.stack import Stack, start_stack, stop_stack


@pytest.fixture
async def still(url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Stack]:
    """A stack whose clock stands still."""
    running = await start_stack(url, tmp_path, clock)
    yield running
    await stop_stack(running)


async def ask(stack: Stack) -> str:
    _, proposed = await stack.propose()
    path: str = f"/api/v1/approvals/{proposed['approval']['id']}"
    return path


async def status_of(stack: Stack, path: str, key: tuple[str, str]) -> Any:
    return (await stack.signed(key, "GET", path))[1]["status"]


@pytest.mark.parametrize(("age", "expected"), [(-300, 200), (-301, 401), (60, 200), (61, 401)])
async def test_the_window_is_from_300_s_ago_to_60_s_ahead(still: Stack, age: int, expected: int) -> None:
    key = await still.key(KeyKind.OPERATOR, "U0BOB")
    status, _ = await still.signed(key, "POST", await ask(still), {"decision": "approve"}, shift=age)
    assert status == expected


@pytest.mark.parametrize(
    "forged",
    [
        {"method": "GET"},
        {"path": "/api/v1/approvals/apr_other"},
        {"body": b'{"decision": "reject"}'},
        {"secret": "cso_guess"},
    ],
)
async def test_a_signature_holds_for_one_method_path_body_and_secret(stack: Stack, forged: dict[str, Any]) -> None:
    key = await stack.key(KeyKind.OPERATOR, "U0BOB")
    path = await ask(stack)
    status, told = await stack.signed(key, "POST", path, {"decision": "approve"}, forged=forged)
    assert status == 401
    assert told == (await stack.call("GET", path, secret=""))[1]
    assert await status_of(stack, path, key) == "pending"


async def test_a_captured_call_works_once_even_in_parallel(stack: Stack) -> None:
    key = await stack.key(KeyKind.OPERATOR, "U0BOB")
    path, nonce = await ask(stack), "n" * 24
    calls = [stack.signed(key, "POST", path, {"decision": "approve"}, nonce=nonce) for _ in range(8)]
    assert sorted(status for status, _ in await asyncio.gather(*calls)) == [200, *[401] * 7]


async def test_the_query_is_signed_too(stack: Stack) -> None:
    key = await stack.key(KeyKind.OPERATOR, "U0BOB")
    assert (await stack.signed(key, "GET", "/api/v1/approvals?limit=1"))[0] == 200
    status, _ = await stack.signed(
        key, "GET", "/api/v1/approvals?limit=2", forged={"path": "/api/v1/approvals?limit=1"}
    )
    assert status == 401


async def test_keys_of_one_kind_are_nothing_as_the_other(stack: Stack) -> None:
    operator = await stack.key(KeyKind.OPERATOR, "U0BOB")
    assert (await stack.call("GET", "/api/v1/whoami", secret=operator[1]))[0] == 401
    agent = await stack.key(KeyKind.AGENT, "deployer")
    assert (await stack.signed(agent, "GET", "/api/v1/whoami"))[0] == 401


@pytest.mark.parametrize(
    ("person", "code"), [("U0GUEST", "NOT_A_MEMBER"), ("U0NOBODY", "NOT_A_MEMBER"), ("U0ALICE", "NOT_A_REVIEWER")]
)
async def test_a_key_gives_its_person_no_right_the_person_lacks(stack: Stack, person: str, code: str) -> None:
    key = await stack.key(KeyKind.OPERATOR, person)
    status, told = await stack.signed(key, "POST", await ask(stack), {"decision": "approve"})
    assert (status, told["code"]) == (403, code)


async def test_the_loser_over_the_api_reads_who_won(stack: Stack) -> None:
    path = await ask(stack)
    bob, carol = [await stack.key(KeyKind.OPERATOR, person) for person in ("U0BOB", "U0CAROL")]
    assert (await stack.signed(bob, "POST", path, {"decision": "deny", "reason": "no"}))[0] == 200
    assert (await stack.signed(bob, "POST", path, {"decision": "reject", "reason": "no"}))[0] == 200
    status, told = await stack.signed(carol, "POST", path, {"decision": "approve"})
    assert (status, told["code"]) == (409, "ALREADY_DECIDED")
    assert told["details"]["winner"] | {"at": ""} == {"by": "U0BOB", "verdict": "rejected", "at": "", "reason": "no"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"decision": "yes"}, "/decision"),
        ({"decision": "reject"}, "reason"),
        ({"decision": "defer", "reason": "later"}, "until"),
        ({"decision": "approve", "extra": 1}, "/extra"),
        ({"decision": "approve", "remember": "always"}, "/remember"),
    ],
)
async def test_an_answer_that_cannot_be_taken_names_its_field(stack: Stack, body: Any, field: str) -> None:
    key = await stack.key(KeyKind.OPERATOR, "U0BOB")
    status, told = await stack.signed(key, "POST", path := await ask(stack), body)
    assert status == 422
    assert field in told["error"]
    assert await status_of(stack, path, key) == "pending"


async def test_slack_out_of_reach_stops_everybody_but_offline_deciders(stack: Stack) -> None:
    path = await ask(stack)
    key = await stack.key(KeyKind.OPERATOR, "U0BOB")
    stack.slack.workspace.faults.add("users.info", "drop", times=10)
    status, told = await stack.signed(key, "POST", path, {"decision": "approve"})
    assert (status, told["code"]) == (503, "SLACK_UNREACHABLE")
    text = stack.config.read_text().replace("[defaults]", 'offline_deciders = ["U0BOB"]\n[defaults]')
    stack.config.write_text(text)
    await stack.server.reload_policy()
    assert (await stack.signed(key, "POST", path, {"decision": "approve"}))[0] == 200
