"""✅ under a card approves where the policy lets it, with the checks of a click; ❌ asks for the reason."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.workspace import Message
from storage.tables import AuditEntry, Review
from tests.integration.verbs import count, rows
from tests.stack import Stack, stop_stack
from tests.talking import asked, heard, in_thread, kept, react, start_talking, state_of, told

CHECK, CROSS = "white_check_mark", "x"


@pytest.fixture
async def talking(url: str, tmp_path: Path) -> AsyncIterator[Stack]:
    running = await start_talking(url, tmp_path)
    yield running
    await stop_stack(running)


async def test_a_check_mark_approves_and_the_record_names_it(talking: Stack) -> None:
    proposed, card = await asked(talking)
    await react(talking, "U0BOB", card, CHECK)
    assert (await talking.settled(proposed["proposal_id"]))["state"] == "succeeded"
    (entry,) = await rows(talking.database, AuditEntry, kind="approval.decided")
    detail = json.loads(entry.detail)
    assert (entry.actor, detail["way"]) == ("person:U0BOB", "reaction")
    assert detail["event"].startswith(f"reaction:{card.channel}:{card.ts}:U0BOB:{CHECK}:")


async def test_a_cross_is_asked_for_its_reason_and_rejects_nothing(talking: Stack) -> None:
    proposed, card = await asked(talking)
    await react(talking, "U0BOB", card, CROSS)
    await told(talking, "U0BOB", "A rejection needs a reason")
    assert await state_of(talking, proposed) == "pending"


async def test_in_a_thread_a_reaction_names_its_card_and_is_answered_in_that_thread(talking: Stack) -> None:
    proposed, cards = await in_thread(talking, ["memo.write", "memo.read"])
    await react(talking, "U0ALICE", cards[1], CHECK)
    assert (await told(talking, "U0ALICE", "You may not answer")).thread_ts == cards[1].thread_ts
    await react(talking, "U0BOB", cards[1], CHECK)
    assert (await talking.settled(proposed[1]["proposal_id"]))["state"] == "succeeded"
    assert await state_of(talking, proposed[0]) == "pending"


@pytest.mark.parametrize(
    ("person", "sentence"),
    [("U0ALICE", "You may not answer this request"), ("U0GUEST", "full members"), ("U0CAROL", "somebody else must")],
)
@pytest.mark.parametrize("emoji", [CHECK, CROSS])
async def test_whoever_may_not_decide_is_told_so(talking: Stack, person: str, sentence: str, emoji: str) -> None:
    proposed, card = await asked(talking, on_behalf_of="U0CAROL")
    await react(talking, person, card, emoji)
    await told(talking, person, sentence)
    assert (await state_of(talking, proposed), await count(talking.database, Review)) == ("pending", 0)


async def test_whatever_can_do_harm_is_left_to_the_buttons(talking: Stack) -> None:
    proposed, card = await asked(talking, "deploy.production")
    await react(talking, "U0BOB", card, CHECK)
    await told(talking, "U0BOB", "decided with its buttons only")
    assert await state_of(talking, proposed) == "pending"


async def test_reactions_count_for_nothing_until_the_policy_says_so(url: str, tmp_path: Path) -> None:
    stack = await start_talking(url, tmp_path, slack="decide_by_reply = true")
    proposed, card = await asked(stack)
    await react(stack, "U0BOB", card, CHECK)
    assert (await kept(stack), await state_of(stack, proposed)) == ([], "pending")
    await stop_stack(stack)


@pytest.mark.parametrize("emoji", ["+1", "heavy_check_mark", "negative_squared_cross_mark", "eyes"])
async def test_other_reactions_mean_nothing(talking: Stack, emoji: str) -> None:
    _, card = await asked(talking)
    await react(talking, "U0BOB", card, emoji)
    assert await kept(talking) == []


async def test_a_reaction_elsewhere_means_nothing(talking: Stack) -> None:
    await asked(talking)
    said = await talking.slack.say("U0ALICE", "C0APPROVALS", "done with the memo")
    await react(talking, "U0BOB", said, CHECK)
    await talking.slack.seat.happenings.events.deliver(
        {"type": "reaction_added", "user": "U0BOB", "reaction": CHECK, "item": {"type": "file", "file": "F1"},
         "event_ts": said.ts}
    )  # fmt: skip
    assert await kept(talking) == []


async def test_a_reaction_in_the_thread_below_a_card_is_not_one_on_the_card(talking: Stack) -> None:
    proposed, card = await asked(talking)
    said = await talking.slack.say("U0ALICE", card.channel, "it is about the memo", card.ts)
    await react(talking, "U0BOB", said, CHECK)
    assert (await kept(talking), await state_of(talking, proposed)) == ([], "pending")


async def test_taking_a_reaction_back_changes_nothing_and_giving_it_again_is_said_before(talking: Stack) -> None:
    proposed, card = await asked(talking, "memo.two")
    await react(talking, "U0BOB", card, CHECK)
    await heard(talking)
    await talking.slack.seat.happenings.unreacted("U0BOB", card, CHECK)
    assert len(await kept(talking)) == 1
    await react(talking, "U0BOB", card, CHECK)
    await told(talking, "U0BOB", "You have given this answer before")
    assert await count(talking.database, Review) == 1
    await react(talking, "U0CAROL", card, CHECK)
    assert (await talking.settled(proposed["proposal_id"]))["state"] == "succeeded"


@pytest.mark.parametrize("new_id", [False, True])
async def test_an_event_that_comes_again_under_whatever_id_counts_once(talking: Stack, new_id: bool) -> None:
    _, card = await asked(talking)
    await react(talking, "U0BOB", card, CROSS)
    await heard(talking)
    assert [one.status for one in await talking.slack.seat.events.again(new_id=new_id)] == [200]
    assert len(await heard(talking)) == len(talking.slack.workspace.ephemerals("U0BOB")) == 1


async def test_a_reaction_by_somebody_who_was_first_elsewhere_is_late(talking: Stack) -> None:
    proposed, card = await asked(talking)
    await talking.slack.click("U0CAROL", card, "Approve")
    await talking.settled(proposed["proposal_id"])
    await react(talking, "U0BOB", card, CHECK)
    assert "<@U0CAROL>" in ((await told(talking, "U0BOB", "already approved")).text or "")


async def test_the_copy_in_the_channel_and_the_card_in_the_thread_count_alike(talking: Stack) -> None:
    (proposed,), (card,) = await in_thread(talking, ["memo.two"])
    copy = await talking.card("Does memo.two")
    assert isinstance(copy, Message)
    assert copy.channel == "C0APPROVALS"
    await react(talking, "U0BOB", copy, CHECK)
    await react(talking, "U0CAROL", card, CHECK)
    assert (await talking.settled(proposed["proposal_id"]))["state"] == "succeeded"
