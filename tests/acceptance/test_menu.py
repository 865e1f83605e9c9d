"""The menu of a card and its modals: what each entry does, and the sentence for everybody who may not."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from bot.workspace import Message, View
from storage.tables import KeyKind, Review, Rule
from tests.acceptance.test_clicks import told
from tests.integration.calls import API, waiting_for
from tests.integration.verbs import rows
from tests.stack import Stack

MENU = "card.more"


async def choose(stack: Stack, person: str, card: Message, entry: str) -> View:
    """Choose an entry of a card's menu and wait for the modal."""
    await stack.slack.click(person, card, MENU, entry)
    return await stack.opened(person)


async def refused(stack: Stack, person: str, card: Message, entry: str, sentence: str) -> None:
    """Choose an entry, get no modal, and be told why."""
    clicked = await stack.slack.click(person, card, MENU, entry)
    assert clicked.view is None
    await told(stack, person, sentence)


def said(view: View) -> str:
    return json.dumps(view.blocks, ensure_ascii=False)


async def state(stack: Stack, proposal: dict[str, Any]) -> Any:
    return (await stack.call("GET", f"{API}/proposals/{proposal['proposal_id']}"))[1]


# -- edit


async def test_edit_then_another_reviewer_approves_and_what_was_edited_runs(stack: Stack) -> None:
    _, proposed = await stack.propose()
    card = await stack.card("checkout")
    modal = await choose(stack, "U0BOB", card, "Edit arguments")
    assert "Somebody else has to approve the edited call" in said(modal)
    sent = await stack.slack.submit("U0BOB", modal, {"service": "search", "reason": "wrong one"})
    assert (sent.status, sent.view) == (200, None)
    edited = (await stack.shown("C0APPROVALS", card.ts, "Arguments edited")).snapshot()
    (table,) = [block for block in edited.blocks if block["type"] == "table"]
    assert [[cell["text"] for cell in row] for row in table["rows"]] == [
        ["Field", "Before", "After"], ["service", '"checkout"', '"search"'],
    ]  # fmt: skip
    await stack.slack.click("U0BOB", edited, "Approve")
    await told(stack, "U0BOB", "You edited these arguments, so somebody else must countersign them: <@U0CAROL>")
    await stack.slack.click("U0CAROL", card.snapshot(0), "Approve")
    await told(stack, "U0CAROL", "has changed since you saw it")
    await stack.slack.click("U0CAROL", edited, "Approve")
    settled = await stack.settled(proposed["proposal_id"])
    assert (settled["state"], settled["edited"], settled["arguments"]) == ("succeeded", True, {"service": "search"})
    assert [one.body["arguments"] for one in stack.service.calls] == [{"service": "search"}]
    details = await stack.modal("U0BOB", edited, "Details")
    assert "Arguments as the agent proposed them" in said(details)


async def test_secrets_stay_masked_in_the_form_and_keep_their_value(stack: Stack) -> None:
    _, proposed = await stack.propose(arguments={"service": "checkout", "token": "tok-secret"})
    card = await stack.card("checkout")
    modal = await choose(stack, "U0BOB", card, "Edit arguments")
    assert "tok-secret" not in said(modal)
    assert modal.values["argument.token"]["value"]["value"] == "••••••••"
    await stack.slack.submit("U0BOB", modal, {"service": "search"})
    edited = await stack.shown("C0APPROVALS", card.ts, "Arguments edited")
    await stack.slack.click("U0CAROL", edited, "Approve")
    await stack.settled(proposed["proposal_id"])
    assert [one.body["arguments"] for one in stack.service.calls] == [{"service": "search", "token": "tok-secret"}]


async def test_an_argument_too_long_for_slack_stays_while_the_others_are_edited(stack: Stack) -> None:
    _, proposed = await stack.propose(arguments={"service": "checkout", "note": "x" * 4000})
    card = await stack.card("checkout")
    modal = await choose(stack, "U0BOB", card, "Edit arguments")
    assert "POST /api/v1/approvals/apr_" in said(modal)
    await stack.slack.submit("U0BOB", modal, {"service": "search"})
    edited = await stack.shown("C0APPROVALS", card.ts, "Arguments edited")
    await stack.slack.click("U0CAROL", edited, "Approve")
    settled = await stack.settled(proposed["proposal_id"])
    assert settled["arguments"] == {"service": "search", "note": "x" * 4000}


async def test_an_edit_sent_after_somebody_decided_changes_nothing(stack: Stack) -> None:
    _, proposed = await stack.propose()
    card = await stack.card("checkout")
    modal = await choose(stack, "U0BOB", card, "Edit arguments")
    await stack.slack.click("U0CAROL", card, "Approve")
    sent = await stack.slack.submit("U0BOB", modal, {"service": "search"})
    assert "already approved by <@U0CAROL>" in json.dumps(sent.body)
    assert "edited" not in await stack.settled(proposed["proposal_id"])


async def test_an_edit_nobody_could_countersign_opens_no_form(stack: Stack) -> None:
    await stack.propose("hint.it")
    await refused(stack, "U0BOB", await stack.card("checkout"), "Edit arguments", "0 of the 1 people")


# -- delegate


async def test_delegate_tells_the_taker_and_they_answer_in_that_place(stack: Stack) -> None:
    _, proposed = await stack.propose()
    card = await stack.card("checkout")
    modal = await choose(stack, "U0BOB", card, "Delegate")
    await stack.slack.submit("U0BOB", modal, {"to": "U0ADMIN", "reason": "I am on leave"})
    shown = (await stack.shown("C0APPROVALS", card.ts, "Delegated")).snapshot()
    assert "<@U0ADMIN> for <@U0BOB>" in json.dumps(shown.blocks)
    workspace = stack.slack.workspace
    invited = await workspace.until(lambda: [m for m in workspace.dm("U0ADMIN") if "in their place" in m.text])
    assert "/archives/C0APPROVALS/p" in json.dumps(invited[-1].blocks)
    assert "I am on leave" in json.dumps(invited[-1].blocks)
    details = await stack.modal("U0ADMIN", invited[-1], "Details")
    assert "checkout" in said(details)
    home = await stack.slack.command("U0ADMIN", "/approvals", "mine")
    assert "Deploy to production" in json.dumps([m.text for m in home.ephemeral])
    await stack.slack.click("U0ADMIN", shown, "Approve")
    settled = await stack.settled(proposed["proposal_id"])
    review = settled["approval"]["reviews"][0]
    assert (settled["state"], review["by"], review["on_behalf_of"]) == ("succeeded", "U0ADMIN", "U0BOB")
    await stack.shown("C0APPROVALS", card.ts, "by <@U0ADMIN> for <@U0BOB>")


@pytest.mark.parametrize(
    ("taker", "sentence"),
    [("U0MALLORY", "They may not answer"), ("U0BOB", "This place is yours"), ("U0GUEST", "no full member")],
)
async def test_who_cannot_take_a_place_is_said_at_the_field(stack: Stack, taker: str, sentence: str) -> None:
    await stack.propose()
    modal = await choose(stack, "U0BOB", await stack.card("checkout"), "Delegate")
    await stack.slack.submit("U0BOB", modal, {"to": taker})
    assert sentence in modal.errors["to"]


# -- approve and remember, reject and remember


async def test_approve_and_remember_answers_the_next_call(stack: Stack) -> None:
    _, proposed = await stack.propose()
    modal = await choose(stack, "U0BOB", await stack.card("checkout"), "Approve and remember")
    workspace = stack.slack.workspace
    view = await workspace.until(
        lambda: (v := workspace.open_views("U0BOB")) and "would have matched 0" in said(v[-1]) and v[-1]
    )
    assert view.id == modal.id
    await stack.slack.submit("U0BOB", view, {"remember_pattern": "any", "remember_uses": "1"})
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    (rule,) = await rows(stack.database, Rule)
    assert (rule.authors, rule.max_uses, json.loads(rule.pattern)) == (["U0BOB"], 1, {"any": True})
    _, second = await stack.propose(arguments={"service": "search"}, wait=30)
    assert (second["state"], second["rule_id"]) == ("succeeded", rule.id)
    _, third = await stack.propose(arguments={"service": "payments"})
    assert third["state"] == "pending"


async def test_a_rule_against_earlier_rejections_must_be_confirmed(stack: Stack) -> None:
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    request = await waiting_for(stack)
    await stack.signed(bob, "POST", f"{API}/approvals/{request}", {"decision": "reject", "reason": "no"})
    _, proposed = await stack.propose(arguments={"service": "search"})
    modal = await choose(stack, "U0BOB", await stack.card("search"), "Approve and remember")
    await stack.slack.submit("U0BOB", modal, {"remember_pattern": "any"})
    assert "1 rejected; confirm it" in modal.errors["remember_confirmed"]
    assert (await state(stack, proposed))["state"] == "pending"
    await stack.slack.submit("U0BOB", modal, {"remember_confirmed": ["yes"]})
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"


async def test_a_rule_that_would_have_ended_already_is_refused_at_the_field(stack: Stack) -> None:
    await stack.propose()
    modal = await choose(stack, "U0BOB", await stack.card("checkout"), "Approve and remember")
    await stack.slack.submit("U0BOB", modal, {"remember_until": 1_600_000_000})
    assert "from now on" in modal.errors["remember_until"]


async def test_an_approval_already_given_can_still_be_remembered(stack: Stack) -> None:
    _, proposed = await stack.propose("deploy.two")
    card = await stack.card("checkout")
    await stack.slack.click("U0BOB", card, "Approve")
    shown = (await stack.shown("C0APPROVALS", card.ts, "1 of 2")).snapshot()
    for person in ("U0BOB", "U0CAROL"):
        modal = await choose(stack, person, shown, "Approve and remember")
        assert "only if all 2 who approve" in said(modal)
        await stack.slack.submit(person, modal, {})
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    (rule,) = await rows(stack.database, Rule)
    assert rule.authors == ["U0BOB", "U0CAROL"]


async def test_reject_for_good_denies_the_same_call_from_now_on(stack: Stack) -> None:
    _, proposed = await stack.propose()
    modal = await stack.modal("U0BOB", await stack.card("checkout"), "Reject")
    await stack.slack.submit("U0BOB", modal, {"reason": "never do this", "remember": "forever"})
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "rejected"
    status, denied = await stack.propose()
    assert (status, denied["code"]) == (403, "DENIED_BY_RULE")


# -- defer, withdraw, ask again


async def test_put_off_until_a_moment_with_a_reason(stack: Stack) -> None:
    _, proposed = await stack.propose()
    card = await stack.card("checkout")
    modal = await stack.modal("U0BOB", card, "Defer")
    until = int((stack.database.clock() + timedelta(hours=3)).timestamp())
    await stack.slack.submit("U0BOB", modal, {"until": until, "reason": "after lunch"})
    shown = await stack.shown("C0APPROVALS", card.ts, "💤 *Put off*")
    assert "after lunch" in json.dumps(shown.blocks)
    assert (await state(stack, proposed))["approval"]["status"] == "deferred"
    await stack.slack.click("U0CAROL", shown.snapshot(), "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"


@pytest.mark.parametrize("hours", [-1, 49])
async def test_a_moment_in_the_past_or_after_the_end_is_refused_at_the_field(stack: Stack, hours: int) -> None:
    await stack.propose()
    modal = await stack.modal("U0BOB", await stack.card("checkout"), "Defer")
    until = int((stack.database.clock() + timedelta(hours=hours)).timestamp())
    await stack.slack.submit("U0BOB", modal, {"until": until, "reason": "later"})
    assert "before the request expires" in modal.errors["until"]


async def test_the_creator_withdraws_and_the_agent_reads_it(stack: Stack) -> None:
    _, proposed = await stack.propose()
    card = await stack.card("checkout")
    old = card.snapshot()
    modal = await choose(stack, "U0ALICE", card, "Withdraw")
    await stack.slack.submit("U0ALICE", modal, {"reason": "plans changed"})
    shown = await stack.shown("C0APPROVALS", card.ts, "Withdrawn* by <@U0ALICE>")
    assert "card.approve" not in json.dumps(shown.blocks)
    assert (await state(stack, proposed))["state"] == "withdrawn"
    await stack.slack.click("U0BOB", old, "Approve")
    await told(stack, "U0BOB", "already withdrawn by <@U0ALICE>")


async def test_of_an_edit_and_a_delegation_at_the_same_instant_both_or_the_first_hold(stack: Stack) -> None:
    _, proposed = await stack.propose()
    card = (await stack.card("checkout")).snapshot()
    editing = await choose(stack, "U0BOB", card, "Edit arguments")
    handing = await choose(stack, "U0CAROL", card, "Delegate")
    await asyncio.gather(
        stack.slack.submit("U0BOB", editing, {"service": "search"}),
        stack.slack.submit("U0CAROL", handing, {"to": "U0ADMIN"}),
    )
    now = (await stack.call("GET", f"{API}/approvals/{proposed['approval']['id']}"))[1]
    assert now["version"] == 2
    assert now["edited_by"] == "U0BOB"
    assert [one["to"] for one in now["delegations"]] in ([], ["U0ADMIN"])


@pytest.mark.parametrize(
    ("person", "entry", "sentence"),
    [
        ("U0MALLORY", "Edit arguments", "You may not answer this request"),
        ("U0MALLORY", "Delegate", "You may not answer this request"),
        ("U0MALLORY", "Approve and remember", "You may not answer this request"),
        ("U0MALLORY", "Withdraw", "Only whoever this was asked for"),
        ("U0BOB", "Withdraw", "reviewers may reject it"),
        ("U0CAROL", "Edit arguments", "somebody else must countersign"),
        ("U0GUEST", "Delegate", "full members"),
    ],
)
async def test_whoever_may_not_use_an_entry_is_told_so(stack: Stack, person: str, entry: str, sentence: str) -> None:
    await stack.propose(on_behalf_of="U0CAROL")
    await refused(stack, person, await stack.card("checkout"), entry, sentence)
    assert await rows(stack.database, Review) == []


async def test_every_entry_of_an_old_card_says_what_became_of_the_request(stack: Stack) -> None:
    await stack.propose()
    card = (await stack.card("checkout")).snapshot()
    await stack.slack.click("U0CAROL", card, "Approve")
    for entry in ("Edit arguments", "Delegate", "Approve and remember"):
        await refused(stack, "U0BOB", card, entry, "already approved by <@U0CAROL>")
    await refused(stack, "U0ALICE", card, "Withdraw", "already approved by <@U0CAROL>")


async def test_a_menu_from_elsewhere_changes_nothing(stack: Stack) -> None:
    await stack.propose()
    card = (await stack.card("checkout")).snapshot()
    for block in card.blocks:
        for element in block.get("elements", []):
            for option in element.get("options", []) if isinstance(element, dict) else []:
                option["value"] = "edit:rnd_unknown"
    await stack.slack.click("U0BOB", card, MENU, "edit:rnd_unknown")
    await told(stack, "U0BOB", "belongs to no request here")
