"""What time does to a request, as the agent, the reviewers and the creator see it."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from bot.workspace import Message
from scheduler.expiry import attend_due
from storage.tables import KeyKind
from tests.integration.calls import API
from tests.integration.wound import WoundClock
from tests.stack import Stack


@pytest.fixture
def stack_options(wound: WoundClock) -> dict[str, Any]:
    return {"clock": wound}


def words(message: Message) -> str:
    return message.text + json.dumps(message.blocks, ensure_ascii=False)


async def line(stack: Stack, card: Message, containing: str) -> Message:
    """Wait for a line in the card's thread."""
    workspace = stack.slack.workspace

    def look() -> Message | None:
        return next((m for m in workspace.thread(card.channel, card.ts) if containing in words(m)), None)

    return await workspace.until(look)


async def test_a_request_nobody_answers_ends_as_expired_for_everybody_and_as_rejected_for_nobody(
    stack: Stack, wound: WoundClock
) -> None:
    """closes autonomy-and-trust 16; l1-l2-l3-enforcement 10; slack-approval-bots 19"""
    _, proposed = await stack.propose(on_behalf_of="U0CAROL")
    card = await stack.card("checkout")
    waiting = asyncio.create_task(stack.settled(proposed["proposal_id"], 60))
    wound.forward(hours=48)
    await attend_due(stack.database)

    told = await waiting
    assert (told["state"], told["approval"]["status"], told["approval"]["decision"]) == ("expired", "expired", None)
    shown = await stack.shown("C0APPROVALS", card.ts, "Expired")
    assert "nobody answered in time" in words(shown)
    assert "card.approve" not in words(shown)
    workspace = stack.slack.workspace
    for person in ("U0ALICE", "U0CAROL"):
        (message, *_) = await workspace.until(lambda person=person: workspace.dm(person))
        assert "nobody answered" in words(message)
    _, events = await stack.call("GET", f"{API}/proposals/{proposed['proposal_id']}/events")
    assert "reject" not in json.dumps([told, words(shown), events])
    assert stack.service.calls == []


async def test_a_click_on_a_card_that_has_expired_is_told_so_and_decides_nothing(
    stack: Stack, wound: WoundClock
) -> None:
    """closes slack-approval-bots 4, 19"""
    _, proposed = await stack.propose()
    card = (await stack.card("checkout")).snapshot()
    wound.forward(hours=48)
    clicked = await stack.slack.click("U0BOB", card, "Approve")
    assert clicked.status == 200
    told = await stack.slack.workspace.until(lambda: stack.slack.workspace.ephemerals("U0BOB"))
    assert "expired" in words(told[-1])
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "expired"
    assert stack.service.calls == []


async def test_those_who_have_not_answered_are_reminded_twice_and_no_more(stack: Stack, wound: WoundClock) -> None:
    """closes governed-proposals 16; l1-l2-l3-enforcement 10"""
    _, proposed = await stack.propose("deploy.two")
    card = await stack.card("checkout")
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    await stack.signed(carol, "POST", f"{API}/approvals/{proposed['approval']['id']}", {"decision": "approve"})
    wound.forward(hours=24)
    await attend_due(stack.database)
    half = await line(stack, card, "Half of the time has passed")
    assert set(half.mentions) == {"U0BOB", "U0ALICE"}
    for _ in range(3):
        await attend_due(stack.database)
    wound.forward(hours=19.5)
    await attend_due(stack.database)
    last = await line(stack, card, "Last call")
    assert set(last.mentions) == {"U0BOB", "U0ALICE"}
    reminders = [m for m in stack.slack.workspace.thread(card.channel, card.ts) if "this" in m.text]
    assert len(reminders) == 2


async def test_a_week_switched_off_ends_in_expired_cards_without_a_storm_of_warnings(
    stack: Stack, wound: WoundClock
) -> None:
    for n in range(3):
        await stack.propose(arguments={"service": f"service-{n}"})
    cards = [await stack.card(f"service-{n}") for n in range(3)]
    wound.forward(days=7)
    await attend_due(stack.database)
    for card in cards:
        await stack.shown("C0APPROVALS", card.ts, "Expired")
        await line(stack, card, "Expired")
        assert [m.text for m in stack.slack.workspace.thread(card.channel, card.ts)] == [
            "⌛ Expired: nobody answered in time"
        ]


async def test_a_request_that_was_put_off_comes_back_at_its_time_and_can_be_approved(
    stack: Stack, wound: WoundClock
) -> None:
    """closes governed-proposals 15"""
    _, proposed = await stack.propose()
    card = await stack.card("checkout")
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    until = (wound() + timedelta(hours=1)).isoformat()
    body = {"decision": "defer", "reason": "after lunch", "until": until}
    status, _ = await stack.signed(carol, "POST", f"{API}/approvals/{proposed['approval']['id']}", body)
    assert status == 200
    await stack.shown("C0APPROVALS", card.ts, "Put off")

    wound.forward(hours=1, minutes=1)
    await attend_due(stack.database)
    shown = await stack.shown("C0APPROVALS", card.ts, "Waiting for approval")
    assert "U0BOB" in (await line(stack, card, "please look again")).mentions
    await stack.slack.click("U0BOB", shown, "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
