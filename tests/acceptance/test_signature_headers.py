"""How a signed call is written: its headers, odd ones too, and in what order a call is looked at."""

import ast
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

import bot.api.principals as principals
from storage.tables import Nonce, Review
from tests.acceptance.signing import API, APPROVE, REFUSED, SIGNATURE, decision, exchange
from tests.conftest import Clock
from tests.integration.calls import Key, is_problem, send, signed_headers, waiting_for
from tests.integration.verbs import count
from tests.stack import Stack


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def stack_options(clock: Clock) -> dict[str, Any]:
    return {"clock": clock}


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
