"""The thread where an agent works: its card, its trail, and what is said to one person alone."""

from bot.workspace import Message
from storage.tables import OutboxMessage, OutboxStatus
from tests.stack import Stack
from tests.talking import in_thread, told, until_all


def trail(stack: Stack, card: Message) -> list[Message]:
    """What was said in a thread besides its cards."""
    found = stack.slack.workspace.thread(card.channel, card.thread_ts or card.ts)
    return [one for one in found if one.from_app and one.ts != card.ts]


async def lines(stack: Stack, card: Message, last: str) -> list[str]:
    """Wait until the trail of a card ends in a line with a text; return the text of its messages."""
    workspace = stack.slack.workspace
    await workspace.until(lambda: [one for one in trail(stack, card) if last in one.text])
    return [one.text for one in trail(stack, card)]


async def test_a_click_in_the_thread_is_answered_in_the_thread(stack: Stack) -> None:
    (proposed,), (card,) = await in_thread(stack, ["deploy.production"])
    await stack.slack.click("U0MALLORY", card, "Approve")
    assert (await told(stack, "U0MALLORY", "You may not answer")).thread_ts == card.thread_ts
    await stack.slack.click("U0BOB", card, "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    late = card.snapshot(0)
    await stack.slack.click("U0CAROL", late, "Approve")
    assert (await told(stack, "U0CAROL", "already approved")).thread_ts == card.thread_ts


async def test_the_trail_lies_where_the_agent_works_and_nowhere_else(stack: Stack) -> None:
    (proposed,), (card,) = await in_thread(stack, ["deploy.two"])
    copy = await stack.card("Does deploy.two")
    await stack.slack.click("U0BOB", copy, "Approve")
    await lines(stack, card, "1 of 2")
    await stack.slack.click("U0CAROL", card.snapshot(), "Approve")
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "succeeded"
    await until_all(stack, OutboxMessage, OutboxStatus.SENT)
    said = " / ".join(await lines(stack, card, "Done in"))
    assert [said.count(one) for one in ("1 of 2", "Approved by <@U0CAROL>", "Done in")] == [1, 1, 1]
    assert trail(stack, copy) == []


async def test_lines_that_had_to_wait_are_said_at_once(stack: Stack) -> None:
    (proposed,), (card,) = await in_thread(stack, ["deploy.two"])
    stack.slack.workspace.faults.add("chat.postMessage", "ratelimited", retry_after=2)
    await stack.slack.click("U0BOB", card.snapshot(), "Approve")
    await stack.slack.click("U0CAROL", card.snapshot(), "Reject")
    (modal,) = stack.slack.workspace.open_views("U0CAROL")
    await stack.slack.submit("U0CAROL", modal, {"reason": "not today"})
    assert (await stack.settled(proposed["proposal_id"]))["state"] == "rejected"
    said = await lines(stack, card, "Rejected")
    assert [("1 of 2" in one, "Rejected by <@U0CAROL>" in one) for one in said] == [(True, True)]
    assert "not today" in str(trail(stack, card)[0].blocks)


async def test_a_trail_whose_answer_was_lost_is_found_and_not_said_again(stack: Stack) -> None:
    _, (card,) = await in_thread(stack, ["deploy.two"])
    stack.slack.workspace.faults.add("chat.postMessage", "lost")
    stack.slack.workspace.faults.add("conversations.replies", "ratelimited")  # nor can it be looked for at once
    await stack.slack.click("U0BOB", card.snapshot(), "Approve")
    await until_all(stack, OutboxMessage, OutboxStatus.SENT)
    assert len(stack.slack.workspace.called("conversations.replies")) == 2
    assert [one.count("1 of 2") for one in await lines(stack, card, "1 of 2")] == [1]
