"""Whoever waits costs little, and whoever waits in many places at once keeps nobody else from anything."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from bot.api.waiting import MAX_WAITERS
from storage import proposals
from storage.tables import KeyKind, OutboxMessage
from tests.integration.calls import API
from tests.integration.verbs import rows
from tests.stack import Stack

Poll = asyncio.Task[tuple[int, Any]]


def poll(stack: Stack, told: Any) -> Poll:
    return asyncio.create_task(stack.call("GET", f"{API}/proposals/{told['proposal_id']}?wait=60"))


async def approve(stack: Stack, told: Any) -> None:
    bob = await stack.key(KeyKind.OPERATOR, "U0BOB")
    await stack.signed(bob, "POST", f"{API}/approvals/{told['approval']['id']}", {"decision": "approve"})


async def test_beyond_the_places_of_one_caller_polls_are_answered_at_once(stack: Stack) -> None:
    _, told = await stack.propose()
    carol = await stack.key(KeyKind.OPERATOR, "U0CAROL")
    polls = [poll(stack, told) for _ in range(MAX_WAITERS + 10)]
    while sum(one.done() for one in polls) < 10:
        await asyncio.wait([one for one in polls if not one.done()], return_when=asyncio.FIRST_COMPLETED)
    assert {one.result()[1]["state"] for one in polls if one.done()} == {"pending"}
    path = f"{API}/proposals/{told['proposal_id']}?wait=60"
    other = asyncio.create_task(stack.signed(carol, "GET", path))
    await approve(stack, told)
    states = [state["state"] for _, state in await asyncio.gather(*polls)]
    assert sorted(states) == ["pending"] * 10 + ["succeeded"] * MAX_WAITERS
    assert (await other)[1]["state"] == "succeeded"


async def test_who_hangs_up_leaves_its_place(stack: Stack) -> None:
    _, told = await stack.propose()
    polls = [poll(stack, told) for _ in range(MAX_WAITERS + 1)]
    await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)  # every place is taken now
    for one in polls:
        one.cancel()
    await asyncio.gather(*polls, return_exceptions=True)
    waiting = poll(stack, told)
    while (await asyncio.wait([waiting], timeout=1))[0]:  # turned away: that they hung up is not noticed yet
        waiting = poll(stack, told)
    await approve(stack, told)
    assert (await waiting)[1]["state"] == "succeeded"


async def looked(stack: Stack) -> None:
    """Wait until it was looked who is there for the request: that reads its reviews too."""
    while True:
        if all(one.status == "sent" for one in await rows(stack.database, OutboxMessage, kind="cover")):
            return
        await asyncio.sleep(0.05)


@pytest.fixture
def statements(stack: Stack) -> Iterator[asyncio.Queue[str]]:
    """What readers ask about one proposal: its state alone, or everything, its reviews among it."""
    seen: asyncio.Queue[str] = asyncio.Queue()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT proposals.state") or "FROM reviews" in statement:
            seen.put_nowait(statement)

    event.listen(stack.database.reader.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(stack.database.reader.sync_engine, "before_cursor_execute", note)


async def test_looking_again_asks_for_the_state_alone(stack: Stack, statements: asyncio.Queue[str]) -> None:
    _, told = await stack.propose()
    await stack.card("checkout")
    await looked(stack)
    while not statements.empty():
        statements.get_nowait()
    waiting = poll(stack, told)
    for _ in range(5):
        assert (await statements.get()).startswith("SELECT proposals.state")
        stack.database.signals.announce([proposals.topic(told["proposal_id"])])
    await approve(stack, told)
    assert (await waiting)[1]["state"] == "succeeded"
