"""Socket Mode as an app sees it on the wire, with a bare websocket client."""

import asyncio

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import WorkspaceServer, demo_workspace
from bot.workspace.cast import APP_TOKEN, APPROVALS, BOB


@pytest.fixture
def workspace():
    return demo_workspace()


@pytest.fixture
def server_options():
    return {"ack_seconds": 0.2, "retry_delays": ()}


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


async def connect(server, session):
    client = AsyncWebClient(base_url=server.api_url)
    url = (await client.apps_connections_open(app_token=APP_TOKEN))["url"]
    socket = await session.ws_connect(url)
    hello = await socket.receive_json()
    assert hello["type"] == "hello"
    return socket, hello


async def posted(server, workspace):
    client = AsyncWebClient(token="xoxb-demo", base_url=server.api_url)
    button = {"type": "button", "text": {"type": "plain_text", "text": "Approve"}, "action_id": "approve"}
    await client.chat_postMessage(channel=APPROVALS, text="x", blocks=[{"type": "actions", "elements": [button]}])
    return workspace.card(APPROVALS)


async def acknowledging(workspace, socket, payload=None):
    envelope = await socket.receive_json()
    ack = {"envelope_id": envelope["envelope_id"]}
    await socket.send_json({**ack, "payload": payload} if payload else ack)
    return envelope


async def both(acting, answering):
    return await asyncio.gather(acting, answering)


async def test_clicks_commands_and_events_travel_in_envelopes(server, workspace, session):
    socket, hello = await connect(server, session)
    assert hello["num_connections"] == 1
    card = await posted(server, workspace)
    answer, envelope = await both(server.click(BOB, card, "Approve"), acknowledging(workspace, socket))
    assert answer.status == 200
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("interactive", True)
    assert envelope["payload"]["actions"][0]["action_id"] == "approve"
    answer, envelope = await both(
        server.command(BOB, "/approvals", "pending"), acknowledging(workspace, socket, {"text": "none"})
    )
    assert (envelope["type"], envelope["payload"]["text"]) == ("slash_commands", "pending")
    assert [message.text for message in answer.ephemeral] == ["none"]
    _, envelope = await both(server.open_home(BOB), acknowledging(workspace, socket))
    assert (envelope["type"], envelope["retry_attempt"]) == ("events_api", 0)
    assert envelope["payload"]["event"]["type"] == "app_home_opened"
    assert not envelope["accepts_response_payload"]


async def test_each_envelope_goes_to_one_connection(server, workspace, session):
    first, _ = await connect(server, session)
    second, hello = await connect(server, session)
    assert hello["num_connections"] == 2
    card = await posted(server, workspace)
    for socket in (first, second):
        await both(server.click(BOB, card, "Approve"), acknowledging(workspace, socket))


async def test_an_unacknowledged_envelope_is_too_late(server, workspace, session):
    socket, _ = await connect(server, session)
    answer = await server.click(BOB, await posted(server, workspace), "Approve")
    assert answer.timed_out
    assert workspace.unanswered[0].why == "Countersign did not respond in time. Try again."
    assert not socket.closed


async def test_refresh_and_tickets(server, workspace, session):
    client = AsyncWebClient(base_url=server.api_url)
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.apps_connections_open(app_token="xoxb-demo")
    socket, _ = await connect(server, session)
    url = (await client.apps_connections_open(app_token=APP_TOKEN))["url"]
    await server.sockets.refresh(workspace)
    assert (await socket.receive_json())["reason"] == "refresh_requested"
    assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
    await workspace.until(lambda: server.sockets.live(workspace) == 0)
    await (await session.ws_connect(url)).close()
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(url)


async def test_ten_connections_are_enough(server, session):
    held = [await connect(server, session) for _ in range(10)]
    assert held[-1][1]["num_connections"] == 10
    client = AsyncWebClient(base_url=server.api_url)
    url = (await client.apps_connections_open(app_token=APP_TOKEN))["url"]
    eleventh = await session.ws_connect(url)
    assert (await eleventh.receive_json())["reason"] == "too_many_websockets"


async def test_an_event_nobody_acknowledged_goes_to_another_connection(workspace, session):
    async with WorkspaceServer(workspace, ack_seconds=0.2, retry_delays=(0.0, 0.0)) as server:
        deaf, _ = await connect(server, session)
        awake, _ = await connect(server, session)
        for _ in range(2):
            answer, _ = await both(server.open_home(BOB), acknowledging(workspace, awake))
            assert answer.status == 200
        assert not deaf.closed
        retries = [(attempt.retry, attempt.status) for attempt in workspace.attempts]
        assert (1, 200) in retries, "one of two came to the deaf connection first"


async def test_a_lost_connection_gives_its_event_to_the_next_at_once(workspace, session):
    async with WorkspaceServer(workspace, ack_seconds=30, retry_delays=(0.0,)) as server:
        one, _ = await connect(server, session)
        two, _ = await connect(server, session)

        async def dropping(socket):
            await socket.receive_json()
            await socket.close()

        async def first_of(sockets):
            waits = {asyncio.create_task(socket.receive_json()): socket for socket in sockets}
            done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            await waits[done.pop()].close()

        opening = asyncio.create_task(server.open_home(BOB))
        await first_of([one, two])
        await acknowledging(workspace, two if one.closed else one)
        assert (await opening).status == 200
        clicks = asyncio.create_task(server.click(BOB, await posted(server, workspace), "Approve"))
        await dropping(two if one.closed else one)
        assert (await clicks).timed_out, "a click is never delivered again"


async def test_silent_and_refused_sockets(server, workspace, session):
    socket, _ = await connect(server, session)
    workspace.faults.silent_sockets = True
    assert (await server.click(BOB, await posted(server, workspace), "Approve")).timed_out
    await socket.ping(b"there?")
    with pytest.raises(TimeoutError):
        await socket.receive(timeout=0.05)
    assert server.sockets.live(workspace) == 1
    workspace.faults.clear()
    workspace.faults.refuse_sockets = True
    client = AsyncWebClient(base_url=server.api_url)
    url = (await client.apps_connections_open(app_token=APP_TOKEN))["url"]
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(url)


async def test_pings_go_both_ways(server, session):
    server.sockets.ping_seconds = 0.01
    client = AsyncWebClient(base_url=server.api_url)
    url = (await client.apps_connections_open(app_token=APP_TOKEN))["url"]
    socket = await session.ws_connect(url, autoping=False)
    assert (await socket.receive_json())["type"] == "hello"
    assert (await socket.receive()).type is aiohttp.WSMsgType.PING
    await socket.ping(b"there?")
    heard = [await socket.receive() for _ in range(5)]
    assert b"there?" in [message.data for message in heard if message.type is aiohttp.WSMsgType.PONG]


async def test_a_warning_comes_before_the_end(server, workspace, session):
    socket, _ = await connect(server, session)
    await server.sockets.disconnect(workspace, "warning")
    assert (await socket.receive_json())["reason"] == "warning"
    assert server.sockets.live(workspace) == 1
    await server.sockets.disconnect(workspace, "link_disabled")
    assert (await socket.receive_json())["reason"] == "link_disabled"
    assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_opening_connections_is_rated(server, workspace):
    workspace.enforce_rate_limits = True
    client = AsyncWebClient(base_url=server.api_url, retry_handlers=[])
    for _ in range(20):
        await client.apps_connections_open(app_token=APP_TOKEN)
    with pytest.raises(SlackApiError, match="ratelimited"):
        await client.apps_connections_open(app_token=APP_TOKEN)


async def test_connections_belong_to_the_app_not_to_one_workspace(server, workspace, session):
    second = demo_workspace(bot_token="xoxb-second", app_token=APP_TOKEN)
    second.team_id = "T0SECOND"
    seat = server.add(second)
    socket, _ = await connect(server, session)
    _, envelope = await both(seat.happenings.home_opened(BOB), acknowledging(workspace, socket))
    assert envelope["payload"]["team_id"] == "T0SECOND"
