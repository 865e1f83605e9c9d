"""The audit chain: any change to an entry, its place or its past changes every later hash."""

import hashlib
import hmac

import pytest

from governance.canonical import canonical
from governance.chain import GENESIS, entry_mac, is_authentic, link

NONCE = "0123456789abcdef"
CONTENT = {"kind": "approval.decided", "actor": "person:U0BOB", "detail": {"verdict": "approve", "n": 1}}


def test_the_first_entry_links_to_a_fixed_beginning():
    body = {"previous": GENESIS, "index": 0, "entry": 7, "content": CONTENT}
    assert GENESIS == "0" * 64
    assert link(GENESIS, 0, 7, CONTENT) == hashlib.sha256(canonical(body)).hexdigest()


@pytest.mark.parametrize(
    "changed",
    [
        ("1" * 64, 0, 7, CONTENT),
        (GENESIS, 1, 7, CONTENT),
        (GENESIS, 0, 8, CONTENT),
        (GENESIS, 0, 7, {**CONTENT, "actor": "person:U0MALLORY"}),
        (GENESIS, 0, 7, {**CONTENT, "detail": {"verdict": "approve", "n": "1"}}),
        (GENESIS, 0, 7, {**CONTENT, "extra": None}),
    ],
)
def test_any_change_breaks_the_link(changed):
    assert link(*changed) != link(GENESIS, 0, 7, CONTENT)


def test_the_order_of_keys_is_no_change():
    shuffled = dict(reversed(CONTENT.items()))
    assert link(GENESIS, 0, 7, shuffled) == link(GENESIS, 0, 7, CONTENT)
    assert entry_mac(b"key", NONCE, shuffled) == entry_mac(b"key", NONCE, CONTENT)


def test_under_a_key_the_link_is_one_that_nobody_else_can_make():
    keyed = link(GENESIS, 1, 7, CONTENT, b"key")
    assert len({keyed, link(GENESIS, 1, 7, CONTENT), link(GENESIS, 1, 7, CONTENT, b"other")}) == 3


def test_an_entry_is_authenticated_under_the_key():
    mac = entry_mac(b"key", NONCE, CONTENT)
    body = canonical({"nonce": NONCE, "content": CONTENT})
    assert mac == NONCE + hmac.new(b"key", body, hashlib.sha256).hexdigest()[:48]
    assert is_authentic(b"key", mac, CONTENT)
    for key, told, content in (
        (b"other", mac, CONTENT), (b"key", mac, {**CONTENT, "kind": "approval.expired"}),
        (b"key", "1" * 16 + mac[16:], CONTENT), (b"key", mac[:-1], CONTENT), (b"key", "", CONTENT),
        (b"key", "ä", CONTENT),
    ):  # fmt: skip
        assert not is_authentic(key, told, content)


def test_two_entries_that_change_places_are_noticed():
    first, second = {"n": 1}, {"n": 2}
    there = link(link(GENESIS, 0, 1, first), 1, 2, second)
    back = link(link(GENESIS, 0, 2, second), 1, 1, first)
    assert there != back
