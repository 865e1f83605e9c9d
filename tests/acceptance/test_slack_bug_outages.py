"""Channels, messages and tokens that go away under a bot, and what is left of its requests then."""

import json
from typing import Any

import pytest

from bot.workspace import Message
from scheduler.expiry import attend_due
from storage.tables import KeyKind, OutboxMessage, OutboxStatus
from tests.acceptance.test_slack_bug_classes import APPROVALS, DEPLOYS, rest
from tests.integration.calls import API
from tests.integration.verbs import count
from tests.integration.wound import WoundClock
from tests.stack import Stack


@pytest.fixture
def stack_options(wound: WoundClock) -> dict[str, Any]:
    return {"clock": wound}


@pytest.fixture
async def stack(stack: Stack) -> Stack:
    text = stack.config.read_text()
    stack.config.write_text(text.replace("[roles]\n", '[roles]\noffline_deciders = ["U0BOB"]\n'))
    await stack.server.reload_policy()
    return stack


async def approve_over_the_api(stack: Stack, proposed: dict[str, dict[str, str]]) -> None:
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    path = f"{API}/approvals/{proposed['approval']['id']}"
    status, told = await stack.signed(bob, "POST", path, {"decision": "approve"})
    assert (status, told["status"]) == (200, "approved")


def standing(stack: Stack, channel: str) -> list[Message]:
    """What the bot has said in a channel and outside of its threads."""
    return [one for one in stack.slack.workspace.messages_in(channel) if one.from_app and one.thread_ts is None]


@pytest.mark.parametrize(("trouble", "fix"), [("not_in_channel", "/invite"), ("is_archived", "unarchive")])
async def test_where_the_channel_cannot_be_written_to_nobody_asks_twice_and_an_admin_reads_the_way_out(
    stack: Stack, trouble: str, fix: str
) -> None:
    """closes slack-approval-bots 9"""
    happenings, workspace = stack.slack.seat.happenings, stack.slack.workspace
    spoil = happenings.bot_removed if trouble == "not_in_channel" else happenings.archived
    await spoil(APPROVALS, "U0ADMIN")
    answers = [await stack.propose() for _ in range(2)]
    assert [(status, body["state"]) for status, body in answers] == [(202, "pending"), (200, "pending")]
    await workspace.until(lambda: [one for one in workspace.called("chat.postMessage") if not one.ok])
    await approve_over_the_api(stack, answers[0][1])
    assert (await stack.settled(answers[0][1]["proposal_id"]))["state"] == "succeeded"

    def told() -> list[str]:
        said = [one.text for one in workspace.dm("U0ADMIN")]
        return [one for one in said if trouble in one and APPROVALS in one and fix in one]

    assert len(await workspace.until(told)) == 1
    assert stack.service.effects == 1


async def test_a_card_in_a_thread_whose_first_message_is_gone_keeps_its_lines_together(stack: Stack) -> None:
    """closes slack-approval-bots 10"""
    talk = await stack.slack.say("U0ALICE", DEPLOYS, "please ship")
    await stack.slack.seat.happenings.deleted("U0ALICE", talk)
    _, proposed = await stack.propose(thread={"channel": DEPLOYS, "thread_ts": talk.ts})
    card = (await stack.card("checkout")).snapshot()
    await stack.slack.click("U0BOB", card, "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    await rest(stack)
    assert len(standing(stack, DEPLOYS)) <= 1
    assert len(standing(stack, APPROVALS)) == 1


async def test_a_reminder_of_a_card_that_somebody_deleted_does_not_stand_alone_in_the_channel(
    stack: Stack, wound: WoundClock
) -> None:
    """closes slack-approval-bots 10"""
    _, proposed = await stack.propose()
    card = await stack.card("checkout")
    await rest(stack)
    await stack.slack.seat.happenings.deleted("U0ADMIN", card)
    wound.forward(hours=24)
    await attend_due(stack.database)
    await rest(stack)
    (again,) = standing(stack, APPROVALS)
    assert "card.approve" in json.dumps(again.blocks)
    assert stack.slack.workspace.thread(APPROVALS, again.ts)
    _, now = await stack.call("GET", f"{API}/proposals/{proposed['proposal_id']}")
    assert now["state"] == "pending"


@pytest.mark.parametrize("error", ["cant_update_message", "edit_window_closed"])
async def test_a_card_that_can_never_be_changed_again_is_not_tried_again_but_posted_anew(
    stack: Stack, error: str
) -> None:
    """closes slack-approval-bots 11"""
    _, proposed = await stack.propose("deploy.two")
    old = (await stack.card("checkout")).snapshot()
    workspace = stack.slack.workspace
    workspace.faults.always("chat.update", error)
    await stack.slack.click("U0BOB", old, "Approve")
    await rest(stack)
    assert len(workspace.called("chat.update")) == 1
    workspace.faults.clear()
    anew = standing(stack, APPROVALS)[-1]
    assert (anew.ts != old.ts, "1 of 2" in json.dumps(anew.blocks)) == (True, True)
    await stack.slack.click("U0CAROL", anew.snapshot(), "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    await stack.shown(APPROVALS, anew.ts, "Succeeded")


async def test_with_its_token_revoked_requests_stay_decidable_and_cards_become_true_after_the_next_installation(
    stack: Stack, wound: WoundClock
) -> None:
    """closes slack-approval-bots 12"""
    _, proposed = await stack.propose()
    card = (await stack.card("checkout")).snapshot()
    happenings, workspace = stack.slack.seat.happenings, stack.slack.workspace
    await happenings.tokens_revoked()
    status, late = await stack.propose(arguments={"service": "search"})
    assert (status, late["state"]) == (202, "pending")
    await approve_over_the_api(stack, proposed)
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    await workspace.until(lambda: [one for one in workspace.calls if one.answer.get("error") == "token_revoked"])
    happenings.installed_again()
    wound.forward(minutes=30)
    await stack.shown(APPROVALS, card.ts, "Succeeded")
    assert "card.approve" in json.dumps((await stack.card("search")).blocks)
    assert await count(stack.database, OutboxMessage, status=OutboxStatus.DEAD) == 0
