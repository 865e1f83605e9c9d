"""A noisy agent does not flood its creator: from the fourth call in ten minutes on, one message counts."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bot.workspace import Message
from governance.attempts import Result
from operations import execute
from operations.prefer import Wishes, prefer
from scheduler.upkeep import reconcile_surfaces
from storage.tables import Folding, OutboxMessage, SurfaceStatus
from tests.conftest import Clock
from tests.integration.desk import Desk, words
from tests.integration.running import DONE, NO, another, worker
from tests.integration.verbs import TENANT, asked, count, rows, say, sql, submit
from tests.integration.wound import WoundClock
from tests.stack import Stack

POST, UPDATE = "chat.postMessage", "chat.update"
ALICE = "U0ALICE"


async def run(desk: Desk, *results: Result, **more: object) -> None:
    """Let the agent run one call for each of these results, without asking."""
    for n, result in enumerate(results):
        told = {"service": f"s{n}", "note": str(len(await rows(desk.database, OutboxMessage)))}
        await submit(desk.database, desk.policy, "note.l2", arguments=told, **more)
        await worker(desk.database, desk.policy, result).work()


def told(desk: Desk, person: str = ALICE) -> list[Message]:
    return [one for one in desk.workspace.dm(person) if desk.key_of(one).startswith("out_")]


def counting(desk: Desk, person: str = ALICE) -> list[Message]:
    return [one for one in desk.workspace.dm(person) if desk.key_of(one).startswith("fld_")]


async def test_three_calls_are_told_one_by_one_and_the_rest_is_counted_in_one_message(desk: Desk) -> None:
    await run(desk, *[DONE] * 3)
    await desk.settle()
    assert (len(told(desk)), counting(desk)) == (3, [])
    await run(desk, *[DONE] * 4)
    await desk.settle()
    (message,) = counting(desk)
    assert "ran 4 more calls" in message.text
    await run(desk, *[DONE] * 5)
    await desk.settle()
    assert counting(desk) == [message]
    assert "9 more calls" in message.text
    assert "9 done" in message.text
    assert len(told(desk)) == 3


async def test_what_fails_is_told_by_itself_three_times_and_counted_for_all_to_see_after_that(desk: Desk) -> None:
    await run(desk, *[DONE] * 5, *[NO] * 5)
    await desk.settle()
    assert sum("Failed" in words(one) for one in told(desk)) == 3
    (message,) = counting(desk)
    assert "⚠️ 2 done, 2 failed" in message.text
    assert message.blocks[1]["text"]["text"].startswith("🔥")


async def test_changes_are_gathered_so_that_many_calls_make_few_updates(desk: Desk) -> None:
    for _ in range(30):
        await run(desk, DONE)
        desk.clock.forward(seconds=1)
        desk.restart()
        await desk.deliver()
    await desk.settle()
    (message,) = counting(desk)
    assert "27 more calls" in message.text
    assert len(desk.workspace.called(UPDATE)) <= 3


async def test_ten_minutes_of_silence_begin_a_new_count(desk: Desk) -> None:
    await run(desk, *[DONE] * 5)
    await desk.settle()
    desk.clock.forward(minutes=10)
    await run(desk, *[DONE] * 3)
    await desk.settle()
    assert (len(told(desk)), len(counting(desk))) == (6, 1)
    await run(desk, DONE)
    await desk.settle()
    assert [one.text.split(" without")[0] for one in counting(desk)] == [
        "🗂️ Deployer ran 2 more calls", "🗂️ Deployer ran 1 more call",
    ]  # fmt: skip


async def test_a_quiet_agent_leaves_one_row_however_long_it_works(desk: Desk) -> None:
    for _ in range(5):
        await run(desk, DONE)
        desk.clock.forward(minutes=11)
    await desk.settle()
    assert len(told(desk)) == 5
    assert await count(desk.database, Folding) == 1


async def test_whom_the_agent_acts_for_has_a_count_of_their_own(desk: Desk) -> None:
    await run(desk, *[DONE] * 4)
    await run(desk, *[DONE] * 4, on_behalf_of="U0CAROL")
    await desk.settle()
    assert "5 more calls" in counting(desk)[0].text
    assert "1 more call " in counting(desk, "U0CAROL")[0].text
    assert len(told(desk, "U0CAROL")) == 3


async def test_calls_that_people_approved_are_never_folded(desk: Desk) -> None:
    for n in range(6):
        await say(desk.database, await asked(desk.database, desk.policy, arguments={"service": f"s{n}"}), "U0BOB")
        await worker(desk.database, desk.policy, DONE).work()
    await desk.settle()
    assert (len(told(desk)), counting(desk)) == (6, [])


async def test_calls_that_end_at_once_in_several_processes_are_all_counted_in_one_message(
    desk: Desk, url: str, clock: Clock
) -> None:
    calls = 24
    for n in range(calls):
        await submit(desk.database, desk.policy, "note.l2", arguments={"service": f"s{n}"})
    started = [
        await desk.database.write("", lambda tx: execute.start_next(tx, lambda _: desk.policy, "worker"))
        for _ in range(calls)
    ]
    async with AsyncExitStack() as processes:
        others = [await processes.enter_async_context(another(url, clock)) for _ in range(3)]
        await asyncio.gather(
            *(
                others[n % 3].write(TENANT, lambda tx, one=one: execute.settle(tx, desk.policy, one, DONE))
                for n, one in enumerate(started)
            )
        )
    await desk.settle()
    (row,) = await rows(desk.database, Folding)
    assert (row.alone, row.counts) == (3, {"succeeded": calls - 3})
    (message,) = counting(desk)
    assert f"{calls - 3} more calls" in message.text
    assert len(told(desk)) == 3


@pytest.mark.parametrize("fault", ["lost", "drop", "500", "ratelimited"])
async def test_whatever_becomes_of_the_post_there_is_one_message_that_counts(desk: Desk, fault: str) -> None:
    await run(desk, *[DONE] * 3)
    await desk.settle()
    await run(desk, *[DONE] * 2)
    desk.workspace.faults.add(POST, fault, 2)
    await desk.settle()
    await run(desk, DONE)
    await desk.settle()
    (message,) = counting(desk)
    assert "3 more calls" in message.text


async def test_a_post_whose_answer_was_lost_is_found_again_and_made_true(desk: Desk) -> None:
    await run(desk, *[DONE] * 3)
    await desk.settle()
    await run(desk, DONE)
    desk.workspace.faults.add(POST, "lost")
    desk.clock.forward(seconds=10)
    desk.restart()
    await desk.deliver()
    posted = len(desk.workspace.called(POST))
    (row,) = await rows(desk.database, Folding)
    assert (row.status, row.ts) == (SurfaceStatus.POSTING, None)
    await run(desk, DONE)
    await desk.settle()
    (message,) = counting(desk)
    assert "2 more calls" in message.text
    assert len(desk.workspace.called(POST)) == posted


async def test_a_count_that_somebody_deletes_is_posted_again_once_and_then_left_alone(desk: Desk) -> None:
    await run(desk, *[DONE] * 4)
    await desk.settle()
    for times in (1, 0):
        (message,) = counting(desk)
        await desk.slack.seat.happenings.deleted("U0ADMIN", message)
        await run(desk, DONE)
        await desk.settle()
        assert len(counting(desk)) == times
    (row,) = await rows(desk.database, Folding)
    assert row.status is SurfaceStatus.GONE
    desk.clock.forward(minutes=10)
    await run(desk, *[DONE] * 4)
    await desk.settle()
    assert "1 more call " in counting(desk)[0].text


async def test_a_count_that_nothing_is_owed_for_any_more_is_repaired_all_the_same(desk: Desk) -> None:
    await run(desk, *[DONE] * 5)
    await sql(desk.database, "DELETE FROM outbox_messages WHERE kind = 'fold'")
    await reconcile_surfaces(desk.database)
    await desk.settle()
    assert "2 more calls" in counting(desk)[0].text


async def test_a_count_waits_for_the_end_of_quiet_hours_and_then_says_all_of_it(desk: Desk) -> None:
    await desk.database.write(TENANT, lambda tx: prefer(tx, ALICE, Wishes("UTC", None, 12 * 60, 13 * 60)))
    await run(desk, *[DONE] * 20)
    desk.clock.forward(minutes=59)
    await desk.deliver()
    assert desk.workspace.dm(ALICE) == []
    await desk.settle()
    assert len(told(desk)) == 3
    assert "17 more calls" in counting(desk)[0].text


async def test_nobody_is_tried_for_ever_whom_slack_does_not_deliver_to(desk: Desk) -> None:
    desk.workspace.users[ALICE].deleted = True
    await run(desk, *[DONE] * 5)
    await desk.settle()
    assert [one.status for one in await rows(desk.database, Folding)] == [SurfaceStatus.GONE]
    await reconcile_surfaces(desk.database)
    assert await count(desk.database, OutboxMessage, status="queued") == 0


@pytest.fixture
def stack_options(wound: WoundClock) -> dict[str, Any]:
    return {"clock": wound}


async def test_details_of_a_counted_call_open_from_the_message(stack: Stack, wound: WoundClock) -> None:
    for n in range(4):
        status, _ = await stack.propose("note.l2", arguments={"service": f"s{n}"}, wait=30)
        assert status == 201
    wound.forward(seconds=10)
    workspace = stack.slack.workspace
    message = await workspace.until(
        lambda: next((one for one in workspace.dm(ALICE) if "1 more call " in one.text), None)
    )
    view = await stack.modal(ALICE, message, "Details")
    assert "Tell a note" in str(view.blocks)
