"""What people type after a command: understood where one thing can be meant, asked back where not, never a fault."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.listeners.words import table
from bot.listeners.words.clauses import Clauses, length_of, read_clauses, what_and_why
from bot.listeners.words.families import FAMILIES, GRANTS, list_called
from bot.listeners.words.family import Family
from bot.listeners.words.filters import read_filters
from bot.listeners.words.paging import PER_PAGE, cut_out, page_of, question, read_question
from bot.listeners.words.parsing import LONGEST, bare, ends_in_share, near, tidy, understand
from governance.errors import NotFound, Refusal, Unprocessable
from governance.lifecycle import RequestStatus
from storage.lists import Filters
from tests.unit.dossiers import PIECES

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
typed = st.text() | st.lists(
    st.sampled_from([*PIECES, "mine", "because", "for 8h", "until x", "agent:", "older:9d", "“", "`", "share"])
).map(" ".join)


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


@pytest.mark.parametrize("family", FAMILIES, ids=lambda one: one.command)
def test_every_synonym_stands_for_a_word_and_hides_none(family: Family) -> None:
    words = {*family.words, table.HELP}
    assert set(family.synonyms.values()) <= words
    assert not words & set(family.synonyms)
    assert family.lists <= set(family.words)
    assert {*family.help_examples, family.of_agent} <= {*family.words, ""}
    assert family.synonyms[""] in family.lists  # a command alone changes nothing


def test_a_list_s_buttons_say_which_command_it_is_of() -> None:
    assert list_called("mine") == (table.APPROVALS, "mine")
    assert list_called("/grants list") == (GRANTS, "list")
    for other in ("/grants give", "/spend cap", "/nothing list", "list x", "", "/approvals pause"):
        with pytest.raises(NotFound):
            list_called(other)


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("deployer deploy.x for 8h because it must", Clauses("deployer deploy.x", timedelta(hours=8), None, "it must")),
        ("nightly BECAUSE because", Clauses("nightly", None, None, "because")),
        ("“Nightly job” until 2026-12-24", Clauses("“Nightly job”", None, "2026-12-24", "")),
        ("nightly by 2 days", Clauses("nightly", timedelta(days=2), None, "")),
        ("backup 24h", Clauses("backup 24h", None, None, "")),
        ("for 8h", Clauses("", timedelta(hours=8), None, "")),
        ("", Clauses("")),
    ],
)
def test_a_sentence_is_taken_apart(text: str, clauses: Clauses) -> None:
    assert read_clauses(text) == clauses


def test_a_length_may_stand_alone_where_nothing_else_can_be_meant() -> None:
    assert read_clauses("deployer 24h because x", bare_length=True) == Clauses("deployer", timedelta(days=1), None, "x")
    assert what_and_why("backup 24h because x") == ("backup 24h", "x")


@pytest.mark.parametrize("text", ["0h", "31 days", "99999w", "soon", "-1h", "8"])
def test_a_length_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(Unprocessable, match="hours: write how long"):
        length_of(text)


@given(typed)
def test_no_sentence_breaks_its_taking_apart(text: str) -> None:
    for bare_length in (False, True):
        try:
            said = read_clauses(tidy(text), bare_length=bare_length)
        except Unprocessable:
            continue
        assert len(said.what) + len(said.reason) <= len(tidy(text))


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
