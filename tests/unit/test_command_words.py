"""What people type after a command: understood where one thing can be meant, asked back where not, never a fault."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.listeners.words import table
from bot.listeners.words.filters import read_filters
from bot.listeners.words.paging import PER_PAGE, cut_out, page_of, question, read_question
from bot.listeners.words.parsing import LONGEST, bare, ends_in_share, near, tidy, understand
from governance.errors import NotFound, Refusal, Unprocessable
from governance.lifecycle import RequestStatus
from storage.lists import Filters
from tests.unit.dossiers import PIECES

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
typed = st.text() | st.lists(st.sampled_from([*PIECES, "mine", "agent:", "older:9d", "“", "`", "share"])).map(" ".join)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "mine"), ("  ", "mine"), ("mine", "mine"), ("MINE!", "mine"), ("my?", "mine"), ("“mine”", "mine"),
        ("`pending`", "pending"), ("*list*,", "pending"), ("All.", "pending"), ("'open'", "pending"),
        ("find checkout", "search"), ("bulk", "batch"), ("Batch", "batch"), ("?", "help"), ("HELP", "help"),
        ("mi\u200bne", "mine"), ("\u00a0mine\u00a0", "mine"), ("/pending", "pending"), ("--help", "help"),
        ("apr_0197abc", "show"), ("`prp_0197abc`.", "show"), ("approve apr_0197abc", "show"),
    ],
)  # fmt: skip
def test_a_word_is_understood_however_it_is_dressed(text: str, word: str) -> None:
    assert table.word_named(understand(text).word) == word


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("search <@U0BOB|bob>", "<@U0BOB>"),
        ("search <#C0DEPLOYS|deploys>", "<#C0DEPLOYS>"),
        ("search a &amp; b &lt;c&gt;", "a & b <c>"),
        ("search “checkout”", '"checkout"'),
        ("show <https://acme.slack.com/p1|apr_0197abc>", "https://acme.slack.com/p1 apr_0197abc"),
        ("search  two\n  words\u202e", "two words"),
    ],
)  # fmt: skip
def test_what_follows_means_what_was_meant(text: str, rest: str) -> None:
    assert understand(text).rest == rest


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("pendign", "pending"), ("mien", "mine"), ("resum", "resume"), ("serach", "search"), ("revok", "revoke"),
     ("batches", "batch"), ("halp", "help"), ("xyzzy", None), ("", None)],
)  # fmt: skip
def test_who_mistypes_is_asked_whether_they_meant_the_nearest_word(wrong: str, right: str | None) -> None:
    assert near(wrong, (*table.WORDS, table.HELP), table.SYNONYMS) == right


def test_every_synonym_stands_for_a_word_and_hides_none() -> None:
    words = {*table.WORDS, table.HELP}
    assert set(table.SYNONYMS.values()) <= words
    assert not words & set(table.SYNONYMS)
    assert set(table.LISTS) <= set(table.WORDS)


@pytest.mark.parametrize(
    ("rest", "without", "shared"),
    [("", "", False), ("share", "", True), ("Share here!", "", True), ("agent:x share", "agent:x", True),
     ("share me", "share me", False), ("shareholders", "shareholders", False)],
)  # fmt: skip
def test_a_final_share_is_no_part_of_the_question(rest: str, without: str, shared: bool) -> None:
    assert ends_in_share(rest) == (without, shared)


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("agent:Deployer", Filters(agent="Deployer")),
        ("tool:`deploy.*`", Filters(tool="deploy.*")),
        ("RISK:Low-Write, status:Approved", Filters(risk="low_write", status=RequestStatus.APPROVED)),
        ("older:2h", Filters(asked_before=NOW - timedelta(hours=2))),
        ("older than 3 days", Filters(asked_before=NOW - timedelta(days=3))),
        ("older:90min", Filters(asked_before=NOW - timedelta(minutes=90))),
    ],
)
def test_filters_narrow_a_list(text: str, filters: Filters) -> None:
    found = read_filters(text, NOW)
    assert (found.filters, found.words) == (filters, ())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("colour:red", "I do not know the filter `colour:`"), ("risk:huge", "risk: is one of"),
     ("status:maybe", "status: is one of"), ("older:soon", "older: takes a number"), ("a b c d e f g", "6 words")],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_says_what_would(text: str, sentence: str) -> None:
    with pytest.raises(Unprocessable, match=sentence):
        read_filters(text, NOW)


@given(typed)
def test_nothing_anybody_types_breaks_the_reading_of_it(text: str) -> None:
    said = understand(text)
    assert len(tidy(text)) <= LONGEST * 2
    assert said.word == bare(said.word)
    ends_in_share(said.rest)
    near(said.word, table.WORDS, table.SYNONYMS)
    try:
        found = read_filters(said.rest, NOW)
    except Refusal:
        return
    assert all(word.isprintable() for word in found.words)


@given(st.integers(-(10**9), 10**9), st.integers(0, 1000))
def test_a_page_is_always_one_that_is_there(wanted: int, count: int) -> None:
    number, pages = page_of(wanted, count)
    assert 0 <= number < pages
    seen = [one for page in range(pages) for one in cut_out(range(count), page)]
    assert (seen, len(cut_out(range(count), number)) <= PER_PAGE) == (list(range(count)), True)


@given(typed, st.integers(0, 100))
def test_a_list_s_buttons_carry_the_question_and_fit(rest: str, page: int) -> None:
    from bot.listeners.words.spoken import Spoken

    value = question("mine", Spoken(None, "U0BOB", rest, page))  # type: ignore[arg-type]
    assert len(value) <= 2000
    assert read_question(value) == ("mine", rest[:300], page)


@given(st.text() | st.sampled_from(["[]", "{}", "[1,2,3]", '["mine","",true]', '["mine","",1.5]', "null", '["a"]']))
def test_a_button_that_carries_anything_else_is_refused(value: str) -> None:
    with pytest.raises(NotFound):
        read_question(value)
