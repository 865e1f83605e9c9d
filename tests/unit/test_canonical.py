"""Canonical JSON is RFC 8785, and the digests built on it change exactly when the call does."""

import hashlib
import hmac
import json
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.canonical import (
    MAX_INT,
    call_digest,
    canonical,
    content_hash,
    keyed_hash,
    parse_strict,
    short,
)

#: IEEE 754 bit patterns and how they are written, from appendix B of the RFC.
FLOATS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
}


def json_values():
    numbers = st.integers(-MAX_INT, MAX_INT) | st.floats(allow_nan=False, allow_infinity=False).filter(
        lambda x: abs(x) <= MAX_INT or abs(x) >= 1e21
    )
    leaves = st.none() | st.booleans() | numbers | st.text()
    return st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


@pytest.mark.parametrize(("bits", "written"), FLOATS.items())
def test_numbers_are_written_as_the_rfc_lists_them(bits, written):
    number = struct.unpack(">d", bytes.fromhex(bits))[0]
    assert canonical([number]).decode() == f"[{written}]"


def test_the_worked_example_of_the_rfc():
    raw = (
        r'{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],'
        r'"string":"\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}'
    )
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        r'"string":"€$\u000f\nA' + "'" + r'B\"\\\\\"/"}'
    )
    assert canonical(parse_strict(raw.encode())).decode() == expected


def test_keys_are_ordered_by_utf_16_code_units():
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    written = canonical(dict.fromkeys(keys, 0))
    assert list(json.loads(written)) == ordered != sorted(keys)


@pytest.mark.parametrize("number", [math.nan, math.inf, MAX_INT + 1])
def test_what_json_cannot_hold_is_never_written(number):
    with pytest.raises(ValueError):
        canonical({"n": number})


@given(json_values())
def test_any_value_comes_back_equal_from_its_canonical_bytes(value):
    """closes l1-l2-l3-enforcement 19"""
    written = canonical(value)
    again = parse_strict(written)
    assert again == value
    assert canonical(again) == written


@given(st.dictionaries(st.text(), json_values(), max_size=6), st.randoms())
def test_the_order_in_which_keys_were_sent_changes_no_digest(arguments, random):
    """closes governed-proposals 11"""
    names = list(arguments)
    random.shuffle(names)
    shuffled = {name: arguments[name] for name in names}
    assert call_digest("t", "v", shuffled) == call_digest("t", "v", arguments)


def test_a_digest_is_stable_across_releases():
    body = b'{"arguments":{"service":"checkout"},"tool":"deploy","version":"v1"}'
    expected = "sha256:" + hashlib.sha256(body).hexdigest()
    assert call_digest("deploy", "v1", {"service": "checkout"}) == expected
    assert short(expected) == expected[7:19]
    assert short("abcdef0123456789") == "abcdef012345"


@pytest.mark.parametrize(
    "other",
    [
        ("deploy2", "v1", {"a": 1}),
        ("deploy", "v2", {"a": 1}),
        ("deploy", "v1", {"a": 2}),
        ("deploy", "v1", {"a": "1"}),
        ("deploy", "v1", {"a": True}),
        ("deploy", "v1", {"a": [1]}),
        ("deploy", "v1", {"a": 1, "b": None}),
    ],
)
def test_any_part_of_the_call_changes_its_digest(other):
    assert call_digest(*other) != call_digest("deploy", "v1", {"a": 1})


def test_one_number_spelt_in_two_ways_is_one_call():
    assert call_digest("t", "v", parse_strict(b"[1.0,10]")) == call_digest("t", "v", parse_strict(b"[1,1e1]"))


def test_keyed_hashes_and_content_hashes_are_over_canonical_bytes():
    value, written = {"b": 1, "a": "é"}, '{"a":"é","b":1}'.encode()
    assert keyed_hash(b"k", value) == hmac.new(b"k", written, hashlib.sha256).hexdigest()
    assert keyed_hash(b"k", value) != keyed_hash(b"l", value)
    assert content_hash(value) == hashlib.sha256(written).hexdigest()
