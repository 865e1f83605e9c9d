"""A card for every status of request and execution: the right words, and buttons exactly while it can be decided."""

import re

import pytest

from bot.cards.answering import people
from bot.cards.buttons import is_decidable, read_option
from bot.cards.card import card
from bot.cards.spend import Budget
from bot.ids import Action, Option
from governance.lifecycle import ExecutionStatus, RequestStatus
from governance.reviewers import ReviewVerdict
from governance.tiers import Tier
from tests.unit.blockkit import buttons, check_message, walk, whole_text
from tests.unit.dossiers import NOW, RENDERING, delegation, dossier, execution, request, review

DATE = r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|2026-11-\d\d \d\d:\d\d UTC>"
STATUS = {
    RequestStatus.PENDING: rf"⏳ \*Waiting for approval\* · 0 of 2 · expires {DATE}",
    RequestStatus.DEFERRED: rf"💤 \*Put off\* until {DATE} · 0 of 2 · expires {DATE}",
    RequestStatus.APPROVED: rf"✅ \*Approved\* by <@U0BOB> {DATE}",
    RequestStatus.REJECTED: rf"❌ \*Rejected\* by <@U0BOB> {DATE}",
    RequestStatus.EXPIRED: rf"⌛ \*Expired\* {DATE} · nobody answered in time; the agent may ask again",
    RequestStatus.WITHDRAWN: rf"↩️ \*Withdrawn\* by the agent {DATE}",
}
OUTCOME = {
    None: None,
    ExecutionStatus.QUEUED: r"🕐 \*Queued to run\*",
    ExecutionStatus.RUNNING: r"▶️ \*Running\*",
    ExecutionStatus.SUCCEEDED: r"🚀 \*Succeeded\* in 2\.5 s",
    ExecutionStatus.FAILED: r"🔥 \*Failed\*",
    ExecutionStatus.UNKNOWN: r"❓ \*Outcome unknown\* · it may have happened; look before repeating it",
    ExecutionStatus.INVALIDATED: r"🚫 \*Not run\* · what was approved no longer holds; the agent may ask again",
}


@pytest.mark.parametrize("running", OUTCOME)
@pytest.mark.parametrize("status", RequestStatus)
def test_a_card_says_where_the_request_and_its_execution_stand(status, running):
    """closes governed-proposals 16"""
    made = card(dossier(request(status), running=execution(running) if running else None), RENDERING)
    check_message(made)
    lines = [block["text"]["text"] for block in made.blocks if block["type"] == "section" and "text" in block]
    expected = [STATUS[status], OUTCOME[running]] if OUTCOME[running] else [STATUS[status]]
    assert len(lines) == len(expected)
    for line, pattern in zip(lines, expected, strict=True):
        assert re.fullmatch(pattern, line)
        assert line.replace("*", "") in made.text


DECIDING = [Action.APPROVE, Action.REJECT, Action.DEFER, Action.DETAILS]
AGAIN = [Action.AGAIN, Action.DETAILS]
RECONCILING = [Action.HAPPENED, Action.DID_NOT, Action.RUN_AGAIN, Action.DETAILS]
OFFERED = {
    (RequestStatus.PENDING, None): DECIDING,
    (RequestStatus.DEFERRED, None): DECIDING,
    (RequestStatus.EXPIRED, None): AGAIN,
    (RequestStatus.APPROVED, ExecutionStatus.INVALIDATED): AGAIN,
    (RequestStatus.APPROVED, ExecutionStatus.UNKNOWN): RECONCILING,
}


@pytest.mark.parametrize(
    ("status", "running"),
    [*((status, None) for status in RequestStatus), *((RequestStatus.APPROVED, one) for one in ExecutionStatus)],
)
def test_a_card_offers_what_can_be_done_and_its_buttons_carry_the_rendering_alone(status, running):
    found = dossier(request(status), running=execution(running) if running else None)
    made = card(found, RENDERING)
    expected = OFFERED.get((status, running), [])
    assert is_decidable(found) is (expected == DECIDING)
    assert [button["action_id"] for button in buttons(made.blocks)] == expected
    assert {button["value"] for button in buttons(made.blocks)} == ({RENDERING} if expected else set())
    block_ids = [block["block_id"] for block in made.blocks if "block_id" in block]
    assert block_ids == ([RENDERING] if expected else [])


@pytest.mark.parametrize("status", RequestStatus)
def test_the_menu_carries_the_rendering_and_the_names_of_its_entries(status):
    menus = [one for one in walk(card(dossier(request(status)), RENDERING).blocks) if one.get("type") == "overflow"]
    if status not in (RequestStatus.PENDING, RequestStatus.DEFERRED):
        assert menus == []
        return
    (menu,) = menus
    entries = {one["text"]["text"]: one["value"] for one in menu["options"]}
    assert entries == {
        "Approve and remember…": f"remember:{RENDERING}", "Edit arguments…": f"edit:{RENDERING}",
        "Delegate…": f"delegate:{RENDERING}", "Withdraw…": f"withdraw:{RENDERING}",
    }  # fmt: skip
    assert [read_option(value) for value in entries.values()] == [(option, RENDERING) for option in Option]


@pytest.mark.parametrize("value", ["", "approve", "erase:rnd_1", ":rnd_1", "EDIT:rnd_1"])
def test_a_choice_that_is_none_of_ours_is_none(value):
    assert read_option(value) is None


def test_a_call_that_runs_without_people_after_being_asked_again_says_so():
    found = dossier(
        request(RequestStatus.EXPIRED), running=execution(ExecutionStatus.RUNNING, unasked=True), reason="tier act_auto"
    )
    assert "🔁 *Asked again* · runs without people now: tier act_auto" in whole_text(card(found, RENDERING).blocks)


def test_an_edited_call_shows_who_edited_it_and_what_changed():
    found = dossier(
        request(editor="U0BOB", version=2), proposed_arguments='{"service":"checkout","token":"x"}',
        arguments={"service": "search", "token": "x"},
    )  # fmt: skip
    made = card(found, RENDERING)
    shown, plain = whole_text(made.blocks), whole_text(made.plain)
    assert "✏️ *Arguments edited* by <@U0BOB>, whose own approval does not count · version 2" in shown
    assert 'What the edit changed\nField\nBefore\nAfter\nservice\n"checkout"\n"search"\n' in shown
    assert 'What the edit changed\n  {\n-   "service": "checkout",\n+   "service": "search",\n    "token": "x"' in plain


def test_what_an_agent_spent_of_its_cap_stands_on_the_card():
    made = card(dossier(request()), RENDERING, spent=Budget(8_250_000, 10_000_000))
    check_message(made)
    assert "*Spent this week*\n8.25 of 10.00 USD, 1.75 left" in whole_text(made.blocks)
    over = card(dossier(request()), RENDERING, spent=Budget(12_000_001, 10_000_000))
    assert "12.000001 of 10.00 USD, 0.00 left" in whole_text(over.blocks)
    assert "Spent" not in whole_text(card(dossier(request()), RENDERING).blocks)


def test_who_answers_for_whom_stands_on_the_card():
    handed = [delegation("U0BOB", "U0DANA")]
    open_now = card(dossier(request(), [review("U0DANA", on_behalf_of="U0BOB")], delegations=handed), RENDERING)
    assert "🤝 *Delegated* · <@U0DANA> for <@U0BOB>" in whole_text(open_now.blocks)
    assert "👍 Approved, 1 of 2: <@U0DANA> for <@U0BOB>" in whole_text(open_now.blocks)
    settled = request(RequestStatus.APPROVED, decided_by="U0DANA")
    decided = card(dossier(settled, [review("U0DANA", on_behalf_of="U0BOB")]), RENDERING)
    assert "*Approved* by <@U0DANA> for <@U0BOB>" in whole_text(decided.blocks)


@pytest.mark.parametrize(("at", "to", "shown"), [(None, ["U0DANA"], True), (NOW, ["U0DANA"], False), (None, [], False)])
def test_an_escalated_card_says_so(at, to, shown):
    made = card(dossier(request(escalate_at=at, escalate_to=to)), RENDERING)
    assert ("📣 *Escalated*" in whole_text(made.blocks)) is shown


def test_who_withdrew_it_stands_on_the_card():
    made = card(dossier(request(RequestStatus.WITHDRAWN, decided_by="U0ALICE", reason="Not needed")), RENDERING)
    assert "*Withdrawn* by <@U0ALICE>" in whole_text(made.blocks)
    assert "Reason given\nNot needed" in whole_text(made.blocks)


def test_a_card_holds_everything_a_reviewer_needs():
    """closes governed-proposals 22; approval-api 10"""
    made = card(dossier(request(), rationale="The old one leaks"), RENDERING)
    shown = whole_text(made.blocks)
    for part in (
        "Deploy to production · Deployer", "*Agent*\nDeployer, made by <@U0ALICE>", "*Tool*\n`deploy.production`",
        "*Risk and tier*\nhigh write · act_with_approval (L3)", "*May decide*\n<@U0BOB>, <@U0CAROL>, group S0ONCALL",
        "What it does: \nReplaces checkout in production", "Exact arguments",
        '{\n  "service": "checkout"\n}', "Why, in the words of Deployer\nThe old one leaks", "Digest `0123456789ab`",
        "prp_0001",
    ):  # fmt: skip
        assert part in shown


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"on_behalf_of": "U0CAROL"}, "*Agent*\nDeployer, for <@U0CAROL>"),
        ({"risk": None}, "*Risk and tier*\nnot declared · act_with_approval (L3)"),
        ({"tier": Tier.SUGGEST}, "*Suggested: runs only if approved* · 0 of 2"),
        ({"tier": Tier.SUGGEST}, "*Risk and tier*\nhigh write · suggest"),
        ({"arguments": {"big": "x" * 3000}}, "*arguments are cut here, complete in Details*"),
    ],
)
def test_a_card_says_what_is_special_about_a_call(changes, part):
    assert part in whole_text(card(dossier(request(), **changes), RENDERING).blocks)


def test_votes_are_counted_and_named_while_more_are_needed():
    found = dossier(request(), [review("U0BOB"), review("U0CAROL", ReviewVerdict.DEFER, "later")])
    shown = whole_text(card(found, RENDERING).blocks)
    assert "· 1 of 2 ·" in shown
    assert "👍 Approved, 1 of 2: <@U0BOB>" in shown


def test_a_decision_names_everybody_who_agreed_and_its_reason():
    approved = dossier(request(RequestStatus.APPROVED), [review("U0CAROL"), review("U0BOB")])
    assert "*Approved* by <@U0BOB>, with <@U0CAROL> " in whole_text(card(approved, RENDERING).blocks)
    rejected = dossier(request(RequestStatus.REJECTED, reason="Freeze"), [review("U0CAROL")])
    shown = whole_text(card(rejected, RENDERING).blocks)
    assert "*Rejected* by <@U0BOB> <" in shown
    assert "Reason given\nFreeze" in shown


def ran(status, **changes):
    return dossier(request(RequestStatus.APPROVED), running=execution(status, **changes))


@pytest.mark.parametrize(
    ("found", "part"),
    [
        (dossier(request(RequestStatus.WITHDRAWN, reason="No more")), "Reason given by the agent\nNo more"),
        (
            dossier(request(RequestStatus.DEFERRED), [review("U0BOB", ReviewVerdict.DEFER, "Monday")]),
            "Why it was put off\nMonday",
        ),
        (ran(ExecutionStatus.FAILED, error="HTTP 400"), "What went wrong\nHTTP 400"),
        (ran(ExecutionStatus.SUCCEEDED, result='"ok"'), 'Answer\n"ok"'),
        (ran(ExecutionStatus.QUEUED, attempt=2), "🔁 *Attempt 2 brought no answer* · next try <!date"),
    ],
)
def test_whose_words_they_are_stands_beside_them(found, part):
    assert part in whole_text(card(found, RENDERING).blocks)


def test_a_copy_in_the_approvals_channel_links_to_the_thread():
    made = card(dossier(request()), RENDERING, discussed_at="https://acme.slack.com/archives/C0DEPLOYS/p1")
    assert "<https://acme.slack.com/archives/C0DEPLOYS/p1|discussed in its thread>" in whole_text(made.blocks)


def test_a_crowd_of_reviewers_is_counted():
    assert people(["U0A", "S0B"]) == "<@U0A>, group S0B"
    assert people([f"U{i}" for i in range(11)]).endswith("<@U7> and 3 more")
    assert people([]) == ""
