"""Arguments on a card: complete where there is room, else cut visibly with the size of what is hidden."""

import json

import pytest
from hypothesis import given

from bot.cards import arguments
from bot.cards.blocks import date, mrkdwn
from governance.canonical import canonical
from tests.unit.dossiers import NOW, argument_sets, texts

ROOM = arguments.PREVIEW_TOTAL + 200


def stored(value):
    return canonical(value).decode()


def test_what_fits_is_shown_whole():
    value = {"service": "checkout", "list": [1, 2.5, None, True], "é": "ü"}
    shown = arguments.preview(stored(value))
    assert json.loads(shown) == value
    assert shown == arguments.complete(stored(value))
    assert not arguments.is_cut(stored(value))


def test_a_long_value_is_cut_with_the_size_of_what_is_hidden():
    shown = arguments.preview(stored({"a": "x" * 5000, "b": 1}))
    assert shown == "\n".join(['a: "' + "x" * 399 + "… (4,602 of 5,002 characters hidden; Details shows all)", "b: 1"])
    assert arguments.is_cut(stored({"a": "x" * 5000, "b": 1}))


@pytest.mark.parametrize("count", [21, 500])
def test_fields_that_have_no_room_are_counted(count):
    shown = arguments.preview(stored({f"field {i:03}": "x" * 150 for i in range(count)})).split("\n")
    listed, more = shown[:-1], shown[-1]
    assert more == f"… and {count - len(listed)} more fields, all of them in Details"
    assert [line[:9] for line in listed] == [f"field {i:03}" for i in range(len(listed))]


@given(argument_sets)
def test_a_preview_always_fits_and_says_when_it_is_cut(value):
    shown = arguments.preview(stored(value))
    assert len(shown) <= ROOM
    assert arguments.is_cut(stored(value)) is (shown != arguments.complete(stored(value)))
    assert len(arguments.one_line_preview(stored(value), 100)) <= 100


@given(texts)
def test_escaped_text_holds_nothing_that_slack_would_parse(text):
    escaped = mrkdwn(text)
    assert "<" not in escaped
    assert ">" not in escaped
    assert "\x00" not in escaped
    assert escaped.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").count("&") == 0


def test_a_moment_is_shown_in_each_readers_own_time_zone():
    expected = f"<!date^{int(NOW.timestamp())}^{{date_short_pretty}} {{time}}|2026-11-23 12:00 UTC>"
    assert date(NOW) == expected
