"""Strict parsing: whatever two parsers could read differently is refused, and the refusal says which kind it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.api.errors import refused
from governance.canonical import MAX_DEPTH, MAX_INT, canonical, parse_strict
from governance.errors import Malformed, NotStrictJson, Refusal

NO_JSON = {
    "nothing": b"",
    "only space": b"  ",
    "no UTF-8": b'{"a":"\xff"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"a":1}',
    "single quotes": b"{'a':1}",
    "a trailing comma": b'{"a":1,}',
    "a comment": b'{"a":1} // b',
    "two values": b"1 2",
    "a leading zero": b"012",
    "a bare point": b".5",
    "a hex number": b"0x10",
    "a raw newline in a string": b'"a\nb"',
    "an unknown escape": rb'"\x41"',
    "an open bracket": b'{"a":[1}',
}
TWO_READINGS = {
    "a key twice": b'{"a":1,"a":2}',
    "a key twice, once escaped": rb'{"a":1,"\u0061":2}',
    "a key twice, deep inside": b'{"x":[{"a":1,"a":1}]}',
    "NaN": b'{"a":NaN}',
    "Infinity": b"[Infinity]",
    "minus Infinity": b"-Infinity",
    "a number that overflows": b"1e400",
    "a negative number that overflows": b"-1E+999",
    "an integer beyond 2^53-1": str(MAX_INT + 1).encode(),
    "an integer below -(2^53-1)": str(-MAX_INT - 1).encode(),
    "an integer of five thousand digits": b"9" * 5000,
    "such an integer with an exponent": b"1e20",
    "such an integer with a fraction": b"9007199254740993.0",
    "half of a surrogate pair": rb'"\ud800"',
    "the other half": rb'["\udc00"]',
    "half of a pair in a key": rb'{"\ud83d":1}',
    "pairs the wrong way round": rb'"\udc00\ud800"',
    "33 levels of arrays": b"[" * 33 + b"]" * 33,
    "33 levels of objects": b'{"a":' * 33 + b"1" + b"}" * 33,
    "levels beyond any stack": b"[" * 200_000 + b"]" * 200_000,
}


@pytest.mark.parametrize("raw", NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json_is_malformed(raw):
    with pytest.raises(Malformed) as caught:
        parse_strict(raw)
    assert refused(caught.value).status == 400


@pytest.mark.parametrize("raw", TWO_READINGS.values(), ids=TWO_READINGS)
def test_json_that_could_be_read_in_two_ways_is_not_accepted(raw):
    with pytest.raises(NotStrictJson) as caught:
        parse_strict(raw)
    assert refused(caught.value).status == 422
    assert len(caught.value.sentence) < 200


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b" null ", None),
        (b"[true,false]", [True, False]),
        (str(MAX_INT).encode(), MAX_INT),
        (str(-MAX_INT).encode(), -MAX_INT),
        (b"1.5e3", 1500.0),
        (b"1e21", 1e21),
        (b"1e-400", 0.0),
        (rb'"\ud83d\ude00 \u0000"', "😀 \x00"),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)),
        (b'{"a":{"a":1},"b":[{"a":1},{"a":2}]}', {"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}),
    ],
)
def test_what_has_one_reading_is_accepted(raw, value):
    assert parse_strict(raw) == value


@given(st.binary(max_size=60) | st.text(alphabet='{}[],:"\\u0189.eE+-tfn ', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_and_what_is_read_survives_storage(raw):
    try:
        value = parse_strict(raw)
    except Refusal:
        return
    assert parse_strict(canonical(value)) == value


def test_a_refusal_names_the_key_that_stands_twice():
    with pytest.raises(NotStrictJson, match='"service" stands twice'):
        parse_strict(b'{"service":1,"service":2}')


def test_a_syntax_error_names_line_and_column():
    with pytest.raises(Malformed, match="line 2, column 5"):
        parse_strict(b'{"a":1,\n "b"}')
