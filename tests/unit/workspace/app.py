"""A bare app for the workspace's tests: it keeps what it is sent and answers what it is told to."""

import json
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError

SECRET = "demo-signing-secret"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.at = 1_800_000_000.0

    def __call__(self):
        return self.at


class HttpApp:
    """Keeps every payload; answers what `answers` says, an empty 200 by default."""

    def __init__(self):
        self.payloads, self.headers, self.answers = [], [], []

    async def handle(self, request):
        body = await request.text()
        self.headers.append(dict(request.headers))
        self.payloads.append(_parsed(request.content_type, body))
        answer = self.answers.pop(0) if self.answers else web.Response()
        if callable(answer):
            answer = await answer(self.payloads[-1])
        return answer if isinstance(answer, web.Response) else web.json_response(answer)

    @property
    def events(self):
        """The inner events, in the order in which they came."""
        return [one["event"] for one in self.payloads if one.get("type") == "event_callback"]

    @property
    def ids(self):
        return [one["event_id"] for one in self.payloads if one.get("type") == "event_callback"]


def _parsed(content_type, body):
    if content_type == "application/json":
        return json.loads(body)
    form = {name: value[0] for name, value in parse_qs(body).items()}
    return json.loads(form["payload"]) if "payload" in form else form


@asynccontextmanager
async def listening(workspace):
    """The app on a port of its own, known to the workspace as its request URL."""
    app = HttpApp()
    application = web.Application()
    application.router.add_post("/slack/events", app.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    workspace.app.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield app
    await runner.cleanup()


async def error_of(awaitable):
    """What Slack answers to a call that it refuses."""
    with pytest.raises(SlackApiError) as raised:
        await awaitable
    return raised.value.response


def allow(workspace, scopes="", events=""):
    """Give the app more scopes and subscriptions, both as words."""
    workspace.app.scopes = workspace.app.scopes | set(scopes.split())
    workspace.app.events = workspace.app.events | set(events.split())


def plain(text):
    return {"type": "plain_text", "text": text}


def card(text="Deploy api"):
    """Blocks with one button."""
    button = {"type": "button", "text": plain("Approve"), "action_id": "approve", "value": "srf_1"}
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        {"type": "actions", "block_id": "decide", "elements": [button]},
    ]


def modal(**more):
    """A modal with one required field."""
    reason = {"type": "plain_text_input", "action_id": "text"}
    blocks = [{"type": "input", "block_id": "reason", "label": plain("Why?"), "element": reason}]
    return {"type": "modal", "title": plain("Reject"), "submit": plain("Reject"), "blocks": blocks, **more}
