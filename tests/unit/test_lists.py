"""Lists, short forms and the modal for several: whatever stands in them, Slack takes them and nobody is pinged."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.cards.batch import MOST, Ending, Outcome, choosing_modal, summary, summary_modal, working_modal
from bot.cards.lists import Line, Listing, entry, in_short, listing, sentence, shared
from bot.listeners.words import helping
from bot.listeners.words.families import FAMILIES
from bot.workspace.mrkdwn import reach
from governance.lifecycle import ExecutionStatus, RequestStatus
from tests.unit.blockkit import buttons, check_message, check_view, mrkdwn_texts, strings, whole_text
from tests.unit.dossiers import PIECES, dossier, dossiers, execution, names, repeated, request, texts

thoroughly = settings(max_examples=60, suppress_health_check=list(HealthCheck))
LINK = "https://acme.slack.com/archives/C0APPROVALS/p1795293126326747"
MARKER = "AGENT-SAID-THIS"


def page(found, count=10, **more):
    lines = tuple(entry(found, LINK, is_yours=True) for _ in range(count))
    more = {"page": 1, "pages": 3, "question": "q" * 1900, "can_share": True, "can_batch": True} | more
    return Listing("*23 requests wait for you*", lines, ("Only the newest 500 open requests were looked at.",), **more)


@given(dossiers().filter(lambda found: found.request is not None))
@thoroughly
def test_any_page_of_any_requests_fits_and_pings_nobody(found):
    own, everybody = listing(page(found)), shared(page(found), "U0BOB")
    for made in (own, everybody):
        check_message(made)
        assert reach(made.text, made.blocks).pings == []
    assert set(reach(everybody.text, everybody.blocks).mentions) <= {"U0BOB"}
    assert buttons(everybody.blocks) == []


@given(dossiers())
@thoroughly
def test_any_call_in_short_fits(found):
    made = in_short(found, LINK)
    check_message(made)
    assert reach(made.text, made.blocks).pings == []


@pytest.mark.parametrize("status", RequestStatus)
@pytest.mark.parametrize("piece", [piece for piece in PIECES if piece])
def test_a_page_fits_with_every_name_at_its_longest(status, piece):
    text = ("n" + repeated(piece, 10_000))[:200]
    found = dossier(request(status), title=text, agent_name=text, agent_id="a" * 200, tool="t" * 200, consequence=text)
    check_message(listing(page(found)))
    check_message(in_short(found, LINK))


def test_a_list_has_the_buttons_that_lead_somewhere():
    found = dossier(request())
    rows = {
        (0, 1): ["Approve several…", "Share here"],
        (0, 2): ["Next", "Approve several…", "Share here"],
        (1, 2): ["Previous", "Approve several…", "Share here"],
    }
    for (number, pages), words in rows.items():
        made = listing(page(found, page=number, pages=pages))
        assert [one["text"]["text"] for one in made.blocks[-1]["elements"]] == words
    quiet = listing(page(found, page=0, pages=1, can_share=False, can_batch=False))
    assert [block["type"] for block in quiet.blocks][-1] == "context"


def test_where_the_text_has_no_room_for_all_lines_it_ends_between_two():
    made = listing(Listing("head", tuple(Line(f"{number}" + "x" * 900) for number in range(10))))
    assert made.text.splitlines()[-1] == "…"
    assert all(len(line) == 903 for line in made.text.splitlines()[1:-1])
    assert len(made.blocks) == 11


def test_nothing_an_agent_said_stands_where_slack_parses_it():
    found = dossier(
        request(RequestStatus.APPROVED), running=execution(ExecutionStatus.SUCCEEDED, result=MARKER),
        arguments={MARKER: MARKER}, consequence=MARKER, rationale=MARKER,
    )  # fmt: skip
    assert MARKER not in str(listing(page(found)))
    assert MARKER not in "".join(mrkdwn_texts(in_short(found, LINK).blocks))
    assert MARKER in whole_text(in_short(found, LINK).blocks)
    assert MARKER not in "".join(mrkdwn_texts(choosing_modal([(found, "rnd_1")], 0)))


@given(st.lists(dossiers(), min_size=1, max_size=4), st.integers(1, MOST), st.integers(0, 99))
@thoroughly
def test_the_modal_for_several_fits_however_many_tools_there_are(found, count, left):
    offered = [(found[i % len(found)], f"rnd_{i:032}") for i in range(count)]
    for i, (one, _) in enumerate(offered):
        one.proposal.tool = f"tool.{i % 7}"
    view = choosing_modal(offered, left)
    check_view(view)
    groups = [block["element"] for block in view["blocks"] if block["type"] == "input"]
    assert sum(len(one["options"]) for one in groups) == count
    assert all(one["options"] == one["initial_options"] for one in groups)


def test_fifty_different_tools_fit_too():
    offered = [(dossier(request(), tool=f"t.{i}"), f"rnd_{i:032}") for i in range(MOST)]
    check_view(choosing_modal(offered, 0))
    check_view(choosing_modal([], 0))
    check_view(working_modal(MOST))


@given(st.lists(st.builds(Outcome, names, st.sampled_from(Ending), st.just("")), max_size=MOST))
@thoroughly
def test_a_summary_fits_and_counts_everything(outcomes):
    check_view(summary_modal(outcomes))
    counted = [int(one) for one in summary(outcomes).split("\n")[0].split("*")[1::2]]
    assert sum(counted) == len(outcomes)


def test_a_summary_names_what_was_not_approved():
    said = summary([Outcome("A", Ending.APPROVED), Outcome("B", Ending.ALREADY, "already approved by <@U0CAROL>")])
    assert said == "*1* approved · *1* already decided\n• B: already approved by <@U0CAROL>"
    assert strings(summary_modal([]))[-1] == "Nothing was ticked, so nothing was approved."


@given(texts)
@thoroughly
def test_an_unknown_word_is_repeated_harmlessly(text):
    said = helping.unknown(text, None)
    assert reach(said, []).pings == []
    assert len(sentence(said).text) < 400


@pytest.mark.parametrize("family", FAMILIES, ids=lambda one: one.command)
def test_help_explains_every_word_in_short(policy, family):
    said = helping.overview(family.words, policy, family.command, family.help_examples, family.more).message.text
    assert {name for name in family.words if f"• `{name}` " not in said} == set()
    assert f"{family.command} " in said
    assert "{" not in said
    assert len(said) < 1500
    for name, word in family.words.items():
        about = helping.about(name, word, policy, family.command).message.text
        assert about.startswith(f"*{name}* ")
        assert "{" not in about
