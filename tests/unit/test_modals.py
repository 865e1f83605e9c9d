"""Modals and the Home tab: everything is there to the last character, and every view is one Slack takes."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.cards import arguments
from bot.cards.blocks import date
from bot.cards.modals import details_modal, message_modal
from bot.ids import Action
from governance.lifecycle import ExecutionStatus, RequestStatus
from governance.text import visible
from tests.unit.blockkit import buttons, check_view, mrkdwn_texts, strings, walk, whole_text
from tests.unit.dossiers import (
    NOW,
    PIECES,
    RENDERING,
    dossier,
    dossiers,
    entry,
    execution,
    names,
    repeated,
    request,
    texts,
    trails,
)

thoroughly = settings(max_examples=40, suppress_health_check=list(HealthCheck))


def pages_of(found, **more):
    """Every page of Details, turned by the buttons themselves."""
    pages = [details_modal(found, RENDERING, **more)]
    while on := [one for one in buttons(pages[-1]) if one["action_id"] == Action.DETAILS_PAGE_ON]:
        pages.append(details_modal(found, RENDERING, int(on[0]["value"]), **more))
        assert len(pages) < 1000
    return pages


def written(pages, kind):
    """The text of all boxes of one kind across pages."""
    boxes = [one for page in pages for one in walk(page) if one.get("type") == kind]
    return "".join(part["text"] for box in boxes for part in box["elements"])


@given(dossiers())
@thoroughly
def test_details_are_complete_across_pages_that_fit(found):
    pages = pages_of(found)
    for page in pages:
        check_view(page)
        assert page["private_metadata"] == RENDERING
    assert written(pages, "rich_text_quote") == visible(found.proposal.rationale or "")
    boxes = written(pages, "rich_text_preformatted")
    assert boxes.startswith(arguments.complete(found.proposal.arguments))
    came_back = [text or "" for text in (found.execution.result, found.execution.error)] if found.execution else []
    first_version = arguments.complete(found.proposal.proposed_arguments or found.proposal.arguments)
    assert boxes.endswith(first_version + visible("".join(came_back)))


@given(dossiers(), trails, st.booleans(), st.sampled_from(["", "3 of 10 this hour (7 left)"]))
@thoroughly
def test_details_with_their_trail_fit_and_parse_nothing_that_was_said(found, trail, sent, budget):
    pages = pages_of(found, trail=trail, sent=sent, budget=budget)
    for page in pages:
        check_view(page)
        assert all("accessibility_label" in one for one in buttons(page))
    told = "\n".join(map(whole_text, pages))
    assert told.count("version: ") >= len(trail)
    assert (budget in told, "it is in your direct messages" in told) == (True, sent)


def test_the_trail_says_when_who_what_and_why_and_pings_nobody():
    trail = [entry("review.recorded", reason="<!channel> not now", verdict="defer", remember=None),
             entry("execution.finished", "system", error="HTTP 400", attempt=2)]  # fmt: skip
    shown = details_modal(dossier(request()), RENDERING, trail=trail)
    assert "reason: <!channel> not now\nverdict: defer" in strings(shown)
    assert "error: HTTP 400\nattempt: 2" in strings(shown)
    assert not [text for text in mrkdwn_texts(shown) if "<!channel>" in text or "HTTP 400" in text]
    lines = [
        text for text in mrkdwn_texts(shown) if text.endswith(("*review recorded* · <@U0BOB>", "finished* · system"))
    ]
    assert [text.split(" · ")[0] for text in lines] == [date(NOW)] * 2


def test_names_that_an_agent_chose_are_parsed_by_nobody():
    chosen = {"session_id": "<!here> s", "trace_id": "<!here> t", "idempotency_key": "<!here> k"}
    shown = details_modal(dossier(request(), **chosen), RENDERING)
    assert set(chosen.values()) <= {text.rpartition("\n")[2] for text in strings(shown)}
    assert not [text for text in mrkdwn_texts(shown) if "here" in text]


@pytest.mark.parametrize("piece", [piece for piece in PIECES if piece])
def test_a_huge_call_fits_page_by_page(piece):
    text = repeated(piece, 10_000)
    found = dossier(request(), arguments={f"field {i}": text for i in range(9)}, rationale=text * 3, consequence=text)
    pages = pages_of(found)
    for page in pages:
        check_view(page)
    assert written(pages, "rich_text_preformatted") == arguments.complete(found.proposal.arguments)
    assert written(pages, "rich_text_quote") == visible(text * 3)
    back = [[one["value"] for one in buttons(page) if one["action_id"] == Action.DETAILS_PAGE_BACK] for page in pages]
    assert back == [[], *([str(number)] for number in range(len(pages) - 1))]
    assert f"Part {len(pages)} of {len(pages)}" in whole_text(pages[-1])


def test_details_tell_what_the_card_has_no_room_for():
    found = dossier(request(RequestStatus.APPROVED), running=execution(ExecutionStatus.UNKNOWN), rationale="Because")
    shown = whole_text(details_modal(found, RENDERING))
    for part in (
        "*Proposal id*\n`prp_0001`", "*Request id*\n`apr_0001`, tool call", "*Request*\napproved <!date^",
        "*Verdict*\ntier act_with_approval by default", "*Quorum*\n2 · version 1",
        "*Execution*\nunknown · attempt 1", "May decide: <@U0BOB>, <@U0CAROL>, group S0ONCALL",
        "Why, in the words of Deployer\nBecause", "What it does: \nReplaces checkout in production",
    ):  # fmt: skip
        assert part in shown


@pytest.mark.parametrize("page", [-7, 0, 1, 99])
def test_a_page_that_is_not_there_is_the_nearest_one(page):
    assert details_modal(dossier(request()), RENDERING, page) == details_modal(dossier(request()), RENDERING)


@given(names, texts.filter(lambda text: text.strip()))
@thoroughly
def test_a_sentence_in_a_modal_fits(title, text):
    check_view(message_modal(title, text))
