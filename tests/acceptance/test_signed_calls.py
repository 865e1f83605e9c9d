"""A signed decision counts once and only as it was signed: under load, replayed, moved elsewhere, and oddly written."""

import ast
import asyncio
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

import bot.api.principals as principals
from scheduler.upkeep import forget_nonces, seal_for_reader
from storage import feed
from storage.tables import ApprovalRequest, AuditEntry, Execution, KeyKind, Nonce, Review, Rule
from tests.conftest import Clock
from tests.integration.calls import API, Key, is_problem, send, signed_headers, waiting_for
from tests.integration.verbs import count, rows
from tests.profiles import is_thorough
from tests.stack import Stack

MANY = 2_000
APPROVE = b'{"decision":"approve"}'
REFUSED = b'{"code":"UNAUTHENTICATED","error":"The call is not signed by a live operator key.","details":{}}'
LIFTED = "\n[limits]\nrate_per_second = 10000\nrate_burst = 100000\n"
SIGNATURE = "X-Countersign-Signature"

Answered = tuple[int, dict[str, str], bytes]


@pytest.fixture(params=["sqlite", "postgresql"] if is_thorough() else ["sqlite"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture
def stack_options(clock: Clock) -> dict[str, Any]:
    return {"clock": clock, "extra": LIFTED}


@pytest.fixture
async def crowd() -> AsyncIterator[aiohttp.ClientSession]:
    """A session that holds a thousand connections open at once."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1000)) as session:
        yield session


async def exchange(
    stack: Stack,
    method: str,
    target: str,
    headers: Any,
    body: bytes = b"",
    session: aiohttp.ClientSession | None = None,
) -> Answered:
    """Make a call with exactly these headers; returns what came back, to the byte."""
    url = URL(stack.url + target, encoded=True)
    async with (session or stack.session).request(method, url, headers=headers, data=body) as answer:
        told = {name: value for name, value in answer.headers.items() if name != "Date"}
        return answer.status, told, await answer.read()


def decision(stack: Stack, key: Key, request: str, body: bytes = APPROVE, **more: Any) -> tuple[str, dict[str, str]]:
    """Return the target and the headers of a signed decision."""
    target = f"{API}/approvals/{request}"
    return target, signed_headers(key, "POST", target, body, at=stack.database.clock().timestamp(), **more)


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
    request, times = await waiting_for(stack), MANY if is_thorough() else 300
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


def test_signatures_are_compared_in_constant_time() -> None:
    tree = ast.parse(Path(principals.__file__).read_text())
    (signed,) = (one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "_is_signed")
    last = signed.body[-1]
    assert isinstance(last, ast.Return)
    assert isinstance(last.value, ast.Call)
    assert ast.unparse(last.value.func) == "hmac.compare_digest"
    given = [name.id for name in ast.walk(last.value) if isinstance(name, ast.Name)]
    assert "expected" in given
    compared = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    words = {name.id for node in compared for name in ast.walk(node) if isinstance(name, ast.Name)}
    assert words & {"expected", "signature", "digest", "secret"} == set()
    assert SIGNATURE not in ast.unparse(ast.Module([ast.Expr(one) for one in compared], []))


async def test_a_signature_that_begins_right_is_as_wrong_as_any(stack: Stack, bob: Key) -> None:
    target, good = decision(stack, bob, await waiting_for(stack))
    right = good[SIGNATURE]
    wrong = [right[:n] for n in (0, 3, 4, 35, 66)] + [right[:-1] + ("0" if right[-1] != "0" else "1"), right + "0"]
    for one in wrong:
        assert (await exchange(stack, "POST", target, {**good, SIGNATURE: one}, APPROVE))[::2] == (401, REFUSED), one
    assert (await exchange(stack, "POST", target, good, APPROVE))[0] == 200


def oddities(good: dict[str, str]) -> dict[str, list[tuple[str, str]]]:
    """Headers that a proxy or a hostile client could make of good ones."""
    signature, timestamp = good[SIGNATURE], good["X-Countersign-Timestamp"]
    zero = "v1=" + "0" * 64

    def but(**changed: str) -> list[tuple[str, str]]:
        return [*{**good, **{f"X-Countersign-{name}": value for name, value in changed.items()}}.items()]

    return {
        **{f"a second {name}": [*good.items(), (name, value)] for name, value in good.items()},
        "another signature after it": [*good.items(), (SIGNATURE, zero)],
        "another signature before it": [(SIGNATURE, zero), *good.items()],
        "two in one": but(Signature=f"{signature},{zero}"),
        "two in one, the bad one first": but(Signature=f"{zero} {signature}"),
        "without its version": but(Signature=signature[3:]),
        "another version": but(Signature="v2" + signature[2:]),
        "upper case": but(Signature="v1=" + signature[3:].upper()),
        "a quoted one": but(Signature=f'"{signature}"'),
        "letters from elsewhere": but(Signature="v1=" + "\uff11" * 64),
        "a very long one": but(Signature="v1=" + "0" * 7000),
        "a time with zeros before it": but(Timestamp="0" + timestamp),
        "a signed time": but(Timestamp="+" + timestamp),
        "a time with a fraction": but(Timestamp=timestamp + ".0"),
        "a time with a gap": but(Timestamp=timestamp[:5] + " " + timestamp[5:]),
        "a time in other digits": but(Timestamp="".join(chr(0x0660 + int(one)) for one in timestamp)),
        "a time in words": but(Timestamp="now"),
        "an endless time": but(Timestamp="9" * 7000),
        "a nonce with a gap": but(Nonce="once and never again"),
        "a nonce in other letters": but(Nonce="\u0436" * 24),
        "a nonce of another length": but(Nonce=good["X-Countersign-Nonce"] + "a"),
        "a key with more to it": but(Key=good["X-Countersign-Key"] + "\u00a0"),
        "an endless key": but(Key=good["X-Countersign-Key"] + "x" * 7000),
        "an asterisk for a key": but(Key="%"),
    }  # fmt: skip


async def test_odd_headers_are_no_signature(stack: Stack, bob: Key) -> None:
    target, good = decision(stack, bob, await waiting_for(stack))
    for name, headers in oddities(good).items():
        assert (await exchange(stack, "POST", target, headers, APPROVE))[::2] == (401, REFUSED), name
    assert await count(stack.database, Nonce, nonce=good["X-Countersign-Nonce"]) == 0
    spaced = {name.lower(): f"  {value}\t" for name, value in good.items()}  # HTTP takes this for the same
    assert (await exchange(stack, "POST", target, spaced, APPROVE))[0] == 200


async def test_digits_that_are_none_of_ascii_are_no_time_even_where_they_are_signed(stack: Stack, bob: Key) -> None:
    target, good = decision(stack, bob, await waiting_for(stack))
    timestamp = "".join(chr(0x0660 + int(one)) for one in good["X-Countersign-Timestamp"])
    nonce = good["X-Countersign-Nonce"]
    text = "\n".join(("v1", "POST", target, timestamp, nonce, hashlib.sha256(APPROVE).hexdigest()))
    digest = hmac.new(bob[1].encode(), text.encode(), hashlib.sha256).hexdigest()
    headers = {**good, "X-Countersign-Timestamp": timestamp, SIGNATURE: f"v1={digest}"}
    assert (await exchange(stack, "POST", target, headers, APPROVE))[::2] == (401, REFUSED)


async def test_beside_a_signature_a_bearer_key_decides_nothing_and_reads_as_itself(stack: Stack, bob: Key) -> None:
    request = await waiting_for(stack)
    bearer = {"Authorization": f"Bearer {stack.agent_secret}"}
    _, forged = decision(stack, (bob[0], "not the secret"), request)
    assert (await exchange(stack, "POST", f"{API}/approvals/{request}", {**forged, **bearer}, APPROVE))[0] == 401
    signed = signed_headers(bob, "GET", f"{API}/whoami", at=stack.database.clock().timestamp())
    assert (await send(stack, "GET", f"{API}/whoami", {**signed, **bearer}))[1]["kind"] == "agent"
    wrong = {**signed, "Authorization": "Bearer csa_unknown"}
    assert is_problem(await send(stack, "GET", f"{API}/whoami", wrong), 401, "UNAUTHENTICATED")
    target, headers = decision(stack, bob, request)
    status, _, body = await exchange(stack, "POST", target, {**headers, **bearer}, APPROVE)
    assert (status, json.loads(body)["decision"]["by"]) == (200, "U0BOB")


async def test_what_is_not_signed_is_never_parsed(stack: Stack, bob: Key) -> None:
    """closes approval-api 1"""
    request = await waiting_for(stack)
    for body in (b"{", b"", b"\xff\xfe", b"[" * 5000, b'{"decision":"approve","decision":"reject"}'):
        target, headers = decision(stack, (bob[0], "not the secret"), request, body)
        assert (await exchange(stack, "POST", target, headers, body))[::2] == (401, REFUSED)
        target, headers = decision(stack, bob, request, body)
        assert (await exchange(stack, "POST", target, headers, body))[0] in (400, 422)
    assert await count(stack.database, Review) == 0


async def test_a_vote_below_the_quorum_is_recorded_as_one_and_makes_no_rule(stack: Stack, bob: Key) -> None:
    """closes approval-api 4"""
    request, carol = await waiting_for(stack, "deploy.two"), await stack.key(KeyKind.OPERATOR, "U0CAROL")
    remembering = b'{"decision":"approve","remember":"forever"}'
    status, _, body = await exchange(stack, "POST", *decision(stack, bob, request, remembering), remembering)
    assert (status, json.loads(body)["status"], json.loads(body)["decision"]) == (200, "pending", None)
    assert await events_of(stack) == ["approval_requested", "vote_recorded"]
    assert await count(stack.database, Rule) == 0
    assert (await exchange(stack, "POST", *decision(stack, carol, request), APPROVE))[0] == 200
    told = await events_of(stack)
    assert told[:3] == ["approval_requested", "vote_recorded", "approval_decided"]
    assert await count(stack.database, Rule) == 0
    (settled,) = await rows(stack.database, ApprovalRequest)
    assert settled.status == "approved"


async def events_of(stack: Stack) -> list[str]:
    """The public events of everything that was committed so far, in order."""
    await seal_for_reader(stack.database)
    async with stack.database.read(stack.server.office.tenant) as tx:
        found, _ = await feed.after(tx, 0, 1000)
    return [str(one.event) for one in found]


async def test_among_rules_that_fit_one_call_the_denial_wins(stack: Stack, bob: Key) -> None:
    """closes approval-api 3"""
    admin = await stack.key(KeyKind.OPERATOR, "U0ADMIN")
    request = await waiting_for(stack)
    remembering = b'{"decision":"approve","remember":"forever"}'
    assert (await exchange(stack, "POST", *decision(stack, bob, request, remembering), remembering))[0] == 200
    await stack.service.called(1)
    _, again = await stack.propose(idempotency_key="k1")
    assert again["rule_id"] is not None
    deny = {"agent": "deployer", "tool": "deploy.*", "decision": "deny", "pattern": {"any": True}, "reason": "freeze"}
    _, made = await stack.signed(admin, "POST", f"{API}/rules", deny)
    assert is_problem(await stack.propose(idempotency_key="k2"), 403, "DENIED_BY_RULE")
    assert (await stack.signed(admin, "DELETE", f"{API}/rules/{made['id']}"))[0] == 200
    assert (await stack.propose(idempotency_key="k3"))[1]["rule_id"] == again["rule_id"]
