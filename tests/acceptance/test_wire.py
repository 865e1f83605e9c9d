"""The HTTP wire from outside: every wrong call gets the right 4xx, one sentence, and leaves nothing behind."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from storage.tables import KeyKind
from tests.stack import Stack, start_stack, stop_stack

PROPOSALS = "/api/v1/proposals"


async def count(stack: Stack, table: str) -> int:
    async with stack.database.read("default") as tx:
        found: int = await tx.session.scalar(text(f"SELECT count(*) FROM {table}"))
        return found


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b'{"tool"', 400, "MALFORMED_JSON"),
        (b"\xff", 400, "MALFORMED_JSON"),
        (b"", 422, "INVALID_BODY"),
        (b"[]", 422, "UNPROCESSABLE"),
        (b'{"tool": "note.auto", "arguments": {}, "extra": 1}', 422, "INVALID_BODY"),
        (b'{"tool": "note.auto", "tool": "x", "arguments": {}}', 422, "NOT_STRICT_JSON"),
        (b'{"tool": "note.auto", "arguments": {"service": NaN}}', 422, "NOT_STRICT_JSON"),
        (b'{"tool": "note.auto", "arguments": {"service": 9007199254740993}}', 422, "NOT_STRICT_JSON"),
        (b'{"tool": "note.auto", "arguments": ' + b'{"a":' * 40 + b"1" + b"}" * 41, 422, "NOT_STRICT_JSON"),
        (b'{"tool": "note.auto", "arguments": {}, "idempotency_key": "a b"}', 422, "INVALID_BODY"),
        (b"x" * (2 * 1024 * 1024), 413, "BODY_TOO_LARGE"),
    ],
)
async def test_a_wrong_body_is_refused_whole(stack: Stack, raw: bytes, status: int, code: str) -> None:
    got, told = await stack.call("POST", PROPOSALS, raw=raw)
    assert (got, told["code"]) == (status, code)
    assert told["error"].endswith(".")
    assert await count(stack, "proposals") == 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("PUT", PROPOSALS, 405),
        ("GET", f"{PROPOSALS}/prp_unknown", 404),
        ("DELETE", f"{PROPOSALS}/prp_unknown", 404),
        ("GET", "/api/v1/approvals/apr_unknown", 404),
        ("GET", "/api/v1/approvals?status=maybe", 422),
        ("GET", "/api/v1/approvals?request_type=maybe", 422),
        ("GET", "/api/v1/approvals?limit=0", 422),
        ("GET", "/api/v1/approvals?cursor=nonsense", 422),
        ("GET", f"{PROPOSALS}/prp_unknown?wait=1", 404),
    ],
)
async def test_a_wrong_address_or_query_is_a_sentence(stack: Stack, method: str, path: str, status: int) -> None:
    got, told = await stack.call(method, path)
    assert got == status
    assert set(told) == {"code", "error", "details"}


@pytest.mark.parametrize("secret", ["csa_guess", "Ünicode", "x" * 5000])
async def test_an_unknown_key_is_401(stack: Stack, secret: str) -> None:
    status, told = await stack.call("GET", "/api/v1/whoami", secret=secret)
    assert (status, told["code"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("wait", ["-1", "61", "nan", "soon"])
async def test_a_wait_out_of_range_is_refused(stack: Stack, wait: str) -> None:
    status, told = await stack.call("POST", f"{PROPOSALS}?wait={wait}", {"tool": "note.auto", "arguments": {}})
    assert (status, told["code"]) == (422, "INVALID_QUERY")


async def test_each_gate_has_its_status(stack: Stack) -> None:
    answers = {}
    for tool, arguments in (("no.such", {}), ("deploy.production", {}), ("drop.database", {"service": "x"})):
        status, told = await stack.call("POST", PROPOSALS, {"tool": tool, "arguments": arguments})
        answers[tool] = (status, told["code"], told["details"].get("state"))
    assert answers == {
        "no.such": (404, "UNSUPPORTED", None),
        "deploy.production": (422, "NEEDS_INPUT", "denied"),
        "drop.database": (403, "ALWAYS_BLOCK", "denied"),
    }
    assert await count(stack, "proposals") == 2


async def test_another_agent_s_proposal_does_not_exist_for_you(stack: Stack) -> None:
    _, proposed = await stack.propose()
    _, other = await stack.key(KeyKind.AGENT, "stranger")
    for method, path in (
        ("GET", f"{PROPOSALS}/{proposed['proposal_id']}"),
        ("GET", f"{PROPOSALS}/{proposed['proposal_id']}/events"),
        ("DELETE", f"{PROPOSALS}/{proposed['proposal_id']}"),
        ("GET", f"/api/v1/approvals/{proposed['approval']['id']}"),
    ):
        assert (await stack.call(method, path, secret=other))[0] == 404
    assert (await stack.call("GET", "/api/v1/approvals", secret=other))[1]["items"] == []


async def test_pages_are_complete_and_without_doubles(stack: Stack) -> None:
    made = [(await stack.propose(arguments={"service": f"s{n}"}))[1]["approval"]["id"] for n in range(7)]
    seen: list[str] = []
    path = "/api/v1/approvals?limit=3"
    while path:
        _, page = await stack.call("GET", path)
        seen += [item["id"] for item in page["items"]]
        path = f"/api/v1/approvals?limit=3&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert seen == made[::-1]


async def test_a_get_never_decides_and_withdrawing_too_late_is_a_conflict(stack: Stack) -> None:
    _, proposed = await stack.propose("note.auto", wait=10)
    status, told = await stack.call("DELETE", f"{PROPOSALS}/{proposed['proposal_id']}")
    assert (status, told["code"]) == (409, "ALREADY_DECIDED")
    _, events = await stack.call("GET", f"{PROPOSALS}/{proposed['proposal_id']}/events")
    assert [event["event"] for event in events["items"]] == [
        "proposal.allowed", "execution.started", "execution.finished",
    ]  # fmt: skip


@pytest.fixture
async def tight(url: str, tmp_path: Path) -> AsyncIterator[Stack]:
    """A stack with low limits."""
    running = await start_stack(
        url, tmp_path, extra="\n[limits]\nmax_open_requests = 3\nrate_per_second = 0.001\nrate_burst = 8\n"
    )
    yield running
    await stop_stack(running)


async def test_limits_refuse_without_a_row(tight: Stack) -> None:
    answers: list[Any] = [await tight.propose(arguments={"service": f"s{n}"}) for n in range(4)]
    assert [status for status, _ in answers] == [202, 202, 202, 429]
    assert answers[-1][1]["code"] == "TOO_MANY_PENDING"
    flood = await asyncio.gather(*(tight.propose("note.auto", arguments={"service": f"n{n}"}) for n in range(8)))
    refused = [told for status, told in flood if status == 429]
    assert len(refused) == 4
    assert {told["code"] for told in refused} == {"RATE_LIMITED"}
    assert await count(tight, "proposals") == 7


async def test_a_rate_limit_says_when_to_come_back(tight: Stack) -> None:
    for _ in range(8):
        await tight.call("GET", "/api/v1/whoami")
    headers = {"Authorization": f"Bearer {tight.agent_secret}"}
    async with tight.session.get(f"{tight.url}/api/v1/whoami", headers=headers) as answer:
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) == json.loads(await answer.text())["details"]["retry_after"]
