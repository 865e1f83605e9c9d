"""Who may call: agents by their key, operators by their signature, everybody else reads the same refusal."""

import hashlib
from typing import Any

import pytest

from operations.keys import revoke_key
from storage.tables import KeyKind, Review, Role
from tests.conftest import Clock
from tests.integration.calls import API, Key, is_problem, raw, send, signed_headers, waiting_for
from tests.integration.verbs import TENANT, count
from tests.stack import Stack


@pytest.fixture
def stack_options(clock: Clock) -> dict[str, Any]:
    return {"clock": clock}


async def test_a_key_says_whom_it_stands_for(stack: Stack, bob: Key) -> None:
    assert await stack.call("GET", f"{API}/whoami") == (
        200,
        {"kind": "agent", "id": "deployer", "name": "Deployer", "scopes": ["deploy"]},
    )
    status, body = await stack.signed(bob, "GET", f"{API}/whoami")
    assert (status, body) == (200, {"kind": "operator", "id": "U0BOB", "role": "reviewer", "key_id": bob[0]})


@pytest.mark.parametrize(
    ("person", "limit", "role"),
    [
        ("U0BOB", Role.ADMIN, "reviewer"),
        ("U0ADMIN", None, "admin"),
        ("U0ADMIN", Role.REVIEWER, "reviewer"),
        ("U0ADMIN", Role.OPERATOR, "operator"),
    ],
)
async def test_a_key_never_gives_more_than_the_policy_gives_its_person(
    stack: Stack, person: str, limit: Role | None, role: str
) -> None:
    """closes l1-l2-l3-enforcement 16"""
    key = await stack.key(KeyKind.OPERATOR, person, limit)
    assert (await stack.signed(key, "GET", f"{API}/whoami"))[1]["role"] == role


async def test_without_a_live_agent_key_nothing_is_answered(stack: Stack, bob: Key) -> None:
    revoked = await stack.key(KeyKind.AGENT, "deployer")
    assert (await stack.call("GET", f"{API}/whoami", secret=revoked[1]))[0] == 200
    await stack.database.write(TENANT, lambda tx: revoke_key(tx, revoked[0]))
    answers = {
        "none": await raw(stack, f"GET {API}/proposals/prp_1 HTTP/1.1".encode()),
        "unknown": await stack.call("GET", f"{API}/whoami", secret="csa_unknown"),
        "revoked": await stack.call("GET", f"{API}/whoami", secret=revoked[1]),
        "one letter off": await stack.call("GET", f"{API}/whoami", secret=stack.agent_secret[:-1] + "."),
        "an operator's secret": await stack.call("GET", f"{API}/whoami", secret=bob[1]),
        "a key's id": await stack.call("GET", f"{API}/whoami", secret=revoked[0]),
        "a hash": await stack.call(
            "GET", f"{API}/whoami", secret=hashlib.sha256(stack.agent_secret.encode()).hexdigest()
        ),
        "no bearer": await send(stack, "GET", f"{API}/whoami", {"Authorization": f"Basic {stack.agent_secret}"}),
        "nothing after it": await send(stack, "GET", f"{API}/whoami", {"Authorization": "Bearer "}),
        "no ASCII": await raw(stack, f"GET {API}/whoami HTTP/1.1\r\nAuthorization: Bearer \xff\xfe".encode("latin-1")),
        "an emoji": await send(stack, "GET", f"{API}/whoami", {"Authorization": "Bearer 🔑"}),
    }
    assert {name for name, answer in answers.items() if not is_problem(answer, 401, "UNAUTHENTICATED")} == set()


ADDRESSES = [
    *[("POST", "/proposals"), ("GET", "/proposals/prp_1"), ("GET", "/proposals/prp_1/events")],
    *[("DELETE", "/proposals/prp_1"), ("GET", "/approvals"), ("GET", "/approvals/apr_1")],
    *[("POST", "/approvals/apr_1"), ("GET", "/whoami")],
]


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
async def test_every_address_asks_who_calls_before_anything_else(stack: Stack, method: str, path: str) -> None:
    answer = await stack.call(method, API + path, secret="", raw=b"{not json")
    assert is_problem(answer, 401, "UNAUTHENTICATED")


async def test_an_agent_that_left_the_policy_is_refused_at_once(stack: Stack) -> None:
    text = stack.config.read_text()
    stack.config.write_text(text.replace('id = "deployer"', 'id = "successor"'))
    await stack.server.reload_policy()
    assert is_problem(await stack.propose(), 403, "UNKNOWN_AGENT")


async def test_agents_cannot_decide_and_operators_cannot_propose(stack: Stack, bob: Key) -> None:
    """closes autonomy-and-trust 8; approval-api 2"""
    request = await waiting_for(stack)
    answer = await stack.call("POST", f"{API}/approvals/{request}", {"decision": "approve"})
    assert is_problem(answer, 401, "UNAUTHENTICATED")
    answer = await stack.signed(bob, "POST", f"{API}/proposals", {"tool": "note.auto", "arguments": {"service": "x"}})
    assert is_problem(answer, 401, "UNAUTHENTICATED")
    assert await count(stack.database, Review) == 0


@pytest.mark.parametrize(("shift", "taken"), [(-301, False), (-300, True), (0, True), (60, True), (61, False)])
async def test_a_signature_holds_for_five_minutes_and_may_be_a_minute_ahead(
    stack: Stack, bob: Key, shift: int, taken: bool
) -> None:
    status, _ = await stack.signed(bob, "GET", f"{API}/whoami", shift=shift)
    assert status == (200 if taken else 401)


async def forged(stack: Stack, key: Key, target: str, body: bytes) -> dict[str, tuple[int, Any]]:
    """Calls that are almost signed, each wrong in one thing."""
    now = stack.database.clock().timestamp()

    def sign(**other: Any) -> dict[str, str]:
        said = {"key": key, "method": "POST", "target": target, "body": body, "at": now, **other}
        return signed_headers(said["key"], said["method"], said["target"], said["body"], at=said["at"])

    async def post(headers: dict[str, str], to: str = target, sent: bytes = body) -> tuple[int, Any]:
        return await send(stack, "POST", to, headers, sent)

    other = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    agent = await stack.key(KeyKind.AGENT, "deployer")
    good = sign()
    return {
        "no headers": await post({}),
        "another method": await post(sign(method="GET")),
        "another path": await post(sign(target=target + "x")),
        "a query that was not signed": await post(sign(), to=target + "?a=1"),
        "a query that was not sent": await post(sign(target=target + "?a=1")),
        "another body": await post(sign(body=body + b" ")),
        "no body signed": await post(sign(body=b"")),
        "another secret": await post(sign(key=(key[0], other[1]))),
        "another key": await post({**good, "X-Countersign-Key": other[0]}),
        "an unknown key": await post({**good, "X-Countersign-Key": "key_unknown"}),
        "no key": await post({name: value for name, value in good.items() if name != "X-Countersign-Key"}),
        "an agent's key": await post(sign(key=agent)),
        "too old": await post(sign(at=now - 301)),
        "too early": await post(sign(at=now + 61)),
        "another time": await post({**good, "X-Countersign-Timestamp": str(int(now) - 1)}),
        "no time": await post({**good, "X-Countersign-Timestamp": "now"}),
        "another nonce": await post({**good, "X-Countersign-Nonce": "n" * 24}),
        "a short nonce": await post(signed_headers(key, "POST", target, body, at=now, nonce="n" * 15)),
        "a long nonce": await post(signed_headers(key, "POST", target, body, at=now, nonce="n" * 65)),
        "no version": await post({**good, "X-Countersign-Signature": good["X-Countersign-Signature"][3:]}),
        "upper case": await post({**good, "X-Countersign-Signature": good["X-Countersign-Signature"].upper()}),
        "no signature": await post({**good, "X-Countersign-Signature": ""}),
        "an emoji": await post({**good, "X-Countersign-Signature": "v1=🔑"}),
    }


async def test_whatever_is_wrong_with_a_signature_the_answer_is_the_same(stack: Stack, bob: Key) -> None:
    """closes autonomy-and-trust 8; approval-api 1"""
    request = await waiting_for(stack)
    answers = await forged(stack, bob, f"{API}/approvals/{request}", b'{"decision":"approve"}')
    expected = (
        401,
        {"code": "UNAUTHENTICATED", "error": "The call is not signed by a live operator key.", "details": {}},
    )
    assert {name: answer for name, answer in answers.items() if answer != expected} == {}
    assert await count(stack.database, Review) == 0


@pytest.mark.parametrize("header", ["Key", "Timestamp", "Nonce", "Signature"])
async def test_bytes_that_are_no_text_in_a_header_are_no_signature(stack: Stack, bob: Key, header: str) -> None:
    target = f"{API}/whoami"
    headers = signed_headers(bob, "GET", target, at=stack.database.clock().timestamp())
    lines = {**{name: value.encode() for name, value in headers.items()}, f"X-Countersign-{header}": b"v1=\xff\xfe"}
    head = b"\r\n".join([f"GET {target} HTTP/1.1".encode(), *(n.encode() + b": " + v for n, v in lines.items())])
    assert is_problem(await raw(stack, head), 401, "UNAUTHENTICATED")


async def test_bytes_that_are_no_text_in_the_path_are_no_fault_of_ours(stack: Stack, bob: Key) -> None:
    headers = signed_headers(bob, "GET", f"{API}/approvals/x", at=stack.database.clock().timestamp())
    lines = [
        f"GET {API}/approvals/\xff\xfe HTTP/1.1".encode("latin-1"),
        *(f"{n}: {v}".encode() for n, v in headers.items()),
    ]
    status, _ = await raw(stack, b"\r\n".join(lines))
    assert 400 <= status < 500


async def test_a_nonce_works_once_even_where_the_call_is_refused(stack: Stack, bob: Key, clock: Clock) -> None:
    target, nonce = f"{API}/approvals/apr_unknown", "once-and-never-again"
    at = clock().timestamp()
    headers = signed_headers(bob, "GET", target, at=at, nonce=nonce)
    assert (await send(stack, "GET", target, headers))[0] == 404
    assert (await send(stack, "GET", target, headers))[0] == 401
    clock.forward(seconds=299)
    assert (await send(stack, "GET", target, headers))[0] == 401


async def test_one_nonce_may_be_used_by_two_keys(stack: Stack, bob: Key) -> None:
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    for key in (bob, carol):
        assert (await stack.signed(key, "GET", f"{API}/whoami", nonce="the-very-same-nonce"))[0] == 200


async def test_a_forged_call_does_not_use_up_the_nonce_of_the_real_one(stack: Stack, bob: Key) -> None:
    headers = signed_headers(bob, "GET", f"{API}/whoami", at=stack.database.clock().timestamp())
    forged_headers = {**headers, "X-Countersign-Signature": "v1=" + "0" * 64}
    assert (await send(stack, "GET", f"{API}/whoami", forged_headers))[0] == 401
    assert (await send(stack, "GET", f"{API}/whoami", headers))[0] == 200


async def test_a_revoked_operator_key_works_no_longer(stack: Stack, bob: Key) -> None:
    assert (await stack.signed(bob, "GET", f"{API}/whoami"))[0] == 200
    await stack.database.write(TENANT, lambda tx: revoke_key(tx, bob[0]))
    assert is_problem(await stack.signed(bob, "GET", f"{API}/whoami"), 401, "UNAUTHENTICATED")


@pytest.mark.parametrize("path", ["/whoami", "/approvals", "/approvals/{id}", "/proposals/{proposal}/events"])
async def test_the_key_of_somebody_who_left_reads_nothing_any_more(stack: Stack, bob: Key, path: str) -> None:
    _, proposed = await stack.propose()
    path = API + path.format(id=proposed["approval"]["id"], proposal=proposed["proposal_id"])
    stack.slack.workspace.users["U0BOB"].deleted = True
    assert is_problem(await stack.signed(bob, "GET", path), 403, "NOT_A_MEMBER")


async def test_while_slack_cannot_be_asked_operators_still_read(stack: Stack, bob: Key) -> None:
    stack.slack.workspace.faults.add("users.info", "500", 2)
    for _ in range(2):
        assert (await stack.signed(bob, "GET", f"{API}/approvals"))[0] == 200
