"""Text from outside: whatever would be invisible or turn the line around is written out."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.text import cut, one_line, storable, visible

HIDDEN = {
    "right-to-left override": "\u202e",
    "left-to-right isolate": "\u2066",
    "pop directional isolate": "\u2069",
    "Arabic letter mark": "\u061c",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "NUL": "\x00",
    "escape": "\x1b",
    "carriage return": "\r",
    "next line": "\x85",
    "line separator": "\u2028",
    "a tag character": "\U000e0041",
    "a variation selector": "\ufe00",
    "a variation selector of the supplement": "\U000e0100",
    "an emoji style after a letter": "\ufe0f",
    "a Mongolian variation selector": "\u180b",
    "Hangul filler": "\u3164",
    "combining grapheme joiner": "\u034f",
    "Braille blank": "\u2800",
    "a private character": "\ue000",
    "half of a surrogate pair": "\ud800",
}


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
def test_what_cannot_be_seen_is_written_out(hidden):
    assert visible(f"pay{hidden}pal") == f"pay⟨U+{ord(hidden):04X}⟩pal"


@pytest.mark.parametrize(
    "text", ["plain", "two\nlines\tand a tab", "日本語 العربية עברית ελληνικά", "naïve cafe\u0301", "✅ 🚀 ⚠\ufe0f", ""]
)
def test_what_can_be_seen_stays_as_it_is(text):
    assert visible(text) == text


@given(st.text())
def test_nothing_invisible_is_left_and_seeing_twice_changes_nothing(text):
    shown = visible(text)
    assert not {unicodedata.category(c) for c in shown if c not in "\n\t"} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert visible(shown) == shown


@given(st.text(st.characters(codec="utf-8")))
def test_one_line_is_one_line(text):
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert line == line.strip()


@given(st.text(), st.integers(1, 50))
def test_cutting_keeps_the_limit_and_shows_that_something_is_missing(text, limit):
    short = cut(text, limit)
    assert len(short) <= limit
    assert short == text if len(text) <= limit else short == text[: limit - 1] + "…"


def test_nul_is_stored_as_the_replacement_character():
    assert storable("a\x00b") == "a\ufffdb"
    assert storable("plain") == "plain"
