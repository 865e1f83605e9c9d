"""Whatever comes in is taken as it stands or refused by name; nothing that comes in is our fault."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from storage.tables import KeyKind, Proposal, Review
from tests.integration.calls import API, is_problem, raw, waiting_for
from tests.integration.verbs import count
from tests.stack import Stack

MEBIBYTE = 1024 * 1024
GOOD = {"tool": "deploy.production", "arguments": {"service": "checkout"}}


def body(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def with_arguments(text: str) -> bytes:
    return b'{"tool":"deploy.production","arguments":{"service":"checkout","note":%s}}' % text.encode()


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


BODIES: dict[str, tuple[bytes, int, str]] = {
    "half an object": (b'{"tool":', 400, "MALFORMED_JSON"),
    "no JSON at all": (b"tool=deploy", 400, "MALFORMED_JSON"),
    "two values": (body() + b"{}", 400, "MALFORMED_JSON"),
    "a byte order mark": (b"\xef\xbb\xbf" + body(), 400, "MALFORMED_JSON"),
    "no UTF-8": (b'{"tool":"\xff"}', 400, "MALFORMED_JSON"),
    "UTF-16": (body().decode().encode("utf-16"), 400, "MALFORMED_JSON"),
    "a key twice": (b'{"tool":"a","tool":"b","arguments":{}}', 422, "NOT_STRICT_JSON"),
    "a key twice, deep inside": (with_arguments('{"a":1,"a":1}'), 422, "NOT_STRICT_JSON"),
    "a key twice, once escaped": (with_arguments('{"a":1,"\\u0061":1}'), 422, "NOT_STRICT_JSON"),
    "NaN": (with_arguments("NaN"), 422, "NOT_STRICT_JSON"),
    "Infinity": (with_arguments("-Infinity"), 422, "NOT_STRICT_JSON"),
    "a number beyond floats": (with_arguments("1e400"), 422, "NOT_STRICT_JSON"),
    "an integer beyond doubles": (with_arguments(str(2**53)), 422, "NOT_STRICT_JSON"),
    "a negative one": (with_arguments(str(-(2**53))), 422, "NOT_STRICT_JSON"),
    "an integer of many digits": (with_arguments("9" * 10_000), 422, "NOT_STRICT_JSON"),
    "half a surrogate pair": (with_arguments('"\\ud800"'), 422, "NOT_STRICT_JSON"),
    "half a pair in a key": (with_arguments('{"\\udfff":1}'), 422, "NOT_STRICT_JSON"),
    "too deep": (with_arguments(nested(32)), 422, "NOT_STRICT_JSON"),
    "far too deep": (with_arguments(nested(100_000)), 422, "NOT_STRICT_JSON"),
    "nothing": (b"", 422, "INVALID_BODY"),
    "an array": (b"[]", 422, "UNPROCESSABLE"),
    "null": (b"null", 422, "UNPROCESSABLE"),
    "a string": (b'"deploy"', 422, "UNPROCESSABLE"),
    "no tool": (b'{"arguments":{}}', 422, "INVALID_BODY"),
    "a tool that is no string": (body(tool=5), 422, "INVALID_BODY"),
    "an empty tool": (body(tool=""), 422, "INVALID_BODY"),
    "a tool name without end": (body(tool="x" * 201), 422, "INVALID_BODY"),
    "arguments that are no object": (body(arguments=[]), 422, "INVALID_BODY"),
    "arguments as a string": (body(arguments="{}"), 422, "INVALID_BODY"),
    "a key with a space": (body(idempotency_key="a b"), 422, "INVALID_BODY"),
    "an empty key": (body(idempotency_key=""), 422, "INVALID_BODY"),
    "a key with a line break": (body(idempotency_key="a\n"), 422, "INVALID_BODY"),
    "a key with NUL": (body(idempotency_key="a\u0000"), 422, "INVALID_BODY"),
    "a key without end": (body(idempotency_key="x" * 201), 422, "INVALID_BODY"),
    "a session that is no text": (body(session_id=7), 422, "INVALID_BODY"),
    "somebody who cannot be": (body(on_behalf_of="alice"), 422, "INVALID_BODY"),
    "a rationale without end": (body(rationale="x" * 32_001), 422, "INVALID_BODY"),
    "a thread without a message": (body(thread={"channel": "C0DEPLOYS"}), 422, "INVALID_BODY"),
    "a thread nowhere": (body(thread={"channel": "deploys", "thread_ts": "1.2"}), 422, "INVALID_BODY"),
    "a thread of words": (body(thread={"channel": "C0DEPLOYS", "thread_ts": "now"}), 422, "INVALID_BODY"),
    "no argument that is required": (body(arguments={}), 422, "NEEDS_INPUT"),
    "an argument of another type": (body(arguments={"service": 5}), 422, "NEEDS_INPUT"),
}


async def test_every_body_that_cannot_be_taken_is_refused_for_what_is_wrong_with_it(stack: Stack) -> None:
    """closes l1-l2-l3-enforcement 14"""
    answers = {name: await stack.call("POST", f"{API}/proposals", raw=sent) for name, (sent, _, _) in BODIES.items()}
    wrong = {
        name: answers[name] for name, (_, status, code) in BODIES.items() if not is_problem(answers[name], status, code)
    }
    assert wrong == {}
    blocked = [name for name, (_, _, code) in BODIES.items() if code == "NEEDS_INPUT"]
    assert await count(stack.database, Proposal) == len(blocked)


async def test_every_unknown_field_is_named(stack: Stack) -> None:
    sent = body(tols=1, thread={"channel": "C0DEPLOYS", "thread_ts": "1.2", "chanel": "C1"})
    status, told = await stack.call("POST", f"{API}/proposals", raw=sent)
    problems = {one["field"]: one["message"] for one in told["details"]["problems"]}
    assert (status, told["code"]) == (422, "INVALID_BODY")
    assert problems == {"/tols": "is not a known field; remove it", "/thread/chanel": "is not a known field; remove it"}


async def test_every_argument_that_is_wrong_is_named_with_what_it_should_be(stack: Stack) -> None:
    status, told = await stack.propose(arguments={"note": 5, "servise": "x"})
    problems = {one["field"]: one["message"] for one in told["details"]["problems"]}
    assert (status, told["code"], told["details"]["state"]) == (422, "NEEDS_INPUT", "denied")
    assert problems == {
        "/service": "is required",
        "/servise": "is not a field of this tool",
        "/note": "must be of type string",
    }


async def test_numbers_and_depths_at_the_limit_are_taken(stack: Stack) -> None:
    for text in (str(2**53 - 1), str(-(2**53 - 1)), "1.5e300", nested(30)):
        status, told = await stack.call("POST", f"{API}/proposals", raw=with_arguments(text))
        assert (status, told["code"]) == (422, "NEEDS_INPUT"), text  # read well, and no string


async def test_a_body_beyond_a_mebibyte_is_refused_and_one_below_is_read(stack: Stack) -> None:
    head = f"POST {API}/proposals HTTP/1.1".encode()
    for size, status, code in ((2 * MEBIBYTE, 413, "BODY_TOO_LARGE"), (MEBIBYTE - 200, 422, "INVALID_BODY")):
        answer = await raw(stack, head, body(rationale="x" * size), secret=stack.agent_secret)
        assert is_problem(answer, status, code)
    assert await count(stack.database, Proposal) == 0


async def test_arguments_beyond_128_kib_are_refused_by_name_and_those_at_the_limit_are_judged(stack: Stack) -> None:
    room = 128 * 1024 - len(json.dumps({"note": ""}, separators=(",", ":")))
    status, told = await stack.propose(arguments={"note": "x" * (room + 1)})
    assert (status, told["code"]) == (422, "INVALID_BODY")
    assert told["details"]["problems"] == [
        {"field": "/arguments", "message": "takes 131073 bytes as canonical JSON; send at most 131072 (128 KiB)"}
    ]
    assert await count(stack.database, Proposal) == 0
    status, told = await stack.propose(arguments={"note": "x" * room})
    assert (status, told["code"]) == (422, "NEEDS_INPUT")  # it was judged: `service` is missing


async def test_a_body_that_is_not_compressed_as_it_says_is_refused(stack: Stack) -> None:
    head = f"POST {API}/proposals HTTP/1.1\r\nContent-Encoding: gzip".encode()
    status, _ = await raw(stack, head, b"this is no gzip", secret=stack.agent_secret)
    assert 400 <= status < 500


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


QUERIES = {
    **{f"/proposals/{{id}}?wait={one}": "INVALID_QUERY" for one in ("-1", "61", "60.1", "x", "nan", "inf", "", "1%00")},
    **{f"/approvals?limit={one}": "INVALID_QUERY" for one in ("0", "-1", "201", "1.5", "x", "", "9" * 5000)},
    **{f"/approvals?status={one}": "INVALID_QUERY" for one in ("open", "PENDING", "", "pending%00", "%FF")},
    **{f"/approvals?request_type={one}": "INVALID_QUERY" for one in ("call", "")},
    **{
        f"/approvals?cursor={quote(one)}": "INVALID_QUERY"
        for one in (
            "", "x", "äöü", "%", cursor("x"), cursor("2026-11-23|apr_1"), cursor("2026-11-23T12:00:00|apr_1"),
            cursor("2026-11-23T12:00:00+00:00|"), cursor("2026-11-23T12:00:00+00:00|\x00"),
            cursor("0001-01-01T00:00:00+23:59|apr_1"), cursor("9999-12-31T23:59:59-23:59|apr_1"),
        )
    },
}  # fmt: skip


async def test_every_query_value_that_makes_no_sense_is_refused(stack: Stack) -> None:
    """closes l1-l2-l3-enforcement 13, 18"""
    _, proposed = await stack.propose()
    answers = {
        query: await stack.call("GET", API + query.replace("{id}", proposed["proposal_id"])) for query in QUERIES
    }
    assert {query: one for query, one in answers.items() if not is_problem(one, 422, QUERIES[query])} == {}


IDS = ["x", "prp_" + "0" * 32, "%00", "prp_%00", "%FF", "%F0%9F%94%91", "a" * 4000, "%2e%2e", "'--", "prp_%0a", "%25"]


async def test_every_id_that_cannot_be_is_as_good_as_unknown(stack: Stack) -> None:
    """closes governed-proposals 21"""
    answers = {}
    for id in IDS:
        answers[f"GET {id}"] = await raw(
            stack, f"GET {API}/proposals/{id} HTTP/1.1".encode(), secret=stack.agent_secret
        )
        answers[f"DELETE {id}"] = await raw(
            stack, f"DELETE {API}/proposals/{id} HTTP/1.1".encode(), b"{}", secret=stack.agent_secret
        )
        answers[f"GET approval {id}"] = await raw(
            stack, f"GET {API}/approvals/{id} HTTP/1.1".encode(), secret=stack.agent_secret
        )
    assert {name: one for name, one in answers.items() if not is_problem(one, 404, "NOT_FOUND")} == {}


DECISIONS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "an unknown decision": {"decision": "maybe"},
    "yes": {"decision": True},
    "shouting": {"decision": "APPROVE"},
    "an unknown field": {"decision": "approve", "reviewer": "U0BOB"},
    "an unknown memory": {"decision": "approve", "remember": "always"},
    "a memory of no session": {"decision": "approve", "remember": "session"},
    "a memory long over": {"decision": "approve", "remember": "forever", "remember_until": "2020-01-01T00:00:00Z"},
    "uses of no memory": {"decision": "approve", "remember_uses": 3},
    "a pattern of nothing": {"decision": "approve", "remember": "forever", "remember_pattern": {}},
    "a pattern of other calls": {
        "decision": "approve",
        "remember": "forever",
        "remember_pattern": {"fields": {"/service": "billing"}},
    },
    "a moment without a zone": {"decision": "defer", "reason": "x", "until": "2026-11-23T12:00:00"},
    "a moment as a number": {"decision": "defer", "reason": "x", "until": 1795435200},
    "no moment": {"decision": "defer", "reason": "x"},
    "a moment long gone": {"decision": "defer", "reason": "x", "until": "0001-01-01T00:00:00+23:59"},
    "a moment beyond time": {"decision": "defer", "reason": "x", "until": "9999-12-31T23:59:59-23:59"},
    "no reason": {"decision": "reject"},
    "an empty reason": {"decision": "deny", "reason": " \t\n"},
    "a reason without end": {"decision": "reject", "reason": "x" * 2001},
    "half a digest": {"decision": "approve", "digest": "sha256:00"},
}


async def test_every_decision_that_makes_no_sense_is_refused_and_decides_nothing(stack: Stack) -> None:
    """closes governed-proposals 21; autonomy-and-trust 17; l1-l2-l3-enforcement 13"""
    request, bob = await waiting_for(stack), await stack.key(KeyKind.OPERATOR, "U0BOB")
    answers = {
        name: await stack.signed(bob, "POST", f"{API}/approvals/{request}", one) for name, one in DECISIONS.items()
    }
    assert {name: one for name, one in answers.items() if one[0] != 422} == {}
    assert await count(stack.database, Review) == 0


@pytest.mark.parametrize("sent", [b'{"because":"x"}', b'{"reason":5}', b"[]", b'{"reason":"%s"}' % (b"x" * 2001)])
async def test_a_withdrawal_is_read_as_strictly(stack: Stack, sent: bytes) -> None:
    _, proposed = await stack.propose()
    status, _ = await stack.call("DELETE", f"{API}/proposals/{proposed['proposal_id']}", raw=sent)
    assert status == 422
    assert (await stack.call("GET", f"{API}/proposals/{proposed['proposal_id']}"))[1]["state"] == "pending"


async def test_other_addresses_and_methods_are_refused_in_json(stack: Stack) -> None:
    for method, path in (("GET", "/"), ("GET", "/api/v1"), ("GET", "/api/v2/proposals"), ("POST", f"{API}/nothing")):
        assert is_problem(await stack.call(method, path), 404, "NOT_FOUND"), path
    for method, path in (("PUT", f"{API}/proposals"), ("GET", f"{API}/proposals"), ("PATCH", f"{API}/approvals/apr_1")):
        assert is_problem(await stack.call(method, path), 405, "METHOD_NOT_ALLOWED"), path
