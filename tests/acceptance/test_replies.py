"""A plain reply in a card's thread decides where the policy lets it, with the checks of a click; else one sentence."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.workspace import Message
from storage.tables import AuditEntry, InboxStatus, KeyKind, Review
from tests.integration.verbs import count, rows
from tests.stack import Stack, stop_stack
from tests.talking import asked, heard, in_thread, kept, reply, start_talking, state_of, told


@pytest.fixture
async def talking(url: str, tmp_path: Path) -> AsyncIterator[Stack]:
    running = await start_talking(url, tmp_path)
    yield running
    await stop_stack(running)


async def test_a_plain_approve_runs_the_call_and_the_record_names_the_reply(talking: Stack) -> None:
    proposed, card = await asked(talking)
    said = await reply(talking, "U0BOB", card, "Approve! :+1:")
    settled = await talking.settled(proposed["proposal_id"])
    assert (settled["state"], talking.service.effects) == ("succeeded", 1)
    assert "card.approve" not in json.dumps((await talking.shown(card.channel, card.ts, "Succeeded")).blocks)
    (entry,) = await rows(talking.database, AuditEntry, kind="approval.decided")
    detail = json.loads(entry.detail)
    assert (entry.actor, detail["via"], detail["way"]) == ("person:U0BOB", "slack", "reply")
    assert detail["event"] == f"reply:{card.channel}:{said.ts}"
    assert talking.slack.workspace.ephemerals("U0BOB") == []


@pytest.mark.parametrize("words", ["reject because it is late", "Denied: it is late", "deny it is late"])
async def test_a_plain_reject_needs_its_reason_and_carries_it(talking: Stack, words: str) -> None:
    proposed, card = await asked(talking)
    await reply(talking, "U0BOB", card, words)
    settled = await talking.settled(proposed["proposal_id"])
    assert (settled["state"], settled["approval"]["decision"]["reason"]) == ("rejected", "it is late")
    await talking.shown(card.channel, card.ts, "it is late")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("reject", "A rejection needs a reason"),
        ("approve, but only for staging", "Only a plain `approve` counts"),
        ("approve :x:", "Only a plain `approve` counts"),
    ],
)
async def test_what_is_incomplete_is_answered_privately_in_the_thread(
    talking: Stack, words: str, sentence: str
) -> None:
    proposed, card = await asked(talking)
    await reply(talking, "U0BOB", card, words)
    assert (await told(talking, "U0BOB", sentence)).thread_ts == card.ts
    assert await state_of(talking, proposed) == "pending"


@pytest.mark.parametrize("words", ["yes", "looks good", "approve?", "I would approve this", "аpprove", "app\u200brove"])
async def test_conversation_leaves_no_trace(talking: Stack, words: str) -> None:
    _, card = await asked(talking)
    await reply(talking, "U0BOB", card, words)
    assert await kept(talking) == []


async def test_replies_count_for_nothing_until_the_policy_says_so(url: str, tmp_path: Path) -> None:
    stack = await start_talking(url, tmp_path, slack="decide_by_reaction = true")
    proposed, card = await asked(stack)
    await reply(stack, "U0BOB", card, "approve")
    assert await kept(stack) == []
    assert await state_of(stack, proposed) == "pending"
    await stop_stack(stack)


@pytest.mark.parametrize("tool", ["deploy.production", "memo.strict"])
async def test_whatever_can_do_harm_is_left_to_the_buttons(talking: Stack, tool: str) -> None:
    proposed, card = await asked(talking, tool)
    await reply(talking, "U0BOB", card, "approve")
    await told(talking, "U0BOB", "decided with its buttons only")
    await reply(talking, "U0CAROL", card, "reject because of that")
    await told(talking, "U0CAROL", "decided with its buttons only")
    assert await state_of(talking, proposed) == "pending"


@pytest.mark.parametrize("words", ["approve", "reject because I say so", "reject"])
@pytest.mark.parametrize(
    ("person", "sentence"),
    [("U0ALICE", "You may not answer this request"), ("U0GUEST", "full members"), ("U0STRANGER", "full members")],
)
async def test_whoever_may_not_decide_is_told_so(talking: Stack, person: str, sentence: str, words: str) -> None:
    workspace = talking.slack.workspace
    if person == "U0STRANGER":
        workspace.users[person] = type(workspace.users["U0BOB"])(person, "Sam", is_stranger=True, team_id="T0OTHER")
        workspace.channels["C0APPROVALS"].members.append(person)
    proposed, card = await asked(talking)
    await reply(talking, person, card, words)
    await told(talking, person, sentence)
    assert await state_of(talking, proposed) == "pending"
    assert await count(talking.database, Review) == 0


async def test_the_requester_is_told_that_somebody_else_must(talking: Stack) -> None:
    _, card = await asked(talking, on_behalf_of="U0CAROL")
    await reply(talking, "U0CAROL", card, "approve")
    assert "<@U0BOB>" in ((await told(talking, "U0CAROL", "somebody else must countersign")).text or "")


async def test_who_comes_late_is_told_who_was_first(talking: Stack) -> None:
    proposed, card = await asked(talking)
    await talking.slack.click("U0BOB", card.snapshot(), "Approve")
    await talking.settled(proposed["proposal_id"])
    await reply(talking, "U0CAROL", card, "reject because I am late")
    assert "<@U0BOB>" in ((await told(talking, "U0CAROL", "already approved")).text or "")


async def test_saying_it_twice_is_one_review_and_one_sentence(talking: Stack) -> None:
    proposed, card = await asked(talking, "memo.two")
    for words in ("approve", "approved"):
        await reply(talking, "U0BOB", card, words)
        await heard(talking)
    await told(talking, "U0BOB", "You have given this answer before")
    assert await count(talking.database, Review) == 1
    await reply(talking, "U0CAROL", card, "approve")
    assert (await talking.settled(proposed["proposal_id"]))["state"] == "succeeded"


@pytest.mark.parametrize("new_id", [False, True])
async def test_an_event_that_comes_again_under_whatever_id_counts_once(talking: Stack, new_id: bool) -> None:
    proposed, card = await asked(talking, "memo.two")
    await reply(talking, "U0BOB", card, "approve")
    await heard(talking)
    await talking.slack.click("U0BOB", card.snapshot(), "Approve")
    replies = await talking.slack.seat.events.again(new_id=new_id)
    assert [one.status for one in replies] == [200]
    assert len(await heard(talking)) == 1
    assert talking.slack.workspace.ephemerals("U0BOB") == []
    assert await state_of(talking, proposed) == "pending"


async def test_a_reply_under_a_card_counts_for_that_card_alone(talking: Stack) -> None:
    one, card = await asked(talking)
    other, newer = await asked(talking, "memo.read")
    assert newer.ts != card.ts
    await reply(talking, "U0BOB", card, "approve")
    assert (await talking.settled(one["proposal_id"]))["state"] == "succeeded"
    assert await state_of(talking, other) == "pending"


async def test_in_the_thread_where_the_agent_works_a_reply_decides_the_one_that_waits(talking: Stack) -> None:
    (proposed,), (card,) = await in_thread(talking, ["memo.write"])
    at = later(card.ts, 5)
    written = Message(card.channel, at, "U0BOB", "approve", thread_ts=card.thread_ts)
    await talking.slack.seat.events.deliver(event_of(written), "message.channels")
    assert (await talking.settled(proposed["proposal_id"]))["state"] == "succeeded"
    workspace = talking.slack.workspace
    trail = await workspace.until(
        lambda: [one for one in workspace.thread("C0DEPLOYS", card.thread_ts or "") if "Approved by" in one.text]
    )
    assert len(trail) == 1


async def test_where_several_wait_in_one_thread_a_reply_decides_none(talking: Stack) -> None:
    proposed, cards = await in_thread(talking, ["memo.write", "memo.read"])
    await reply(talking, "U0BOB", cards[0], "approve")
    assert (await told(talking, "U0BOB", "Several requests wait in this thread")).thread_ts == cards[0].thread_ts
    assert [await state_of(talking, one) for one in proposed] == ["pending", "pending"]


async def test_a_reply_that_was_ambiguous_when_written_stays_so(talking: Stack) -> None:
    """Whatever is decided between the reply and its answer must not lend it a meaning."""
    proposed, cards = await in_thread(talking, ["memo.write", "memo.read"])
    talking.slack.workspace.app.events -= {"message.channels"}
    unheard = await reply(talking, "U0BOB", cards[0], "approve")
    await talking.slack.click("U0CAROL", cards[0], "Approve")
    assert (await talking.settled(proposed[0]["proposal_id"]))["state"] == "succeeded"
    talking.slack.workspace.app.events |= {"message.channels"}
    await talking.slack.seat.events.deliver(event_of(unheard), "message.channels")
    await told(talking, "U0BOB", "Several requests wait in this thread")
    assert await state_of(talking, proposed[1]) == "pending"


def event_of(message: Message, **more: Any) -> dict[str, Any]:
    """The event that tells of a reply."""
    return {"type": "message", "channel": message.channel, "channel_type": "channel", "user": message.user,
            "text": message.text, "ts": message.ts, "thread_ts": message.thread_ts, "team": "T0DEMO",
            "event_ts": message.ts, **more}  # fmt: skip


def later(stamp: str, seconds: float) -> str:
    """A timestamp some seconds after another."""
    return f"{float(stamp) + seconds:.6f}"


async def test_a_reply_written_before_an_edit_was_shown_does_not_approve_the_edit(talking: Stack) -> None:
    proposed, card = await asked(talking)
    talking.slack.workspace.app.events -= {"message.channels"}
    before = await reply(talking, "U0BOB", card, "approve")
    carol = await talking.key(KeyKind.OPERATOR, "U0CAROL")
    body = {"arguments": {"service": "search"}, "digest": proposed["digest"], "reason": "the right one"}
    status, _ = await talking.signed(carol, "POST", f"/api/v1/approvals/{proposed['approval']['id']}/edit", body)
    assert status == 200
    shown = await talking.shown(card.channel, card.ts, "search")
    events = talking.slack.seat.events
    talking.slack.workspace.app.events |= {"message.channels"}
    await events.deliver(event_of(before), "message.channels")
    await told(talking, "U0BOB", "The request has changed since you saw it")
    assert await state_of(talking, proposed) == "pending"
    at = later(str(shown.edited), 10)
    after = event_of(before, ts=at, event_ts=at)
    await events.deliver(after, "message.channels")
    settled = await talking.settled(proposed["proposal_id"])
    assert (settled["state"], talking.service.calls[0].body["arguments"]) == ("succeeded", {"service": "search"})


@pytest.mark.parametrize(
    "more",
    [{"bot_id": "B0OTHER"}, {"app_id": "A0OTHER"}, {"subtype": "thread_broadcast"}, {"subtype": "message_changed"},
     {"subtype": "bot_message", "bot_id": "B1"}, {"edited": {"user": "U0BOB", "ts": "1.000000"}}, {"thread_ts": None},
     {"user": None}, {"channel": "C0ELSEWHERE"}, {"thread_ts": "1.000100"}, {"ts": "nonsense"}],
)  # fmt: skip
async def test_only_what_a_person_wrote_under_a_card_is_heard(talking: Stack, more: dict[str, Any]) -> None:
    _, card = await asked(talking)
    message = Message(card.channel, later(card.ts, 10), "U0BOB", "approve", thread_ts=card.ts)
    reply_to = await talking.slack.seat.events.deliver(event_of(message, **more), "message.channels")
    assert reply_to is not None
    assert reply_to.status == 200
    assert await kept(talking) == []


async def test_edited_and_deleted_replies_change_nothing(talking: Stack) -> None:
    proposed, card = await asked(talking, "memo.two")
    said = await reply(talking, "U0BOB", card, "let me look")
    happenings = talking.slack.seat.happenings
    await happenings.edited("U0BOB", said, "approve")
    assert await kept(talking) == []
    meant = await reply(talking, "U0BOB", card, "approve")
    await heard(talking)
    await happenings.edited("U0BOB", meant, "reject because I changed my mind")
    await happenings.deleted("U0BOB", meant)
    assert len(await kept(talking)) == 1
    await reply(talking, "U0CAROL", card, "approve")
    assert (await talking.settled(proposed["proposal_id"]))["state"] == "succeeded"


async def test_a_reply_another_workspace_sends_is_not_heard(talking: Stack) -> None:
    _, card = await asked(talking)
    talking.server.office.identity.team_id = "T0ELSE"
    await reply(talking, "U0BOB", card, "approve")
    assert await kept(talking) == []


async def test_while_slack_cannot_say_who_somebody_is_their_reply_waits(talking: Stack) -> None:
    proposed, card = await asked(talking)
    workspace = talking.slack.workspace
    workspace.faults.add("users.info", "503", times=2)
    await reply(talking, "U0BOB", card, "approve")
    assert (await talking.settled(proposed["proposal_id"]))["state"] == "succeeded"
    (event,) = await heard(talking)
    assert (event.status, event.attempts > 1) == (InboxStatus.DONE, True)


async def test_a_burst_of_approvals_is_one_decision(talking: Stack) -> None:
    proposed, card = await asked(talking)
    await asyncio.gather(*(reply(talking, person, card, "approve") for person in ("U0BOB", "U0CAROL") * 3))
    settled = await talking.settled(proposed["proposal_id"])
    assert (settled["state"], len(settled["approval"]["reviews"]), talking.service.effects) == ("succeeded", 1, 1)
