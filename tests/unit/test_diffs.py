"""What an edit changed: readable on a card, complete in Details, never too long, and quick on anything."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards.diffs import changes, changes_in_short
from governance.canonical import canonical
from tests.unit.dossiers import argument_sets


def text(value):
    return canonical(value).decode()


def test_a_changed_line_stands_before_and_after_with_its_surroundings():
    before, after = {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, {"a": 1, "b": 2, "c": 30, "d": 4, "e": 5}
    assert changes_in_short(text(before), text(after), 1200) == "\n".join(
        ['    "a": 1,', '    "b": 2,', '-   "c": 3,', '+   "c": 30,', '    "d": 4,', '    "e": 5']
    )


def test_a_long_line_is_cut_around_where_it_differs():
    before, after = {"note": "x" * 5000 + "OLD" + "y" * 5000}, {"note": "x" * 5000 + "NEW" + "y" * 5000}
    shown = changes_in_short(text(before), text(after), 1200)
    assert "OLD" in shown
    assert "NEW" in shown
    assert len(shown) < 600
    complete = changes(text(before), text(after))
    assert "x" * 5000 + "OLD" + "y" * 5000 in complete
    assert "x" * 5000 + "NEW" + "y" * 5000 in complete


def test_what_does_not_fit_is_counted():
    shown = changes_in_short(text({"a": list(range(200))}), text({"a": list(range(1000, 1200))}), 300)
    assert len(shown) <= 400
    assert shown.splitlines()[-1].endswith("more lines; Details shows all")


def test_thousands_of_lines_are_not_compared():
    before, after = text({"a": [1] * 5000}), text({"a": [1, 2] * 2500})
    assert changes_in_short(before, after, 1200) == "Too long to compare here; Details shows both versions."
    assert changes(before, after) == "Too long to compare line by line; both versions stand below in full."


@given(argument_sets, argument_sets, st.integers(100, 1200))
@settings(max_examples=40)
def test_a_diff_of_anything_stays_within_its_room(before, after, limit):
    assert len(changes_in_short(text(before), text(after), limit)) <= limit + 100
