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
async def server(workspace):
    async with WorkspaceServer(workspace, ack_seconds=0.2, retry_delays=()) as server:
        yield server


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
