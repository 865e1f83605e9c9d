"""What a member of the workspace can try with an ordinary Slack client, and what must not come of it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.workspace import Message
from tests.acceptance.test_replies import event_of, later
from tests.stack import Stack, stop_stack
from tests.talking import in_thread, posted, start_talking, state_of, told


@pytest.fixture
async def talking(url: str, tmp_path: Path) -> AsyncIterator[Stack]:
    running = await start_talking(url, tmp_path)
    yield running
    await stop_stack(running)


# replies


async def next_step(stack: Stack, card: Message) -> tuple[dict[str, Any], Message]:
    """Have somebody approve a card and the agent ask for its next step in the same thread at once."""
    await stack.slack.click("U0CAROL", card, "Approve")
    thread = {"channel": card.channel, "thread_ts": card.thread_ts}
    _, proposed = await stack.propose("memo.read", thread=thread, arguments={"service": "next-step"})
    workspace = stack.slack.workspace

    def look() -> Message | None:
        cards = [one for one in workspace.thread(card.channel, card.thread_ts or "") if one.blocks]
        return next((one for one in cards if "next-step" in json.dumps(one.blocks)), None)

    found = await workspace.until(look, timeout=30)
    await posted(stack)
    return proposed, found


async def written(stack: Stack, person: str, card: Message, seconds: float, words: str = "approve") -> None:
    """Write a reply into a card's thread some seconds after the card was posted."""
    at = later(card.ts, seconds)
    message = Message(card.channel, at, person, words, thread_ts=card.thread_ts)
    await stack.slack.seat.events.deliver(event_of(message), "message.channels")


@pytest.mark.parametrize(
    ("seconds", "sentence"), [(1, "Several requests wait"), (10, "Another request in this thread was settled")]
)
async def test_a_reply_meant_for_one_card_does_not_decide_the_next(
    talking: Stack, seconds: float, sentence: str
) -> None:
    _, (card,) = await in_thread(talking, ["memo.write"])
    proposed, fresh = await next_step(talking, card)
    await written(talking, "U0BOB", fresh, seconds)
    await told(talking, "U0BOB", sentence)
    assert await state_of(talking, proposed) == "pending"


async def test_a_reply_to_a_card_that_nobody_can_have_read_yet_decides_nothing(talking: Stack) -> None:
    (proposed,), (card,) = await in_thread(talking, ["memo.write"])
    await written(talking, "U0BOB", card, 1)
    await told(talking, "U0BOB", "appeared while you wrote")
    assert await state_of(talking, proposed) == "pending"


@pytest.mark.parametrize(("person", "seconds"), [("U0BOB", 30), ("U0CAROL", 10)])
async def test_a_reply_that_can_only_mean_the_next_card_decides_it(talking: Stack, person: str, seconds: float) -> None:
    _, (card,) = await in_thread(talking, ["memo.write"])
    proposed, fresh = await next_step(talking, card)
    await written(talking, person, fresh, seconds)
    assert (await talking.settled(proposed["proposal_id"]))["state"] == "succeeded"


# approving several


async def test_a_tool_that_is_decided_with_its_buttons_is_not_offered_among_several(talking: Stack) -> None:
    for number in range(2):
        await talking.propose("memo.strict", arguments={"service": f"strict-{number}"})
        await talking.propose("memo.write", arguments={"service": f"plain-{number}"})
    await talking.slack.command("U0BOB", "/approvals", "batch")
    workspace = talking.slack.workspace

    def filled() -> str | None:
        said = json.dumps(workspace.open_views("U0BOB")[-1].blocks)
        return said if "Untick" in said else None

    offered = await workspace.until(filled, timeout=30)
    assert ("plain-0" in offered, "strict-0" in offered) == (True, False)
