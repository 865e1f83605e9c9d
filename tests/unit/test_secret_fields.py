"""Secrets are lifted out of what is shown and hashed, put back unchanged, and masked in answers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.canonical import keyed_hash
from governance.secret_fields import MASK, as_pointer, cut_off, join, mask_echoes, split

KEY = b"install key"
ARGUMENTS = {
    "token": "s3cret",
    "a/b": {"~": ["x", {"pin": 4839}]},
    "": "empty name",
    "deep": [[{"k": None}]],
}


@pytest.mark.parametrize(
    ("field", "pointer"),
    [("token", "/token"), ("a/b", "/a~1b"), ("a~b", "/a~0b"), ("/a/b", "/a/b"), ("~1", "/~01")],
)
def test_a_bare_name_stands_for_the_top_level(field, pointer):
    assert as_pointer(field) == pointer


@pytest.mark.parametrize(
    ("field", "pointer", "secret"),
    [
        ("token", "/token", "s3cret"),
        ("/a~1b/~0/0", "/a~1b/~0/0", "x"),
        ("/a~1b/~0/1/pin", "/a~1b/~0/1/pin", 4839),
        ("/a~1b", "/a~1b", {"~": ["x", {"pin": 4839}]}),
        ("/", "/", "empty name"),
        ("/deep/0/0/k", "/deep/0/0/k", None),
    ],
)
def test_a_secret_is_lifted_out_from_wherever_its_pointer_leads(field, pointer, secret):
    parts = split(ARGUMENTS, [field], KEY)
    assert parts.secrets == {pointer: secret}
    assert join({}, {}) == {}
    assert split(parts.masked, [field], KEY).secrets == {pointer: MASK}
    assert split(parts.hashed, [field], KEY).secrets == {pointer: "hmac-sha256:" + keyed_hash(KEY, secret)}
    assert join(parts.masked, parts.secrets) == ARGUMENTS


@pytest.mark.parametrize(
    "field", ["missing", "/token/0", "/deep/1", "/deep/-1", "/deep/x", "/deep/0/0/k/l", "/a~1b/~0/2", "/a/b"]
)
def test_a_pointer_that_leads_nowhere_hides_nothing_and_breaks_nothing(field):
    parts = split(ARGUMENTS, [field], KEY)
    assert parts.secrets == {}
    assert parts.masked == parts.hashed == ARGUMENTS


def test_the_arguments_handed_in_are_left_alone():
    arguments = {"token": "s3cret", "list": [{"k": 1}]}
    split(arguments, ["token", "/list/0/k"], KEY)
    assert arguments == {"token": "s3cret", "list": [{"k": 1}]}


def test_a_hashed_secret_cannot_be_guessed_without_the_install_key():
    first, same, other = (split({"t": "1"}, ["t"], key).hashed for key in (b"a", b"a", b"b"))
    assert first == same != other


@given(st.data())
def test_joining_undoes_splitting_and_no_secret_is_left_behind(data):
    secret = st.integers(0, 10**6).map(lambda n: f"SECRET-{n}-SECRET")
    plain = st.none() | st.booleans() | st.integers(-99, 99) | st.text('ab/~ "\\é', max_size=4)
    names = st.sampled_from(["", "a", "a/b", "~", "~1", "0", "é"])
    values = st.recursive(
        plain | secret, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
    )
    arguments = data.draw(st.dictionaries(names, values, max_size=4))
    found = list(_pointers_to_secrets(arguments))
    extra = data.draw(st.lists(st.sampled_from(["a", "/a", "/a/0", "/~1/a~1b", "/~0"]), max_size=3))
    fields = data.draw(st.permutations([*found, *extra]))
    parts = split(arguments, fields, KEY)
    assert join(parts.masked, parts.secrets) == arguments
    assert "SECRET" not in json.dumps([parts.masked, parts.hashed])


def _pointers_to_secrets(node, path=""):
    if isinstance(node, str) and "SECRET" in node:
        yield path
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, child in children:
        yield from _pointers_to_secrets(child, f"{path}/{str(name).replace('~', '~0').replace('/', '~1')}")


@pytest.mark.parametrize(
    ("answer", "secrets", "masked"),
    [
        ("token s3cret refused", ["s3cret"], f"token {MASK} refused"),
        ('say "hé\\"y" twice', ['hé"y'], f'say "{MASK}" twice'),
        (r'say "h\u00e9\"y" twice', ['hé"y'], f'say "{MASK}" twice'),
        ("ab and abc", ["ab", "abc"], f"{MASK} and {MASK}"),
        ("deep is deep", [{"x": [["deep"]]}], f"{MASK} is {MASK}"),
        ("pin 4839 is wrong", [4839], f"pin {MASK} is wrong"),
        ("nothing here", ["", None, True, {}], "nothing here"),
        ("7 of 42 done", [7, 42], "7 of 42 done"),
    ],
)
def test_what_an_answer_echoes_is_masked(answer, secrets, masked):
    assert mask_echoes(answer, secrets) == masked


@pytest.mark.parametrize(
    ("answer", "secrets", "masked"),
    [
        ({"t": "s3cret", "s3cret": ["s3cret!"]}, ["s3cret"], {"t": MASK, MASK: [f"{MASK}!"]}),
        ({"pin": 4839, "n": 48390, "m": 483}, [4839], {"pin": MASK, "n": MASK, "m": 483}),
        (1000, ["000"], MASK),
        ({"a": 1, "b": True}, ["}", ":", ",", "true"], {"a": 1, "b": True}),
        ({"a": "x\ny"}, ["x\ny"], {"a": MASK}),
        ('{"inner":"h\\u00e9"}', ["hé"], f'{{"inner":"{MASK}"}}'),
    ],
)
def test_an_answer_in_json_stays_json(answer, secrets, masked):
    for ascii_only in (True, False):
        assert json.loads(mask_echoes(json.dumps(answer, ensure_ascii=ascii_only), secrets)) == masked


@given(st.text(min_size=3), st.text(), st.text())
def test_no_secret_survives_in_an_answer(secret, before, after):
    text = before + secret + after
    if MASK[0] in text:
        return
    assert secret not in mask_echoes(text, [secret])
    assert secret not in json.loads(mask_echoes(json.dumps({"said": text}), [secret]))["said"]
    assert mask_echoes(text, []) == text


def test_an_answer_without_echoes_is_returned_byte_by_byte():
    answer = '{ "b": 1.0, "a": "\\u00e9" }'
    assert mask_echoes(answer, ["s3cret", 4839]) == answer


@pytest.mark.parametrize(
    ("text", "secrets", "shown"),
    [
        ("said s3cr", ["s3cret"], "said "),
        ("said s3cret", ["s3cret"], f"said {MASK}"),
        ("s3cret s3", ["s3cret"], f"{MASK} "),
        ("said nothing", ["s3cret"], "said nothing"),
        ("xs3cret and bs", ["s3cret", "and bstand"], f"x{MASK} "),
        ('"a\\\\n', ["a\\nb"], '"'),
        ("abab", ["ababac"], ""),
        ("s", ["s"], MASK),
        ("", ["s3cret"], ""),
        ("text", [], "text"),
    ],
)
def test_half_a_secret_at_a_cut_is_left_out(text, secrets, shown):
    assert cut_off(text, secrets) == shown


@given(st.text("ab", min_size=2, max_size=12), st.integers(1, 11), st.text("ab", max_size=8))
def test_no_cut_through_a_secret_leaves_any_of_it_at_the_end(secret, at, before):
    assert cut_off(before + "|" + secret[: min(at, len(secret) - 1)], [secret]).endswith("|")


def test_a_secret_that_a_caller_repeats_elsewhere_is_secret_there_too():
    arguments = {"token": "s3cret-1", "note": "use s3cret-1 for it", "list": ["x", {"k": "s3cret-1"}], "plain": "s3c"}
    parts = split(arguments, ["token"], KEY)
    assert set(parts.secrets) == {"/token", "/note", "/list/1/k"}
    assert "s3cret-1" not in json.dumps([parts.masked, parts.hashed])
    assert parts.masked["plain"] == "s3c"
    assert join(parts.masked, parts.secrets) == arguments
    assert split(arguments, parts.secrets, KEY) == parts


def test_a_short_secret_is_not_looked_for_elsewhere():
    assert set(split({"pin": "1234", "note": "1234 apples"}, ["pin"], KEY).secrets) == {"/pin"}
