"""A signed decision counts once and only as it was signed: under load, replayed, and moved elsewhere."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from itertools import product
from typing import Any

import aiohttp
import pytest

from scheduler.upkeep import forget_nonces
from storage.tables import AuditEntry, Execution, KeyKind, Nonce, Review
from tests.acceptance.signing import API, APPROVE, REFUSED, decision, exchange
from tests.conftest import Clock
from tests.integration.calls import Key, send, signed_headers, waiting_for
from tests.integration.verbs import count
from tests.profiles import is_thorough
from tests.stack import Stack

MANY = 2_000
LIFTED = "\n[limits]\nrate_per_second = 10000\nrate_burst = 100000\n"


@pytest.fixture(params=["sqlite", "postgresql"] if is_thorough() else ["sqlite"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture
def stack_options(clock: Clock) -> dict[str, Any]:
    return {"clock": clock, "extra": LIFTED}


@pytest.fixture
async def crowd() -> AsyncIterator[aiohttp.ClientSession]:
    """A session that holds two hundred connections open at once, and the next call back until one is free."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=200)) as session:
        yield session


async def test_two_thousand_identical_decisions_in_flight_decide_once(
    stack: Stack, bob: Key, crowd: aiohttp.ClientSession
) -> None:
    """closes approval-api 1"""
    target, headers = decision(stack, bob, await waiting_for(stack))
    calls = (exchange(stack, "POST", target, headers, APPROVE, crowd) for _ in range(MANY))
    answers = await asyncio.gather(*calls)
    assert Counter(status for status, _, _ in answers) == {200: 1, 401: MANY - 1}
    assert {body for status, _, body in answers if status == 401} == {REFUSED}
    assert await count(stack.database, AuditEntry, kind="approval.decided") == 1
    assert (await count(stack.database, Review), await count(stack.database, Execution)) == (1, 1)


async def test_as_many_decisions_by_one_person_each_signed_anew_decide_once(
    stack: Stack, bob: Key, crowd: aiohttp.ClientSession
) -> None:
    """The same verdict by the same person again is no conflict, so each is answered with the settled request."""
    request, times = await waiting_for(stack), MANY if is_thorough() else 100
    signed = [decision(stack, bob, request) for _ in range(times)]
    answers = await asyncio.gather(
        *(exchange(stack, "POST", target, headers, APPROVE, crowd) for target, headers in signed)
    )
    assert {(status, json.loads(body)["status"]) for status, _, body in answers} == {(200, "approved")}
    assert await count(stack.database, AuditEntry, kind="approval.decided") == 1
    assert (await count(stack.database, Review), await count(stack.database, Execution)) == (1, 1)
    assert await count(stack.database, Nonce) == times


async def test_a_captured_decision_is_worth_nothing_a_second_time(stack: Stack, bob: Key, clock: Clock) -> None:
    """closes approval-api 1"""
    target, headers = decision(stack, bob, await waiting_for(stack))
    assert (await exchange(stack, "POST", target, headers, APPROVE))[0] == 200
    for later in (0, 1, 298, 1, 100, 1000):
        clock.forward(seconds=later)
        await forget_nonces(stack.database)
        status, _, body = await exchange(stack, "POST", target, headers, APPROVE)
        assert (status, body) == (401, REFUSED)
    assert await count(stack.database, Review) == 1


MOVED: dict[str, dict[str, Any]] = {
    "to another request": {"target": API + "/approvals/{other}"},
    "to another spelling of the same": {"target": API + "/approvals/{start}%{end:x}"},
    "to another action on it": {"target": API + "/approvals/{id}/delegate"},
    "to a question of governance": {"target": API + "/governance/approvals/{id}/approve"},
    "to reading it": {"method": "GET"},
    "under a query": {"target": API + "/approvals/{id}?remember=forever"},
    "to another person's key": {"key": "carol"},
    "to another key of the same person": {"key": "bob"},
    "to the other decision": {"body": b'{"decision":"reject","reason":"x"}'},
    "with a rule asked for": {"body": b'{"decision":"approve","remember":"forever"}'},
    "written otherwise": {"body": b'{"decision": "approve"}'},
    "with a line more": {"body": APPROVE + b"\n"},
    "without what it says": {"body": b""},
    "a second later": {"headers": {"X-Countersign-Timestamp": 1}},
    "under another nonce": {"headers": {"X-Countersign-Nonce": "another-nonce-altogether"}},
}  # fmt: skip


async def test_a_captured_decision_cannot_be_moved(stack: Stack, bob: Key) -> None:
    """closes approval-api 1"""
    request, other = await waiting_for(stack), await waiting_for(stack, arguments={"service": "billing"})
    unsigned = await exchange(stack, "POST", f"{API}/approvals/{request}", {}, APPROVE)
    assert (unsigned[0], unsigned[2]) == (401, REFUSED)
    keys = {person: (await stack.key(KeyKind.OPERATOR, f"U0{person.upper()}"))[0] for person in ("carol", "bob")}
    for name, case in MOVED.items():
        target, headers = decision(stack, bob, request)
        changed = dict(case.get("headers", {}))
        if "X-Countersign-Timestamp" in changed:
            changed["X-Countersign-Timestamp"] = str(int(headers["X-Countersign-Timestamp"]) + 1)
        if "key" in case:
            changed["X-Countersign-Key"] = keys[case["key"]]
        moved = case.get("target", target).format(id=request, start=request[:-1], end=ord(request[-1]), other=other)
        sent = {**headers, **changed}
        assert await exchange(stack, case.get("method", "POST"), moved, sent, case.get("body", APPROVE)) == unsigned, (
            name
        )
    assert (await count(stack.database, Review), await count(stack.database, Nonce)) == (0, 0)
    assert (await exchange(stack, "POST", target, headers, APPROVE))[0] == 200


SPENT: dict[str, tuple[str, bytes, int]] = {
    "unknown": ("apr_" + "0" * 32, APPROVE, 404),
    "no JSON": ("{id}", b"{", 400),
    "no decision": ("{id}", b"{}", 422),
    "no reason": ("{id}", b'{"decision":"reject"}', 422),
    "another digest": ("{id}", b'{"decision":"approve","digest":"sha256:%s"}' % (b"0" * 64), 409),
    "not a reviewer": ("{not_bobs}", APPROVE, 403),
}


async def test_a_nonce_is_used_up_whatever_becomes_of_the_call(stack: Stack, bob: Key) -> None:
    """Otherwise a refused call could be kept, and made again once it is no longer refused."""
    request, not_bobs = await waiting_for(stack), await waiting_for(stack, "deploy.default")
    for name, (place, body, expected) in SPENT.items():
        target, headers = decision(stack, bob, place.format(id=request, not_bobs=not_bobs), body)
        assert (await exchange(stack, "POST", target, headers, body))[0] == expected, name
        assert (await exchange(stack, "POST", target, headers, body))[::2] == (401, REFUSED), name
    assert await count(stack.database, Nonce) == len(SPENT)
    assert await count(stack.database, Review) == 0


async def test_a_nonce_is_kept_longer_than_any_call_that_can_carry_it(stack: Stack, bob: Key, clock: Clock) -> None:
    """A call a minute ahead of its time holds for six; it is refused for its nonce then, and for its age after that."""
    target, at = f"{API}/whoami", clock().timestamp()
    headers = signed_headers(bob, "GET", target, at=at + 60)
    assert (await send(stack, "GET", target, headers))[0] == 200
    kept = []
    for forward in (360, 1, 39, 1):
        clock.forward(seconds=forward)
        await forget_nonces(stack.database)
        kept.append(await count(stack.database, Nonce, nonce=headers["X-Countersign-Nonce"]))
        fresh = signed_headers(bob, "GET", target, at=at + 60)
        in_time = clock().timestamp() - at <= 360
        assert (await send(stack, "GET", target, fresh))[0] == (200 if in_time else 401)
        assert (await send(stack, "GET", target, headers))[0] == 401
    assert kept == [1, 1, 1, 0]


async def test_the_window_is_counted_in_whole_seconds_wherever_in_a_second_the_server_is(
    stack: Stack, bob: Key, clock: Clock
) -> None:
    """A signer writes whole seconds; a call signed 300 of them ago must not be refused for the fraction."""
    for micro, (shift, taken) in product((0, 1, 999_999), ((-301, False), (-300, True), (60, True), (61, False))):
        clock.now = clock.now.replace(microsecond=micro)
        status, _ = await stack.signed(bob, "GET", f"{API}/whoami", shift=shift)
        assert status == (200 if taken else 401), (micro, shift)
