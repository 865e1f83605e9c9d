"""A hostile agent, and a hostile reviewer, at every address there is: others' ids, other spellings, other framings."""

import ast
import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from storage.tables import ApprovalRequest, Execution, KeyKind, Review
from tests.conftest import Clock
from tests.integration.calls import API, Key, is_problem, raw, signed_headers, waiting_for
from tests.integration.verbs import count, rows
from tests.stack import Stack

ROOT = Path(__file__).parents[2]
LIFTED = "\n[limits]\nrate_per_second = 10000\nrate_burst = 100000\n"


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def stack_options(clock: Clock) -> dict[str, Any]:
    return {"clock": clock, "extra": LIFTED}


def addresses(stack: Stack) -> list[tuple[str, str]]:
    """Every method and path of the API that is not public."""
    return [
        (one.method.replace("*", "POST"), one.path)
        for one in stack.server.switchboard.main.routes
        if "openapi" not in one.path
    ]


async def ask(stack: Stack, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, Any]:
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())])
    return await raw(stack, head.encode("latin-1"), body)


async def signed(stack: Stack, key: Key, method: str, target: str, body: bytes = b"") -> tuple[int, Any]:
    headers = signed_headers(key, method, target, body, at=stack.database.clock().timestamp())
    return await ask(stack, method, target, headers, body)


async def test_every_address_there_is_asks_who_calls(stack: Stack, bob: Key) -> None:
    """closes approval-api 2"""
    forged = (bob[0], "not the secret")
    for method, path in addresses(stack):
        target = re.sub(r"\{\w+\}", "x", path)
        for answer in (
            await ask(stack, method, target, {}, b"{not json"),
            await ask(stack, method, target, {"Authorization": "Bearer csa_unknown", "X-Agent-Id": "deployer"}, b"{"),
            await signed(stack, forged, method, target, b"{not json"),
        ):
            assert answer[0] == 401, (method, path)
            if path.startswith(API):  # other protocols say it in their own words
                assert is_problem(answer, 401, "UNAUTHENTICATED"), (method, path)


def test_one_function_answers_requests_whatever_door_the_answer_came_in_by() -> None:
    """closes approval-api 2"""
    callers = {
        f"{path.relative_to(ROOT)}" for room in ("bot", "scheduler") for path in (ROOT / room).rglob("*.py")
        if any(_calls_review(node) for node in ast.walk(ast.parse(path.read_text())))
    }  # fmt: skip
    assert callers == {"bot/office/deciding.py"}


def _calls_review(node: ast.AST) -> bool:
    """Whether something calls, or imports by name, the verb that records an answer."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "operations.review" and any(one.name == "review" for one in node.names)
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ("operation.review", "review.review")


async def test_rejecting_and_putting_off_take_the_same_right_as_approving(stack: Stack, clock: Clock) -> None:
    """closes approval-api 5"""
    request, until = await waiting_for(stack), clock.now.replace(hour=20).isoformat()
    words = (
        {"decision": "approve"},
        {"decision": "reject"},
        {"decision": "deny"},
        {"decision": "defer", "until": until},
    )
    for person in ("U0ALICE", "U0ADMIN", "U0MALLORY"):
        key = await stack.key(KeyKind.OPERATOR, person)
        for said in words:
            answer = await stack.signed(key, "POST", f"{API}/approvals/{request}", {"reason": "no", **said})
            assert is_problem(answer, 403, "NOT_A_REVIEWER"), (person, said)
    own, carol = await waiting_for(stack, on_behalf_of="U0CAROL"), await stack.key(KeyKind.OPERATOR, "U0CAROL")
    for said in words:
        answer = await stack.signed(carol, "POST", f"{API}/approvals/{own}", {"reason": "no", **said})
        assert is_problem(answer, 403, "SELF_REVIEW"), said
    assert await count(stack.database, Review) == 0


async def test_two_keys_of_one_person_and_a_click_are_one_person(stack: Stack, bob: Key) -> None:
    """closes approval-api 5"""
    request, again = await waiting_for(stack, "deploy.two"), await stack.key(KeyKind.OPERATOR, "U0BOB")
    card = await stack.card("checkout")
    for key in (bob, again):
        answer = await stack.signed(key, "POST", f"{API}/approvals/{request}", {"decision": "approve"})
        assert (answer[0], answer[1]["status"], answer[1]["approvals"]) == (200, "pending", 1)
    await stack.slack.click("U0BOB", card, "Approve")
    assert await count(stack.database, Execution) == 0


async def test_who_may_decide_is_settled_when_people_are_asked(stack: Stack, bob: Key) -> None:
    """closes approval-api 6"""
    request = await waiting_for(stack)
    text = stack.config.read_text()
    stack.config.write_text(text.replace('reviewers = ["U0BOB", "U0CAROL"]', 'reviewers = ["U0MALLORY"]'))
    await stack.server.reload_policy()
    mallory = await stack.key(KeyKind.OPERATOR, "U0MALLORY")
    decision = {"decision": "approve"}
    answer = await stack.signed(mallory, "POST", f"{API}/approvals/{request}", decision)
    assert is_problem(answer, 403, "NOT_A_REVIEWER")
    assert (await stack.signed(bob, "POST", f"{API}/approvals/{request}", decision))[0] == 200


async def test_what_belongs_to_another_agent_is_as_good_as_unknown_at_every_address(stack: Stack) -> None:
    _, proposed = await stack.propose()
    mine = {"proposals": proposed["proposal_id"], "approvals": proposed["approval"]["id"]}
    stranger = {"Authorization": f"Bearer {(await stack.key(KeyKind.AGENT, 'stranger'))[1]}"}
    tried = 0
    for method, path in addresses(stack):
        room = path.removeprefix(f"{API}/").partition("/")[0]
        if room not in mine or "{id}" not in path:
            continue
        body = b'{"status":"succeeded"}' if path.endswith("/outcome") else b""
        answers = [
            await ask(stack, method, path.replace("{id}", id), stranger, body)
            for id in (mine[room], mine[room][:-4] + "0000")
        ]
        assert answers[0] == answers[1], (method, path)
        assert answers[0][0] in (401, 404), (method, path)
        tried += 1
    assert tried >= 8
    for path in ("/approvals", "/rules"):
        assert (await ask(stack, "GET", API + path, stranger))[1]["items"] == []
    assert (await stack.call("GET", f"{API}/proposals/{mine['proposals']}"))[1]["state"] == "pending"


async def test_no_way_of_framing_or_spelling_a_call_makes_it_another(stack: Stack, bob: Key) -> None:
    """What was signed is the target as it was sent; what a proxy might read otherwise is refused, or is that call."""
    request, other = await waiting_for(stack), await waiting_for(stack, arguments={"service": "billing"})
    target, body = f"{API}/approvals/{request}", b'{"decision":"approve"}'

    def headers(of: str = target, sent: bytes = body) -> bytes:
        said = signed_headers(bob, "POST", of, sent, at=stack.database.clock().timestamp())
        return "".join(f"{name}: {value}\r\n" for name, value in said.items()).encode()

    def line(of: str = target, version: str = "1.1") -> bytes:
        return f"POST {of} HTTP/{version}\r\n".encode()

    chunked = b"Transfer-Encoding: chunked\r\n"
    tricks: dict[str, bytes] = {
        **{
            f"spelt {spelt}": line(spelt) + headers()
            for spelt in (
                f"http://evil.example{target}", f"{API}/approvals/{other}/../{request}", f"/{target}", f"{target}/",
                f"{target}#x", f"{target};x=1", target.replace("approvals", "%61pprovals"), f"{target}%20",
                target.replace("/v1/", "/v1/./"), target.replace("/v1/", "//v1/"), f"{API}/approvals/{other}",
            )
        },
        "two lengths": line() + headers() + b"Content-Length: 5\r\n",
        "a length and chunks": line() + headers() + chunked,
        "chunks of chunks": line() + headers() + b"Transfer-Encoding: chunked, chunked\r\n",
        "chunks, misspelt": line() + headers() + b"Transfer-Encoding: xchunked\r\n",
        "a folded header": line() + headers().replace(b"X-Countersign-Nonce: ", b"X-Countersign-Nonce:\r\n "),
        "a space before the colon": line() + headers().replace(b"Key: ", b"Key : "),
        "a method for a method": line() + headers() + b"X-HTTP-Method-Override: DELETE\r\n",
        "a body said to be packed": line() + headers() + b"Content-Encoding: gzip\r\n",
    }  # fmt: skip
    statuses = {name: (await raw(stack, head, body))[0] for name, head in tricks.items()}
    decided = {one.id for one in await rows(stack.database, ApprovalRequest, status="approved")}
    assert {name for name, status in statuses.items() if status == 200} <= HARMLESS
    assert other not in decided
    assert all(status < 500 for status in statuses.values())
    assert await count(stack.database, Execution) == len(decided)


#: These say what the signer said: the override is no header of ours, and a body is signed and read as it was sent.
HARMLESS = {"a method for a method", "a body said to be packed"}


async def test_who_has_no_key_cannot_make_us_read_what_they_send(stack: Stack) -> None:
    """A body is read to check its signature; without a key that could have signed it, nothing is read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.server.port)
    writer.write(
        f"POST {API}/approvals/apr_x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
        "X-Countersign-Key: key_unknown\r\n\r\n".encode()
    )
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 30)
    assert answer.startswith(b"HTTP/1.1 401")
    writer.close()
    await writer.wait_closed()
