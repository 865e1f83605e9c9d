"""Whatever text comes in, Slack takes every card, line and direct message whole, and none of it pings or links."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.cards.alarms import alarm
from bot.cards.card import card
from bot.cards.endings import direct_message
from bot.cards.invitations import invitation
from bot.cards.kinds import KINDS
from bot.cards.message import Message
from bot.cards.notes import note
from bot.workspace.mrkdwn import reach
from governance.canonical import canonical
from governance.lifecycle import OPEN_REQUESTS, ExecutionStatus, RequestStatus
from governance.reviewers import ReviewVerdict
from governance.text import visible
from storage.tables import RequestType
from tests.unit.blockkit import check_message, mrkdwn_texts, walk, whole_text
from tests.unit.dossiers import (
    EVENTS,
    PIECES,
    RENDERING,
    TOLD,
    argument_sets,
    delegation,
    dossier,
    dossiers,
    execution,
    repeated,
    request,
    review,
    texts,
)

BUDGET = "3 of 10 this hour (7 left), 12 of 40 today (28 left)"
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


def variants(made):
    """A message as it is sent first, and as it is sent where Slack refuses that."""
    return [made] if made.plain is None else [made, Message(made.text, made.plain)]


@given(dossiers(), st.none() | st.just("https://acme.slack.com/archives/C0DEPLOYS/p1"), st.sampled_from(["", BUDGET]))
@thoroughly
def test_any_card_fits_and_is_inert(found, link, budget):
    """closes slack-approval-bots 5, 16; automation-governance 17"""
    made = card(found, RENDERING, discussed_at=link, budget=budget)
    for one in variants(made):
        check_message(one)
        check_inert(one, found)
    assert "Digest 0123456789ab" in made.text
    assert (BUDGET in whole_text(made.blocks)) is (budget == BUDGET)


@pytest.mark.parametrize("kind", RequestType)
@pytest.mark.parametrize("status", RequestStatus)
def test_a_card_of_every_type_says_what_it_is_and_what_a_yes_does_while_there_is_one(kind, status):
    made = card(dossier(request(status, request_type=kind, quorum=1)), RENDERING)
    check_message(made)
    said = "" if kind is RequestType.TOOL_CALL else KINDS[kind].heading
    heading = f"{said}: Deploy to production · Deployer".removeprefix(": ")
    assert made.blocks[0]["text"]["text"] == heading
    told = next((one for one in mrkdwn_texts(made.blocks) if KINDS[kind].yes.then in one), "")
    assert bool(told) is (status in OPEN_REQUESTS)
    assert not told or (KINDS[kind].no.then in told and told.replace("*", "") in made.text)
    assert bool(KINDS[kind].no.then) is (kind is not RequestType.TOOL_CALL)
    assert made.text.startswith(f"{said} · Deployer: Deploy to production.".removeprefix(" · "))
    for button in (one for one in walk(made.blocks) if one.get("type") == "button"):
        assert button["accessibility_label"].endswith("Deploy to production")


def test_no_two_types_look_alike():
    assert set(KINDS) == set(RequestType)
    assert len({one.heading for one in KINDS.values()}) == len({one.yes.then for one in KINDS.values()}) == 8
    assert len({one.no.then for one in KINDS.values()}) == 8


@pytest.mark.parametrize(("risk", "asked"), [("destructive", True), ("high_write", False), (None, False)])
def test_a_destructive_call_is_approved_in_two_steps_and_nothing_else_is(risk, asked):
    buttons = {one["action_id"]: one for one in walk(card(dossier(request(), risk=risk), RENDERING).blocks)
               if one.get("type") == "button"}  # fmt: skip
    assert {name for name, one in buttons.items() if "confirm" in one} == ({"card.approve"} if asked else set())


@given(before=argument_sets, after=argument_sets)
@thoroughly
def test_an_edit_stands_in_a_table_with_every_value_whole_or_in_lines(before, after):
    old, new = canonical(before).decode(), canonical(after).decode()
    made = card(dossier(request(), arguments=after, proposed_arguments=old), RENDERING)
    tables = [block for block in made.blocks if block["type"] == "table"]
    if made.plain is None:
        assert tables == []
        return
    (_, *rows) = ([cell["text"] for cell in row] for row in tables[0]["rows"])
    changed = [name for name in {**json.loads(old), **json.loads(new)} if name not in json.loads(old)
               or name not in json.loads(new) or json.loads(old)[name] != json.loads(new)[name]]  # fmt: skip
    assert len(rows) == len(changed)
    for name, (_, was, now) in zip(changed, rows, strict=True):
        for cell, arguments in ((was, json.loads(old)), (now, json.loads(new))):
            whole = visible(json.dumps(arguments[name], ensure_ascii=False)) if name in arguments else "—"
            assert cell == whole
    assert [block["type"] for block in made.plain].count("table") == 0


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
