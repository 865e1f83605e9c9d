"""Clicks, modals, commands and events as the app receives them, and what its answers do."""

import json
from urllib.parse import parse_qs

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier

from bot.workspace import WorkspaceServer, demo_workspace
from bot.workspace.cast import APPROVALS, BOB, CAROL, DANA, ONCALL
from tests.unit.workspace.app import plain

SECRET = "interactions-secret"


class AppUnderTest:
    """A bare HTTP endpoint: keeps every request, answers what `answers` says, empty 200 by default."""

    def __init__(self):
        self.requests, self.answers = [], []
        self.verifier = SignatureVerifier(SECRET)

    async def handle(self, request):
        body = await request.text()
        assert self.verifier.is_valid_request(body, dict(request.headers))
        self.requests.append((dict(request.headers), body))
        answer = self.answers.pop(0) if self.answers else {}
        if callable(answer):
            answer = await answer()
        if isinstance(answer, web.Response):
            return answer
        return web.json_response(answer) if answer else web.Response()

    @property
    def last(self):
        headers, body = self.requests[-1]
        if headers["Content-Type"] == "application/json":
            return json.loads(body)
        form = {name: value[0] for name, value in parse_qs(body).items()}
        return json.loads(form["payload"]) if "payload" in form else form


@pytest.fixture
def workspace(clock):
    return demo_workspace(signing_secret=SECRET, now=clock)


@pytest.fixture
def server_options():
    return {"retry_delays": (0.0, 0.0)}


@pytest.fixture
async def app(workspace):
    app = AppUnderTest()
    application = web.Application()
    application.router.add_post("/slack/events", app.handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    workspace.app.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield app
    await runner.cleanup()


def card():
    options = [{"text": plain("Remember"), "value": "remember"}, {"text": plain("Edit"), "value": "edit"}]
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": "Deploy api"}},
        {
            "type": "actions",
            "block_id": "decide",
            "elements": [
                {"type": "button", "text": plain("Approve"), "action_id": "approve", "value": "srf_1"},
                {"type": "overflow", "action_id": "more", "options": options},
            ],
        },
    ]


def modal(**more):
    reason = {"type": "plain_text_input", "action_id": "text", "min_length": 2}
    until = {"type": "datepicker", "action_id": "until", "initial_date": "2026-11-23"}
    return {
        "type": "modal",
        "callback_id": "reject",
        "title": plain("Reject"),
        "submit": plain("Reject"),
        "private_metadata": "srf_1",
        "blocks": [
            {"type": "input", "block_id": "reason", "label": plain("Why?"), "element": reason},
            {"type": "input", "block_id": "until", "label": plain("Until"), "element": until},
        ],
        **more,
    }


@pytest.fixture
async def posted(workspace, client):
    answer = await client.chat_postMessage(channel=APPROVALS, text="Deploy", blocks=card())
    return workspace.find(APPROVALS, answer["ts"])


@pytest.fixture
async def opened(workspace, client, server):
    """A modal in front of Bob."""
    await client.views_open(trigger_id=workspace.triggers.mint(BOB), view=modal())
    return workspace.open_views(BOB)[0]


async def test_a_click_carries_what_slack_sends(server, app, posted):
    answer = await server.click(BOB, posted, "Approve")
    assert (answer.status, answer.timed_out) == (200, False)
    payload = app.last
    assert payload["type"] == "block_actions"
    assert payload["user"]["id"] == BOB
    assert payload["container"] == {
        "type": "message",
        "message_ts": posted.ts,
        "channel_id": APPROVALS,
        "is_ephemeral": False,
    }
    assert payload["message"]["blocks"][1]["block_id"] == "decide"
    (action,) = payload["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("approve", "decide", "srf_1")
    await server.click(BOB, posted, "more", "edit")
    assert app.last["actions"][0]["selected_option"]["value"] == "edit"


async def test_choices_in_a_message_are_each_persons_own(server, workspace, app, client):
    options = [{"text": plain(name), "value": name} for name in ("once", "session")]
    select = {"type": "static_select", "action_id": "scope", "options": options, "initial_option": options[0]}
    button = {"type": "button", "text": plain("Go"), "action_id": "go"}
    attached = [{"color": "#d0021b", "blocks": [{"type": "actions", "block_id": "b", "elements": [select, button]}]}]
    posted = await client.chat_postMessage(channel=APPROVALS, text="x", attachments=attached)
    message = workspace.find(APPROVALS, posted["ts"])
    await server.click(BOB, message, "scope", "session")
    for user, value in ((BOB, "session"), (CAROL, "once")):
        await server.click(user, message, "go")
        assert app.last["state"]["values"]["b"]["scope"]["selected_option"]["value"] == value
    attached[0]["blocks"].append({"type": "banner"})
    with pytest.raises(SlackApiError, match="invalid_attachments") as raised:
        await client.chat_postMessage(channel=APPROVALS, text="x", attachments=attached)
    assert "/attachments/0/blocks/1/type" in raised.value.response["response_metadata"]["messages"][0]


async def test_a_late_submission_says_so_in_the_modal(workspace, app, server, opened):
    app.answers = [web.Response(status=503)]
    await server.submit(BOB, opened, {"reason": "because"})
    assert opened.errors == {"": "We had some trouble connecting. Try again?"}
    assert workspace.open_views(BOB) == [opened]


async def test_a_stale_screen_sends_what_it_shows(server, app, client, posted):
    before = posted.snapshot()
    await client.chat_update(channel=APPROVALS, ts=posted.ts, text="Done", blocks=[])
    with pytest.raises(LookupError, match="nothing called 'Approve'"):
        await server.click(BOB, posted, "Approve")
    await server.click(BOB, before, "Approve")
    assert app.last["message"]["text"] == "Deploy"


async def test_late_broken_and_missing_apps_are_told_to_the_person(workspace, app, posted, server):
    workspace.app.request_url, url = None, workspace.app.request_url
    assert (await server.click(BOB, posted, "Approve")).status == 0
    workspace.app.request_url = url
    app.answers = [web.Response(status=404)]
    assert (await server.click(BOB, posted, "Approve")).status == 404
    hurried = WorkspaceServer(workspace, ack_seconds=0.05)
    await hurried.start()
    app.answers = [lambda: workspace.until(lambda: False, timeout=0.2)]
    answer = await hurried.click(BOB, posted, "Approve")
    await hurried.stop()
    assert answer.timed_out
    assert [one.why for one in workspace.unanswered] == [
        "Countersign could not be reached. Try again.",
        "Countersign could not handle this (it answered 404). Try again.",
        "Countersign did not respond in time. Try again.",
    ]
    assert [notice.user for notice in workspace.notices] == [BOB] * 3
    assert workspace.acks == []


async def open_error(client, trigger_id):
    with pytest.raises(SlackApiError) as raised:
        await client.views_open(trigger_id=trigger_id, view=modal())
    return raised.value.response["error"]


async def test_triggers_live_three_seconds_and_once(clock, workspace, app, client, posted, server):
    await server.click(BOB, posted, "Approve")
    trigger = app.last["trigger_id"]
    clock.at += 3.0
    await client.views_open(trigger_id=trigger, view=modal())
    assert await open_error(client, trigger) == "exchanged_trigger_id"
    await server.click(BOB, posted, "Approve")
    clock.at += 3.01
    assert await open_error(client, app.last["trigger_id"]) == "expired_trigger_id"
    assert await open_error(client, "1.2.3") == "invalid_trigger_id"


async def test_submission_carries_values_and_closes(workspace, app, server, opened):
    answer = await server.submit(BOB, opened, {"Why?": "too risky"})
    payload = app.last
    assert payload["type"] == "view_submission"
    assert payload["view"]["private_metadata"] == "srf_1"
    values = payload["view"]["state"]["values"]
    assert values["reason"]["text"] == {"type": "plain_text_input", "value": "too risky"}
    assert values["until"]["until"]["selected_date"] == "2026-11-23"
    assert (answer.view, workspace.open_views(BOB)) == (None, [])


async def test_the_form_refuses_before_anything_is_sent(app, server, opened):
    await server.submit(BOB, opened, {"reason": "x"})
    assert opened.errors == {"reason": "Please enter at least 2 characters."}
    await server.submit(BOB, opened, {"reason": "", "until": None})
    assert set(opened.errors) == {"reason", "until"}
    assert app.requests == []
    with pytest.raises(LookupError, match="no field 'because'"):
        await server.submit(BOB, opened, {"because": "x"})


async def test_response_actions(workspace, app, server, opened):
    app.answers = [
        {"response_action": "errors", "errors": {"reason": "Name the risk."}},
        {"response_action": "update", "view": modal(title=plain("Sure?"))},
        {"response_action": "push", "view": modal(title=plain("Really?"))},
        {"response_action": "clear"},
    ]
    await server.submit(BOB, opened, {"reason": "because"})
    assert opened.errors == {"reason": "Name the risk."}
    await server.submit(BOB, opened)
    assert (opened.title, opened.errors) == ("Sure?", {})
    assert opened.values["reason"]["text"]["value"] == "because"
    answer = await server.submit(BOB, opened)
    assert (answer.view.title, len(workspace.open_views(BOB))) == ("Really?", 2)
    assert (answer.view.previous_id, answer.view.root_id) == (opened.id, opened.id)
    await server.submit(BOB, answer.view, {"reason": "because"})
    assert workspace.open_views(BOB) == []
    assert workspace.violations == []


async def test_wrong_answers_to_a_submission_are_remembered(workspace, app, server, opened):
    app.answers = [
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "update", "view": {"type": "modal", "blocks": []}},
    ]
    await server.submit(BOB, opened, {"reason": "because"})
    await server.submit(BOB, opened, {"reason": "because"})
    assert opened.errors == {"": "We had some trouble connecting. Try again?"}
    assert "errors name no input block: nowhere" in workspace.violations[0]
    assert "missing required field: title" in workspace.violations[1]


async def test_views_update_push_and_hash(workspace, app, client, server, opened):
    first = opened.hash
    await client.views_update(view_id=opened.id, hash=first, view=modal(title=plain("New")))
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=opened.id, hash=first, view=modal())
    for _ in range(2):
        inside = workspace.triggers.mint(BOB, opened.id)
        await client.views_push(trigger_id=inside, view=modal())
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await client.views_push(trigger_id=workspace.triggers.mint(BOB, opened.id), view=modal())
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_update(view_id="V0", view=modal())
    with pytest.raises(SlackApiError, match="invalid_arguments") as raised:
        await client.views_open(trigger_id=workspace.triggers.mint(BOB), view=modal(title=plain("x" * 25)))
    assert "[json-pointer:/view/title/text]" in raised.value.response["response_metadata"]["messages"][0]


async def test_closing_is_told_where_asked_for(workspace, app, client, server):
    await client.views_open(trigger_id=workspace.triggers.mint(BOB), view=modal(notify_on_close=True, external_id="x"))
    with pytest.raises(SlackApiError, match="duplicate_external_id"):
        await client.views_open(trigger_id=workspace.triggers.mint(CAROL), view=modal(external_id="x"))
    await server.close(BOB, workspace.open_views(BOB)[0], clear=True)
    assert (app.last["type"], app.last["is_cleared"]) == ("view_closed", True)
    assert workspace.open_views(BOB) == []


async def test_commands(workspace, app, server):
    app.answers = [web.Response(text="One pending"), {"response_type": "in_channel", "text": "All see"}, {}]
    answer = await server.command(BOB, "/approvals", "pending")
    assert app.last["command"] == "/approvals"
    assert (app.last["text"], app.last["channel_name"], app.last["user_name"]) == (
        "pending",
        "approvals",
        "bob",
    )
    assert [message.text for message in answer.ephemeral] == ["One pending"]
    await server.command(BOB, "/approvals")
    assert [message.text for message in workspace.messages_in(APPROVALS)] == ["All see"]
    assert (await server.command(BOB, "/approvals")).ephemeral == []
    await server.command(BOB, "/approvals", "delegate to @Carol & <@U0BOB> in #approvals")
    assert app.last["text"] == "delegate to <@U0CAROL|carol> &amp; <@U0BOB> in <#C0APPROVALS|approvals>"
    unknown = await server.command(BOB, "/deploy")
    assert (unknown.status, len(app.requests)) == (0, 4)
    assert workspace.notices[-1].text == "/deploy is not a valid command."


async def respond(url, **body):
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
        return answer.status, await answer.json()


async def test_response_urls_serve_five_times(workspace, app, posted, server):
    await server.click(BOB, posted, "Approve")
    url = app.last["response_url"]
    assert (await respond(url, text="only you"))[0] == 200
    assert [message.text for message in workspace.ephemerals(BOB)] == ["only you"]
    await respond(url, text="everyone", response_type="in_channel", replace_original=False)
    assert workspace.messages_in(APPROVALS)[-1].text == "everyone"
    await respond(url, text="Decided", replace_original=True)
    assert (posted.text, posted.blocks) == ("Decided", [])
    assert (await respond(url, blocks=[{"type": "banner"}]))[1]["error"] == "invalid_blocks"
    await respond(url, delete_original=True)
    assert posted.deleted
    status, body = await respond(url, text="sixth")
    assert (status, body["error"]) == (404, "used_url")


async def test_response_urls_lapse_after_thirty_minutes(clock, app, posted, server):
    await server.click(BOB, posted, "Approve")
    url = app.last["response_url"]
    clock.at += 30 * 60 + 1
    assert (await respond(url, text="late"))[1]["error"] == "expired_url"
    assert (await respond(url[:-4], text="unknown"))[0] == 404


async def test_events_are_redelivered_with_number_and_reason(workspace, app, server):
    app.answers = [web.Response(status=500), web.Response(status=500), {}]
    answer = await server.open_home(BOB)
    assert answer.status == 200
    numbers = [headers.get("X-Slack-Retry-Num") for headers, _ in app.requests]
    reasons = [headers.get("X-Slack-Retry-Reason") for headers, _ in app.requests]
    assert (numbers, reasons) == ([None, "1", "2"], [None, "http_error", "http_error"])
    ids = {json.loads(body)["event_id"] for _, body in app.requests}
    assert len(ids) == 1
    assert [attempt.status for attempt in workspace.attempts] == [500, 500, 200]


async def test_no_retry_is_honoured_and_retries_end(app, server):
    app.answers = [web.Response(status=500, headers={"X-Slack-No-Retry": "1"})]
    await server.open_home(BOB)
    assert len(app.requests) == 1
    app.answers = [web.Response(status=500) for _ in range(3)]
    await server.open_home(BOB)
    assert len(app.requests) == 4


async def test_later_retries_do_not_hold_up_stopping(workspace, app):
    async with WorkspaceServer(workspace, retry_delays=(3600.0,)) as patient:
        app.answers = [web.Response(status=500)]
        assert (await patient.open_home(BOB)).status == 500
    assert len(app.requests) == 1


async def test_an_event_can_be_delivered_twice_on_purpose(app, server):
    event = {"type": "app_home_opened", "user": BOB, "channel": "D0BOB", "tab": "home"}
    await server.seat.events.redeliver(event, "Ev1", retry=1)
    assert (app.last["event_id"], app.requests[-1][0]["X-Slack-Retry-Num"]) == ("Ev1", "1")


async def test_url_verification(app, server, workspace):
    async def echo():
        return web.Response(text=app.last["challenge"])

    app.answers = [echo, {}]
    assert await server.seat.events.verify_url()
    assert not await server.seat.events.verify_url()


async def test_only_subscribed_events_are_sent(workspace, app, posted, server):
    happen = server.seat.happenings
    assert await happen.reacted(BOB, posted, "eyes") is None
    await server.say(BOB, APPROVALS, "hello")
    assert app.requests == []
    workspace.app.events = workspace.app.events | {"message.channels", "message.im", "reaction_added"}
    assert await happen.reacted(CAROL, posted, "eyes") is None, "without the scope an app hears nothing"
    workspace.app.scopes = workspace.app.scopes | {"reactions:read"}
    await happen.reacted(CAROL, posted, "eyes")
    assert app.last["event"]["item"]["ts"] == posted.ts
    message = await server.say(BOB, APPROVALS, "hello", posted.ts)
    assert app.last["event"]["thread_ts"] == posted.ts
    await happen.deleted(DANA, message)
    assert app.last["event"]["subtype"] == "message_deleted"
    with pytest.raises(PermissionError):
        await happen.deleted(BOB, posted)


async def test_changes_of_people_reach_the_app(workspace, app, server):
    heard = {"subteam_members_changed", "user_change", "member_left_channel"}
    workspace.app.events = workspace.app.events | heard
    happen = server.seat.happenings
    await happen.group_changed(ONCALL, [CAROL])
    assert app.last["event"]["removed_users"] == [BOB]
    await happen.person_changed(BOB, deleted=True)
    assert app.last["event"]["user"]["deleted"]
    await happen.left(CAROL, APPROVALS)
    assert CAROL not in workspace.channels[APPROVALS].members
    await happen.uninstalled()
    assert [json.loads(body)["event"]["type"] for _, body in app.requests[-2:]] == [
        "tokens_revoked",
        "app_uninstalled",
    ]
    assert workspace.app.revoked


async def test_cards_and_feedback_can_be_pressed(workspace, app, client, server):
    buttons = [{"type": "button", "text": plain("Roll back"), "action_id": "back", "value": "1"}]
    cards = [{"type": "card", "title": plain("api"), "actions": buttons}]
    feedback = {
        "type": "feedback_buttons",
        "action_id": "feedback",
        "positive_button": {"text": plain("Good"), "value": "yes"},
        "negative_button": {"text": plain("Bad"), "value": "no"},
    }
    blocks = [{"type": "carousel", "elements": cards}, {"type": "context_actions", "elements": [feedback]}]
    posted = await client.chat_postMessage(channel=APPROVALS, text="x", blocks=blocks)
    message = workspace.find(APPROVALS, posted["ts"])
    await server.click(BOB, message, "Roll back")
    assert app.last["actions"][0]["value"] == "1"
    await server.click(BOB, message, "feedback", "Bad")
    assert (app.last["actions"][0]["type"], app.last["actions"][0]["value"]) == ("feedback_buttons", "no")
