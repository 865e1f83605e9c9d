"""A real Bolt app against the workspace, over HTTP and over Socket Mode: it cannot tell it from Slack."""

import json

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import demo_workspace
from bot.workspace.cast import APP_TOKEN, APPROVALS, BOB

SECRET = "bolt-secret"


def card(text="Deploy api to production"):
    button = {"type": "button", "text": {"type": "plain_text", "text": "Approve"}, "action_id": "approve"}
    reject = {"type": "button", "text": {"type": "plain_text", "text": "Reject"}, "action_id": "reject"}
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        {"type": "actions", "elements": [button, reject]},
    ]


def reason_modal():
    return {
        "type": "modal",
        "callback_id": "reject_reason",
        "title": {"type": "plain_text", "text": "Reject"},
        "submit": {"type": "plain_text", "text": "Reject"},
        "blocks": [
            {
                "type": "input",
                "block_id": "reason",
                "label": {"type": "plain_text", "text": "Why?"},
                "element": {"type": "plain_text_input", "action_id": "text"},
            }
        ],
    }


def make_app(server):
    client = AsyncWebClient(token="xoxb-demo", base_url=server.api_url)
    app = AsyncApp(token="xoxb-demo", signing_secret=SECRET, client=client)

    @app.action("approve")
    async def approve(ack, body, client):
        await ack()
        place = body["container"]
        await client.chat_update(
            channel=place["channel_id"], ts=place["message_ts"], text="Approved", blocks=card("Approved")[:1]
        )

    @app.action("reject")
    async def reject(ack, body, client):
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=reason_modal())

    @app.view("reject_reason")
    async def submitted(ack, view, body, client):
        reason = view["state"]["values"]["reason"]["text"]["value"]
        if len(reason) < 4:
            await ack(response_action="errors", errors={"reason": "Say a little more."})
            return
        await ack()
        await client.chat_postMessage(channel=APPROVALS, text=f"Rejected: {reason}")

    @app.command("/approvals")
    async def command(ack, command, respond):
        await ack(f"Looking for {command['text']}")
        await respond(text="None pending")

    @app.event("app_home_opened")
    async def home(event, client):
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": card("Home")[:1]})

    return app


@pytest.fixture
async def workspace():
    return demo_workspace(signing_secret=SECRET)


@pytest.fixture(params=["http", "socket"])
async def bolt(request, server, workspace):
    """The app, connected one way or the other; yields its Web API client."""
    app = make_app(server)
    if request.param == "socket":
        handler = AsyncSocketModeHandler(app, APP_TOKEN)
        await handler.connect_async()
        await workspace.until(lambda: server.sockets.live(workspace))
        yield app.client
        await handler.close_async()
        return
    runner = web.AppRunner(app.web_app("/slack/events"), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    workspace.app.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield app.client
    await runner.cleanup()


async def test_click_is_acknowledged_and_the_card_changes(server, workspace, bolt):
    await bolt.chat_postMessage(channel=APPROVALS, text="Deploy", blocks=card())
    posted = workspace.card(APPROVALS, containing="production")
    answer = await server.click(BOB, posted, "Approve")
    assert answer.status == 200
    await workspace.until(lambda: posted.text == "Approved")
    assert posted.revision == 1
    assert workspace.card(APPROVALS) is None
    assert workspace.acks[-1].what == "Approve"
    assert workspace.acks[-1].seconds < 3
    assert workspace.violations == []


async def test_modal_errors_then_success(server, workspace, bolt):
    await bolt.chat_postMessage(channel=APPROVALS, text="Deploy", blocks=card())
    await server.click(BOB, workspace.card(APPROVALS), "reject")
    (view,) = await workspace.until(lambda: workspace.open_views(BOB))
    answer = await server.submit(BOB, view, {"reason": ""})
    assert (answer.status, view.errors) == (0, {"reason": "Please complete this required field."})
    answer = await server.submit(BOB, view, {"reason": "no"})
    assert answer.status == 200
    assert view.errors == {"reason": "Say a little more."}
    answer = await server.submit(BOB, view, {"reason": "too late on a Friday"})
    assert answer.view is None
    assert workspace.open_views(BOB) == []
    await workspace.until(lambda: [m for m in workspace.messages_in(APPROVALS) if "Friday" in m.text])


async def test_command_answers_directly_and_by_response_url(server, workspace, bolt):
    answer = await server.command(BOB, "/approvals", "pending")
    assert "Looking for pending" in [message.text for message in answer.ephemeral]
    await workspace.until(lambda: [m for m in workspace.ephemerals(BOB) if m.text == "None pending"])
    assert workspace.messages_in(APPROVALS) == []


async def test_home_is_published_when_opened(server, workspace, bolt):
    answer = await server.open_home(BOB)
    assert answer.status == 200
    home = await workspace.until(lambda: workspace.home(BOB))
    assert "Home" in json.dumps(home.blocks)
