"""Every click ends in exactly one of: a changed card, a modal, or one private sentence."""

import asyncio
import json

import pytest

from bot.workspace import Message
from tests.stack import Stack


async def told(stack: Stack, person: str, containing: str) -> str:
    """Wait for the private sentence to a person that holds a text."""
    workspace = stack.slack.workspace
    found: list[Message] = await workspace.until(
        lambda: [m for m in workspace.ephemerals(person) if containing in (m.text or "")]
    )
    return found[-1].text or ""


@pytest.mark.parametrize(
    ("person", "sentence"),
    [
        ("U0MALLORY", "You may not answer this request"),
        ("U0ALICE", "You may not answer this request"),
        ("U0GUEST", "full members"),
    ],
)
async def test_whoever_may_not_decide_is_told_so_and_changes_nothing(stack: Stack, person: str, sentence: str) -> None:
    """closes slack-approval-bots 4, 14"""
    _, proposed = await stack.propose()
    clicked = await stack.slack.click(person, await stack.card("checkout"), "Approve")
    assert clicked.status == 200
    await told(stack, person, sentence)
    _, now = await stack.call("GET", f"/api/v1/proposals/{proposed['proposal_id']}")
    assert (now["state"], now["approval"]["reviews"]) == ("pending", [])


async def test_a_stranger_gets_no_reject_modal(stack: Stack) -> None:
    await stack.propose()
    clicked = await stack.slack.click("U0MALLORY", await stack.card("checkout"), "Reject")
    assert clicked.view is None
    await told(stack, "U0MALLORY", "You may not answer this request")


async def test_the_requester_is_told_that_somebody_else_must(stack: Stack) -> None:
    """closes governed-proposals 14; autonomy-and-trust 8"""
    await stack.propose(on_behalf_of="U0CAROL")
    await stack.slack.click("U0CAROL", await stack.card("checkout"), "Approve")
    assert "<@U0BOB>" in await told(stack, "U0CAROL", "somebody else must countersign")


async def test_who_comes_second_is_told_who_was_first(stack: Stack) -> None:
    """closes slack-approval-bots 3, 4"""
    await stack.propose()
    card = (await stack.card("checkout")).snapshot()
    await stack.slack.click("U0BOB", card, "Approve")
    await stack.slack.click("U0CAROL", card, "Reject")
    assert "<@U0BOB>" in await told(stack, "U0CAROL", "already approved")


async def test_approve_and_reject_at_the_same_instant_answer_both(stack: Stack) -> None:
    """closes autonomy-and-trust 18; l1-l2-l3-enforcement 2; slack-approval-bots 3"""
    _, proposed = await stack.propose()
    card = (await stack.card("checkout")).snapshot()
    modal = await stack.modal("U0CAROL", card, "Reject")
    clicked, submitted = await asyncio.gather(
        stack.slack.click("U0BOB", card, "Approve"), stack.slack.submit("U0CAROL", modal, {"reason": "wait"})
    )
    assert (clicked.status, submitted.status) == (200, 200)
    settled = await stack.settled(proposed["proposal_id"])
    if settled["state"] == "rejected":
        await told(stack, "U0BOB", "already rejected")
        assert stack.service.calls == []
    else:
        assert "already approved" in json.dumps(submitted.body)
        assert stack.service.effects == 1


async def test_five_clicks_by_one_person_are_one_approval_and_one_execution(stack: Stack) -> None:
    """closes l1-l2-l3-enforcement 1; slack-approval-bots 3"""
    _, proposed = await stack.propose()
    card = (await stack.card("checkout")).snapshot()
    clicks = await asyncio.gather(*(stack.slack.click("U0BOB", card, "Approve") for _ in range(5)))
    assert {one.status for one in clicks} == {200}
    settled = await stack.settled(proposed["proposal_id"])
    assert (settled["state"], len(settled["approval"]["reviews"]), stack.service.effects) == ("succeeded", 1, 1)


async def test_a_quorum_of_two_counts_people_not_clicks(stack: Stack) -> None:
    """closes governed-proposals 14; autonomy-and-trust 10"""
    _, proposed = await stack.propose("deploy.two")
    card = await stack.card("checkout")
    for _ in range(2):
        await stack.slack.click("U0BOB", card.snapshot(), "Approve")
    await stack.shown("C0APPROVALS", card.ts, "1 of 2")
    await stack.slack.click("U0CAROL", card.snapshot(), "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    await stack.shown("C0APPROVALS", card.ts, "with <@U0BOB>")


async def test_members_of_a_user_group_decide_and_others_do_not(stack: Stack) -> None:
    _, proposed = await stack.propose("deploy.group")
    card = (await stack.card("checkout")).snapshot()
    await stack.slack.click("U0ALICE", card, "Approve")
    await told(stack, "U0ALICE", "You may not answer")
    await stack.slack.click("U0CAROL", card, "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"


async def test_details_show_every_character_to_insiders_and_nothing_to_others(stack: Stack) -> None:
    """closes l1-l2-l3-enforcement 15"""
    note = "x" * 10_000 + "the end"
    await stack.propose(arguments={"service": "checkout", "note": note})
    card = await stack.card("checkout")
    assert note not in json.dumps(card.blocks)
    assert "hidden; Details shows all" in json.dumps(card.blocks)
    view = await stack.modal("U0BOB", card, "Details")
    shown = "".join(
        text["text"]
        for block in view.blocks
        if block["type"] == "rich_text"
        for part in block["elements"]
        if part["type"] == "rich_text_preformatted"
        for text in part["elements"]
    )
    assert note in shown
    assert (await stack.slack.click("U0MALLORY", card, "Details")).view is None
    await told(stack, "U0MALLORY", "Details open for the reviewers")


async def test_the_agent_s_thread_gets_the_card_and_the_channel_a_linked_copy(stack: Stack) -> None:
    asked = await stack.slack.say("U0ALICE", "C0DEPLOYS", "please ship")
    _, proposed = await stack.propose(thread={"channel": "C0DEPLOYS", "thread_ts": asked.ts})
    workspace = stack.slack.workspace
    in_thread = (await workspace.until(lambda: workspace.thread("C0DEPLOYS", asked.ts)))[0]
    copy = await stack.card("checkout")
    assert "discussed in its thread" in json.dumps(copy.blocks)
    await stack.slack.click("U0BOB", in_thread, "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    for channel, ts in (("C0DEPLOYS", in_thread.ts), ("C0APPROVALS", copy.ts)):
        assert "card.approve" not in json.dumps((await stack.shown(channel, ts, "Succeeded")).blocks)


async def test_commands_and_home_show_what_waits(stack: Stack) -> None:
    """closes governed-proposals 16"""
    await stack.propose()
    await stack.card("checkout")
    mine = await stack.slack.command("U0BOB", "/approvals", "mine")
    assert "Deploy to production" in json.dumps([m.text for m in mine.ephemeral])
    nobody = await stack.slack.command("U0ALICE", "/approvals")
    assert "Nothing waits for you" in json.dumps([m.text for m in nobody.ephemeral])
    home = await stack.slack.open_home("U0BOB")
    assert home.status == 200
    workspace = stack.slack.workspace
    await workspace.until(lambda: (v := workspace.home("U0BOB")) and "Deploy to production" in json.dumps(v.blocks))


@pytest.mark.parametrize("person", ["U0GUEST", "U0ALICE"])
async def test_the_home_tab_of_who_is_no_full_member_shows_nothing_that_waits(stack: Stack, person: str) -> None:
    workspace = stack.slack.workspace
    await stack.propose("deploy.two")
    await stack.card("checkout")
    workspace.users[person].deleted = person != "U0GUEST"
    await stack.slack.open_home(person)
    await stack.slack.open_home("U0BOB")
    await workspace.until(lambda: workspace.home("U0BOB"))
    theirs = await workspace.until(lambda: workspace.home(person))
    assert [block["type"] for block in theirs.blocks] == ["section"]
    assert "full members of this workspace only" in json.dumps(theirs.blocks)
