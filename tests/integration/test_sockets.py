"""Socket Mode: several connections; one that breaks, is asked to go or falls silent is replaced."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack import new_client
from bot.slack.sockets import Pace, Sockets
from bot.workspace import WorkspaceServer, demo_workspace
from bot.workspace.cast import APP_TOKEN

QUICK = Pace(silence=0.6, farewell=5.0, settled=0.0, first_wait=0.05, longest_wait=0.2)


@pytest.fixture
async def slack() -> AsyncIterator[WorkspaceServer]:
    async with WorkspaceServer(demo_workspace()) as running:
        yield running


async def answering(request: AsyncBoltRequest) -> BoltResponse:
    """Say who asked."""
    return BoltResponse(status=200, body=f"{request.body['command']} of {request.context.team_id}")


@pytest.fixture
async def sockets(slack: WorkspaceServer) -> AsyncIterator[Sockets]:
    running = Sockets(new_client("", slack.api_url), APP_TOKEN, answering, 3, QUICK)
    running.start()
    yield running
    await running.stop()


async def live(slack: WorkspaceServer, wanted: Callable[[int], bool]) -> int:
    """Wait until so many connections are open."""
    return await slack.workspace.until(
        lambda: wanted(slack.sockets.live(slack.workspace)) and 1 + slack.sockets.live(slack.workspace), timeout=20
    )


async def opened(slack: WorkspaceServer, times: int) -> None:
    """Wait until so many connections were ever asked for."""
    await slack.workspace.until(lambda: len(slack.workspace.called("apps.connections.open")) >= times, timeout=20)


async def asks(slack: WorkspaceServer) -> str:
    return (await slack.command("U0BOB", "/approvals")).body


async def test_as_many_connections_as_asked_for_answer_in_turn(slack: WorkspaceServer, sockets: Sockets) -> None:
    await live(slack, lambda n: n == 3)
    for _ in range(4):
        assert "/approvals of T0DEMO" in await asks(slack)


async def test_what_slack_asks_to_go_is_replaced(slack: WorkspaceServer, sockets: Sockets) -> None:
    await live(slack, lambda n: n == 3)
    await slack.sockets.refresh(slack.workspace)
    await opened(slack, 6)
    await live(slack, lambda n: n == 3)
    assert "/approvals" in await asks(slack)


async def test_a_silent_connection_is_noticed_and_replaced(slack: WorkspaceServer, sockets: Sockets) -> None:
    await live(slack, lambda n: n == 3)
    slack.workspace.faults.silent_sockets = True
    await opened(slack, 6)
    slack.workspace.faults.silent_sockets = False
    await live(slack, lambda n: n == 3)
    assert "/approvals" in await asks(slack)


async def test_a_quiet_connection_that_answers_pings_is_left_alone(slack: WorkspaceServer, sockets: Sockets) -> None:
    await live(slack, lambda n: n == 3)
    await asyncio.sleep(3 * QUICK.silence)
    assert len(slack.workspace.called("apps.connections.open")) == 3


async def test_what_cannot_be_opened_is_tried_again(slack: WorkspaceServer) -> None:
    slack.workspace.faults.add("apps.connections.open", "ratelimited", times=2)
    running = Sockets(new_client("", slack.api_url), APP_TOKEN, answering, 1, QUICK)
    running.start()
    await live(slack, lambda n: n == 1)
    assert len(slack.workspace.called("apps.connections.open")) == 3
    await running.stop()


async def test_a_server_that_refuses_sockets_does_not_stop_them(slack: WorkspaceServer) -> None:
    slack.workspace.faults.refuse_sockets = True
    running = Sockets(new_client("", slack.api_url), APP_TOKEN, answering, 2, QUICK)
    running.start()
    await opened(slack, 4)
    slack.workspace.faults.refuse_sockets = False
    await live(slack, lambda n: n == 2)
    await running.stop()


async def test_stopping_lets_an_answer_under_way_arrive(slack: WorkspaceServer) -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slowly(request: AsyncBoltRequest) -> BoltResponse:
        asked.set()
        await may_answer.wait()
        return await answering(request)

    running = Sockets(new_client("", slack.api_url), APP_TOKEN, slowly, 2, QUICK)
    running.start()
    await live(slack, lambda n: n == 2)
    asking = asyncio.create_task(asks(slack))
    await asked.wait()
    stopping = asyncio.create_task(running.stop())
    may_answer.set()
    assert "/approvals" in await asking
    await stopping
    await live(slack, lambda n: n == 0)


async def test_an_envelope_that_breaks_something_does_not_end_the_connection(slack: WorkspaceServer) -> None:
    async def breaks_once(request: AsyncBoltRequest) -> BoltResponse:
        if "broken" in request.body["text"]:
            raise RuntimeError("on purpose")
        return await answering(request)

    slack.transport.ack_seconds = 0.5
    running = Sockets(new_client("", slack.api_url), APP_TOKEN, breaks_once, 1, QUICK)
    running.start()
    await live(slack, lambda n: n == 1)
    assert (await slack.command("U0BOB", "/approvals", "broken")).timed_out
    assert "/approvals" in await asks(slack)
    assert len(slack.workspace.called("apps.connections.open")) == 1
    await running.stop()
