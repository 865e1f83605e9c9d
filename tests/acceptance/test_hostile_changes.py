"""Whatever is sent to the addresses that change rules, agents, requests and outcomes is refused by name."""

import json
from typing import Any

from storage.tables import KeyKind, Rule, Standing
from tests.integration.calls import API, Key, raw, signed_headers
from tests.integration.verbs import count
from tests.stack import Stack

NUL, LATEST, EARLIEST = "a\x00b", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"
RULE = {"agent": "deployer", "tool": "deploy.production", "decision": "deny", "pattern": {"any": True}, "reason": "x"}
DIGEST = "sha256:" + "0" * 64
DEEP: Any = json.loads("[" * 31 + "]" * 31)

#: For each address, bodies that make no sense; `{}` in an address is the id of a proposal or request that waits.
BODIES: dict[str, list[Any]] = {
    "/rules": [
        {}, {**RULE, "agent": NUL}, {**RULE, "agent": "nobody"}, {**RULE, "agent": "countersign"}, {**RULE, "agent": 5},
        {**RULE, "tool": NUL}, {**RULE, "tool": "*"}, {**RULE, "tool": ".*"}, {**RULE, "tool": "x" * 201},
        {**RULE, "decision": "ALLOW"}, {**RULE, "pattern": {}}, {**RULE, "pattern": {"any": False}},
        {**RULE, "pattern": {"any": 2}}, {**RULE, "pattern": {"fields": {}}}, {**RULE, "pattern": {"fields": []}},
        {**RULE, "pattern": {"any": True, "fields": {"/service": "x"}}}, {**RULE, "pattern": {"same": "0" * 64}},
        {**RULE, "pattern": {"fields": {str(i): i for i in range(21)}}},
        {**RULE, "pattern": {"fields": {"/token": "x"}}},
        {**RULE, "pattern": {"fields": {"token": "x"}}}, {**RULE, "pattern": {"fields": {"/a": DEEP}}},
        {**RULE, "max_uses": 0}, {**RULE, "max_uses": 2**40}, {**RULE, "max_uses": 1.5}, {**RULE, "max_uses": True},
        {**RULE, "expires_at": LATEST}, {**RULE, "expires_at": EARLIEST},
        {**RULE, "expires_at": "2020-01-01T00:00:00Z"},
        {**RULE, "expires_at": 5}, {**RULE, "reason": " "}, {**RULE, "confirmed": "yes"},
        {**RULE, "authors": ["U0BOB"]},
    ],
    "/agents/deployer/pause": [{}, {"reason": ""}, {"reason": "\n"}, {"reason": 1}, {"reason": "x" * 2001}, {"by": 1}],
    "/agents/nobody/pause": [{"reason": "x"}],
    "/agents/countersign/pause": [{"reason": "x"}],
    "/agents/countersign/tier": [{"tier": "L1", "reason": "x"}],
    "/agents/%00/pause": [{"reason": "x"}],
    "/agents/deployer/resume": [{}, {"reason": "x"}],
    "/agents/deployer/tier": [
        {}, {"tier": "L4", "reason": "x"}, {"tier": None, "reason": "x"},
        {"tier": "shadow", "target": NUL, "reason": "x"},
        {"tier": "shadow", "target": "*", "reason": "x"}, {"tier": "shadow", "target": ".*", "reason": "x"},
        {"tier": "shadow", "target": "countersign.set_tier", "reason": "x"},
        {"tier": "shadow", "target": 5, "reason": "x"},
    ],
    "/approvals/{}/delegate": [
        {}, {"to": "U0BOB"}, {"to": "U0\x00"}, {"to": ["U0CAROL"]}, {"to": "U0CAROL", "reason": 1},
    ],
    "/approvals/{}/edit": [
        {}, {"arguments": {}, "digest": "x"}, {"arguments": [], "digest": DIGEST}, {"arguments": {}, "digest": DIGEST},
        {"arguments": {"service": "y"}, "digest": DIGEST, "reason": 5},
    ],
    "/approvals/{}": [
        {"decision": "approve", "remember": "forever", "remember_until": LATEST},
        {"decision": "approve", "remember": "forever", "remember_until": EARLIEST},
        {"decision": "approve", "remember": "forever", "remember_pattern": {"fields": {"/service/" + "9" * 5000: 1}}},
        {"decision": "approve", "remember": "forever", "remember_pattern": {"fields": {"/token": "••••••••"}}},
        {"decision": "approve", "remember": "forever", "remember_uses": 0},
    ],
    "/proposals/{}/reconcile": [
        {}, {"outcome": "happened", "reason": "x"}, {"outcome": "happened", "reason": " "},
        {"outcome": 1, "reason": "x"},
    ],
    "/proposals/{}/rerequest": [{}, {"reason": "x"}, {"digest": DIGEST}],
}  # fmt: skip
RAW = [
    b"[]",
    b"null",
    b"7",
    b'"x"',
    b"{",
    b"\xff",
    b'{"reason":"x","reason":"y"}',
    b"[" * 5000,
    b'{"reason":"\\ud800"}',
]


async def waiting(stack: Stack) -> dict[str, str]:
    _, told = await stack.propose(arguments={"service": "checkout", "token": "tok-12345"})
    return {"/approvals": told["approval"]["id"], "/proposals": told["proposal_id"]}


def is_refused(answer: tuple[int, Any]) -> bool:
    return 400 <= answer[0] < 500 and set(answer[1] or ()) == {"code", "error", "details"}


async def test_no_body_that_makes_no_sense_changes_anything(stack: Stack, admin: Key) -> None:
    ids, wrong = await waiting(stack), []
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    for address, bodies in BODIES.items():
        path = API + address.format(ids.get(address.split("/{}")[0], ""))
        for body in bodies:
            answer = await stack.signed(bob if "/approvals/" in path else admin, "POST", path, body)
            wrong += [] if is_refused(answer) else [(address, str(body)[:120], answer)]
        for sent in RAW:
            headers = signed_headers(admin, "POST", path, sent, at=stack.database.clock().timestamp())
            answer = await stack.call("POST", path, raw=sent, secret="", headers=headers)
            wrong += [] if is_refused(answer) else [(address, sent[:40], answer)]
    assert wrong == []
    assert (await count(stack.database, Rule), await count(stack.database, Standing)) == (0, 0)


async def test_words_with_nul_are_kept_without_it(stack: Stack, admin: Key) -> None:
    for path, body in (
        ("/rules", {**RULE, "reason": NUL}),
        ("/rules", {**RULE, "pattern": {"fields": {NUL: NUL}}}),
        ("/agents/deployer/pause", {"reason": NUL}),
        ("/agents/deployer/resume", {"reason": NUL}),
        ("/agents/deployer/tier", {"tier": "shadow", "reason": NUL}),
        ("/agents/deployer/tier", {"tier": "L1", "target": "deploy", "reason": NUL}),
    ):
        status, told = await stack.signed(admin, "POST", API + path, body)
        assert status < 300 or is_refused((status, told)), (path, body, told)


IDS = ["x", "%00", "%FF", "a" * 3000, "%2e%2e", "%F0%9F%94%91", "rul_" + "0" * 32]
ADDRESSES = {
    "GET /rules/": None, "DELETE /rules/": None, "GET /agents/": None, "POST /agents/{}/pause": {"reason": "x"},
    "POST /agents/{}/tier": {"tier": "shadow", "reason": "x"}, "POST /approvals/{}/delegate": {"to": "U0CAROL"},
    "POST /approvals/{}/edit": {"arguments": {}, "digest": DIGEST}, "POST /proposals/{}/rerequest": {},
    "POST /proposals/{}/reconcile": {"outcome": "happened", "reason": "x"},
}  # fmt: skip


async def test_every_id_that_cannot_be_is_as_good_as_unknown(stack: Stack, admin: Key) -> None:
    wrong = []
    for address, body in ADDRESSES.items():
        method, _, path = address.partition(" ")
        for one in IDS:
            target = API + (path.format(one) if "{}" in path else path + one)
            sent = json.dumps(body).encode() if body is not None else b""
            at = stack.database.clock().timestamp()
            headers = signed_headers(admin, method, target, sent, at=at)
            head = "\r\n".join([f"{method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]).encode()
            answer = await raw(stack, head, sent)
            wrong += [] if answer[0] in (404, 401) and is_refused(answer) else [(address, one[:40], answer)]
    assert wrong == []


async def test_no_report_that_makes_no_sense_settles_anything(stack: Stack) -> None:
    ids = await waiting(stack)
    path = f"{API}/proposals/{ids['/proposals']}/outcome"
    bodies = [
        {}, {"status": "denied"}, {"status": 1}, {"status": "succeeded", "result": "x" * 66_000},
        {"status": "succeeded"},
        {"status": "failed", "error": 5}, {"status": "failed", "error": "x" * 2001}, {"status": "unknown", "by": "me"},
        {"status": "succeeded", "result": DEEP}, {"status": "succeeded", "result": {NUL: NUL}},
    ]  # fmt: skip
    answers = [await stack.call("POST", path, one) for one in bodies]
    answers += [await stack.call("POST", path, raw=one) for one in RAW]
    stranger = (await stack.key(KeyKind.AGENT, "stranger"))[1]
    answers += [await stack.call("POST", path, {"status": "succeeded"}, secret=stranger)]
    answers += [await stack.call("POST", f"{API}/proposals/{one}/outcome", {"status": "succeeded"}) for one in IDS]
    assert [one for one in answers if not is_refused(one)] == []
    assert answers[len(bodies) + len(RAW)][0] == 404
    assert (await stack.call("GET", f"{API}/proposals/{ids['/proposals']}"))[1]["state"] == "pending"
