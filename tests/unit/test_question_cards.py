"""Cards of questions about governance: every place that offers an answer says what that answer does."""

from dataclasses import replace

import pytest

from bot.cards.card import card
from bot.cards.endings import direct_message
from bot.cards.forms import reject_modal
from bot.cards.home_buttons import entry_buttons
from bot.cards.kinds import KINDS
from bot.cards.notes import note
from bot.ids import Block
from governance.lifecycle import RequestStatus
from governance.reviewers import ReviewVerdict
from storage.tables import RequestType
from tests.unit.blockkit import buttons, check_message, check_view, mrkdwn_texts, whole_text
from tests.unit.dossiers import NOW, dossier, request, review

GOVERNING = [one for one in RequestType if one is not RequestType.TOOL_CALL]


def asked(kind=RequestType.RETIREMENT_ACTION, status=RequestStatus.PENDING, **changes):
    values = {"request_type": kind, "target_type": "automation", "target_id": "aut_1", "quorum": 1, **changes}
    title = "Retire Nightly report" if kind is RequestType.RETIREMENT_ACTION else "Something"
    return dossier(request(status, **values), title=title, consequence=None)


def by_text(found):
    return {one["text"]["text"]: one for one in found}


def test_the_card_of_a_retirement_offers_to_retire_or_to_keep():
    made = card(asked(), "rnd_1")
    check_message(made)
    found = by_text(buttons(made.blocks))
    assert list(found) == ["Retire", "Keep and extend…", "Defer…", "Details"]
    assert (found["Retire"]["style"], found["Keep and extend…"]["style"]) == ("danger", "primary")
    confirm = found["Retire"]["confirm"]
    assert confirm["title"]["text"] == "Retire Nightly report?"
    assert confirm["confirm"]["text"] == "Retire"
    assert "stops with its runs" in confirm["text"]["text"]
    assert "confirm" not in found["Keep and extend…"]
    assert "Retire: it ends at once" in made.text
    assert "Keep and extend: it goes on" in made.text
    assert "Approve" not in whole_text(made.blocks)
    assert "Reject" not in whole_text(made.blocks)


def test_the_home_offers_the_same_two():
    found = by_text(entry_buttons("rnd_1", asked()))
    assert list(found) == ["Retire", "Keep and extend…", "Details"]
    assert found["Retire"]["confirm"]["confirm"]["text"] == "Retire"
    assert found["Retire"]["accessibility_label"] == "Yes, retire: Retire Nightly report"


def test_keeping_asks_for_no_reason_and_for_nothing_about_the_next_time():
    view = reject_modal(asked(), "rnd_1")
    check_view(view)
    inputs = [one for one in view["blocks"] if one["type"] == "input"]
    assert [(one["block_id"], one["optional"]) for one in inputs] == [(Block.REASON, True)]
    assert view["title"]["text"] == "Keep and extend"
    assert view["submit"]["text"] == "Keep"
    assert "It goes on, and expires later." in mrkdwn_texts(view["blocks"])


@pytest.mark.parametrize("kind", [one for one in GOVERNING if one is not RequestType.RETIREMENT_ACTION])
def test_rejecting_says_what_follows_and_offers_no_rule_that_would_be_refused(kind):
    view = reject_modal(asked(kind), "rnd_1")
    check_view(view)
    blocks = {one.get("block_id") for one in view["blocks"]}
    assert Block.REASON in blocks
    assert Block.REMEMBER not in blocks
    assert KINDS[kind].no.then in whole_text(view["blocks"])


def test_a_review_of_an_agent_says_what_a_no_means_for_an_agent():
    found = asked(RequestType.LIFECYCLE_REVIEW, target_type="agent", target_id="deployer")
    line = next(one for one in mrkdwn_texts(card(found, "rnd_1").blocks) if "If approved" in one)
    assert "may create automations again" in line
    assert "creates nothing until" in line
    assert "retire" not in line


@pytest.mark.parametrize(
    ("status", "verdict", "said"),
    [
        (RequestStatus.APPROVED, ReviewVerdict.APPROVE, "🏁 *Retired* by <@U0BOB>"),
        (RequestStatus.REJECTED, ReviewVerdict.REJECT, "⏩ *Kept and extended* by <@U0BOB>"),
    ],
)
def test_what_was_decided_is_said_in_the_same_words_everywhere(status, verdict, said):
    found = asked(status=status, decided_by="U0BOB", decided_at=NOW)
    found = replace(found, reviews=[review("U0BOB", verdict)])
    made = card(found, "rnd_1")
    assert any(one.startswith(said) for one in mrkdwn_texts(made.blocks))
    assert not buttons(made.blocks)
    assert note(str(status), {"by": "U0BOB"}, found).text == said.replace("*", "")
    if status is RequestStatus.REJECTED:
        assert direct_message("rejected", found).text.startswith("⏩ Kept and extended: Retire Nightly report")


def test_a_question_that_came_to_an_end_by_itself_does_not_read_as_unanswered():
    closed = asked(status=RequestStatus.EXPIRED, decided_at=NOW, reason="the automation was extended")
    text = card(closed, "rnd_1").text
    assert "No longer asked" in text
    assert "the automation was extended" in text
    assert "nobody answered" not in text
    unanswered = card(asked(status=RequestStatus.EXPIRED, decided_at=NOW), "rnd_1").text
    assert "what is still owed is asked again" in unanswered
    assert "the agent may ask again" not in unanswered
