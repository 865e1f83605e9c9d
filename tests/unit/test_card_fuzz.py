"""Whatever text comes in, Slack takes every card, line and direct message whole, and none of it pings or links."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.cards.alarms import alarm
from bot.cards.card import card
from bot.cards.endings import direct_message
from bot.cards.invitations import invitation
from bot.cards.notes import note
from bot.workspace.mrkdwn import reach
from governance.canonical import canonical
from governance.lifecycle import ExecutionStatus, RequestStatus
from governance.reviewers import ReviewVerdict
from governance.text import visible
from tests.unit.blockkit import check_message, mrkdwn_texts, walk
from tests.unit.dossiers import (
    EVENTS,
    PIECES,
    RENDERING,
    TOLD,
    delegation,
    dossier,
    dossiers,
    execution,
    repeated,
    request,
    review,
    texts,
)

thoroughly = settings(max_examples=60, suppress_health_check=list(HealthCheck))


def check_inert(message, found):
    """Fail where a message reaches anybody but the people its own record names."""
    asked = found.request
    known = {found.proposal.creator, found.proposal.on_behalf_of, "U0CLICKER"}
    known |= {*asked.reviewers, asked.decided_by, asked.editor, *asked.escalate_to} if asked else set()
    known |= {one.on_behalf_of for one in found.reviews} | {one.taker for one in found.delegations}
    reached = reach(message.text, message.blocks)
    assert reached.pings == []
    assert set(reached.mentions) <= known
    assert {
        one["type"] for one in walk(message.blocks) if one.get("type") in ("user", "link", "broadcast", "usergroup")
    } == set()


@given(dossiers(), st.none() | st.just("https://acme.slack.com/archives/C0DEPLOYS/p1"))
@thoroughly
def test_any_card_fits_and_is_inert(found, link):
    made = card(found, RENDERING, discussed_at=link)
    check_message(made)
    check_inert(made, found)
    assert "Digest 0123456789ab" in made.text


@pytest.mark.parametrize("status", RequestStatus)
@pytest.mark.parametrize("piece", [piece for piece in PIECES if piece])
def test_a_card_fits_with_every_text_at_its_longest(status, piece):
    text = repeated(piece, 10_000)
    panel = [f"U{i:02}{'X' * 28}" for i in range(20)]
    found = dossier(
        request(status, reviewers=panel, quorum=20, reason=text, editor=panel[0], escalate_to=panel),
        [review(one, ReviewVerdict.DEFER if i % 2 else ReviewVerdict.APPROVE, text) for i, one in enumerate(panel)],
        execution(ExecutionStatus.FAILED, attempt=20, result=text, error=text),
        arguments={text: [text]}, rationale=text, consequence=text,
        delegations=[delegation(one, "U0DANA") for one in panel], proposed_arguments=canonical([text, text]).decode(),
        title=("n" + text)[:200], agent_name=("n" + text)[:200], agent_id="a" * 200, tool="t" * 200,
    )  # fmt: skip
    for made in (
        card(found, RENDERING, discussed_at="https://acme.slack.com/" + "p" * 200),
        direct_message("failed", found),
        invitation({"by": "U0CLICKER", "reason": text}, found, "https://acme.slack.com/" + "p" * 200),
        invitation({"event": "covered", "by": "U0CLICKER"}, found, ""),
        alarm({"reachable": "U0CLICKER", "asked": " ".join(["@" + "h" * 21, *panel])}, found, ""),
    ):
        check_message(made)
        check_inert(made, found)


@pytest.mark.parametrize("event", EVENTS)
@given(found=dossiers(), reason=st.none() | texts)
@settings(thoroughly, max_examples=15)
def test_any_line_in_a_thread_fits_and_is_inert(event, found, reason):
    payload = {"by": "U0CLICKER", "to": "U0CLICKER"} | ({"reason": reason} if reason else {})
    made = note(event, payload, found)
    check_message(made)
    check_inert(made, found)


@pytest.mark.parametrize("event", TOLD)
@given(found=dossiers())
@settings(thoroughly, max_examples=15)
def test_any_direct_message_fits_and_is_inert(event, found):
    made = direct_message(event, found)
    check_message(made)
    check_inert(made, found)


MARKER = "AGENT-SAID-THIS"


@pytest.mark.parametrize("draw", [
    lambda found: card(found, RENDERING).blocks,
    lambda found: note("withdrawn", {"reason": MARKER}, found).blocks,
    lambda found: note("succeeded", {}, found).blocks,
    lambda found: direct_message("succeeded", found).blocks,
])  # fmt: skip
def test_nothing_an_agent_or_a_service_said_stands_where_slack_parses_it(draw):
    found = dossier(
        request(RequestStatus.WITHDRAWN, reason=MARKER), [review("U0BOB", reason=MARKER)],
        execution(ExecutionStatus.SUCCEEDED, result=MARKER, error=MARKER),
        arguments={MARKER: MARKER}, rationale=MARKER, consequence=MARKER,
    )  # fmt: skip
    blocks = draw(found)
    assert MARKER in str(blocks)
    assert MARKER not in "".join(mrkdwn_texts(blocks))


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\x00", "\ufeff", "\U000e0041"])
def test_what_cannot_be_seen_is_shown_on_every_surface(hidden):
    text = f"pay{hidden}pal"
    found = dossier(
        request(RequestStatus.REJECTED, reason=text), [], execution(ExecutionStatus.FAILED, error=text, result=text),
        arguments={text: text}, rationale=text, consequence=text, title=text, agent_name=text,
    )  # fmt: skip
    for made in (card(found, RENDERING), note("failed", {"reason": text}, found), direct_message("failed", found)):
        said = str([made.text, *(one.get("text") for one in walk(made.blocks))])
        assert hidden not in said
        assert visible(text) in said
