"""The signature of operators: known vectors, and every part of a call in it."""

import hashlib
import hmac

import pytest

from countersign_client import signing

CALL = {
    "secret": "cs_op_test-secret", "method": "POST", "target": "/api/v1/approvals/apr_1?x=%20y",
    "timestamp": "1770000000", "nonce": "0123456789abcdef", "body": b'{"decision":"approve"}',
}  # fmt: skip


def test_the_canonical_text_is_the_one_of_the_contract() -> None:
    assert signing.canonical("GET", "/api/v1/whoami", "1770000000", "0123456789abcdef") == (
        "v1\nGET\n/api/v1/whoami\n1770000000\n0123456789abcdef\n"
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


def test_known_calls_have_known_signatures() -> None:
    assert signing.sign(**CALL) == "v1=8910dc57e48591d47f92a51ed15d4fab937aecb2fb490d8ba04fed53a2408e0f"
    by_hand = hmac.new(
        b"cs_op_test-secret",
        b"v1\nPOST\n/api/v1/approvals/apr_1?x=%20y\n1770000000\n0123456789abcdef\n"
        + hashlib.sha256(b'{"decision":"approve"}').hexdigest().encode(),
        hashlib.sha256,
    ).hexdigest()
    assert signing.sign(**CALL) == f"v1={by_hand}"


@pytest.mark.parametrize("part", CALL)
def test_every_part_of_a_call_is_signed(part: str) -> None:
    other = CALL[part] + (b" " if part == "body" else "0")  # type: ignore[operator]
    assert signing.sign(**{**CALL, part: other}) != signing.sign(**CALL)  # type: ignore[arg-type]
