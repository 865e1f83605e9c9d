"""Misbehaviour on command: standing and random faults, switches, events that come again or out of order."""

import asyncio

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Faults
from bot.workspace.cast import ALICE, APPROVALS, BOB
from tests.unit.workspace.app import allow, card, error_of, modal


@pytest.fixture
def server_options():
    return {"retry_delays": ()}


def fates(faults, method, count):
    return [fault.kind if fault else None for fault in (faults.take(method) for _ in range(count))]


def test_random_faults_repeat_for_a_seed_and_differ_by_method():
    odds = {"429": 0.2, "500": 0.1, "lost": 0.1}
    first, second, other = Faults(), Faults(), Faults()
    first.at_random(7, odds)
    second.at_random(7, odds)
    other.at_random(8, odds)
    drawn = fates(first, "chat.update", 500)
    fates(second, "chat.postMessage", 100)  # draws of one method do not move another's
    assert fates(second, "chat.update", 500) == drawn
    assert fates(other, "chat.update", 500) != drawn
    assert fates(first, "chat.postMessage", 500) != drawn
    assert set(drawn) == {None, "ratelimited", "500", "lost"}
    assert 50 < drawn.count("ratelimited") < 150


def test_only_what_shows_something_to_people_is_hit_unless_chosen():
    faults = Faults()
    faults.at_random(1, {"500": 1.0})
    for method in ("auth.test", "users.info", "apps.connections.open", "conversations.history", "oauth.v2.access"):
        assert faults.take(method) is None, method
    for method in ("chat.postMessage", "views.open", "upload", "response_url"):
        assert faults.take(method), method
    faults.at_random(1, {"503": 1.0}, methods=["users.info"])
    assert faults.take("users.info").kind == "503"
    faults.clear()
    faults.add("messages", "500")
    assert (faults.take("users.info"), faults.take("chat.update").kind) == (None, "500")
    faults.add("*", "500")
    assert (faults.take("response_url"), faults.take("users.info").kind) == (None, "500")


@pytest.mark.parametrize("odds", [{"500": 0.7, "lost": 0.4}, {"500": -0.1}, {"slow:soon": 0.1}])
def test_odds_must_be_odds(odds):
    with pytest.raises(ValueError):
        Faults().at_random(1, odds)


async def test_standing_faults_last_until_switched_off(workspace, client):
    workspace.faults.always("messages", "429", retry_after=3)
    for _ in range(3):
        refused = await error_of(client.chat_postMessage(channel=APPROVALS, text="x"))
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3")
    await client.auth_test()
    workspace.faults.add("chat.postMessage", "is_archived")
    assert (await error_of(client.chat_postMessage(channel=APPROVALS, text="x")))["error"] == "is_archived"
    workspace.faults.never("messages")
    await client.chat_postMessage(channel=APPROVALS, text="x")


async def test_block_types_that_are_not_known_yet(workspace, client):
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}
    workspace.faults.switch("unknown_blocks", ["table", "card"])
    refused = await error_of(client.chat_postMessage(channel=APPROVALS, text="x", blocks=[*card(), table]))
    assert refused["error"] == "invalid_blocks"
    assert "unsupported type: table [json-pointer:/blocks/2/type]" in refused["response_metadata"]["messages"][0]
    assert workspace.violations == [], "the app did nothing wrong"
    await client.chat_postMessage(channel=APPROVALS, text="x", blocks=card())
    view = modal(blocks=[{"type": "card", "title": {"type": "mrkdwn", "text": "x"}}])
    refused = await error_of(client.views_open(trigger_id=workspace.triggers.mint(BOB), view=view))
    assert refused["error"] == "invalid_blocks"
    attached = [{"color": "#d0021b", "blocks": [table]}]
    refused = await error_of(client.chat_postMessage(channel=APPROVALS, text="x", attachments=attached))
    assert "/attachments/0/blocks/0/type" in refused["response_metadata"]["messages"][0]
    workspace.faults.clear()
    await client.chat_postMessage(channel=APPROVALS, text="x", blocks=[table])


async def test_a_slow_network_slows_calls_and_deliveries(workspace, server, app, client):
    await client.chat_postMessage(channel=APPROVALS, text="x", blocks=card())
    workspace.faults.switch("slow_network", "30")
    for slowed in (client.auth_test(), server.click(BOB, workspace.card(APPROVALS), "Approve")):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(slowed, 0.05)
    assert app.payloads == []
    workspace.faults.clear()
    assert (await server.click(BOB, workspace.card(APPROVALS), "Approve")).status == 200
    with pytest.raises(ValueError, match="there is no switch"):
        workspace.faults.switch("gravity", 0)


async def test_a_double_click_sends_two_clicks(workspace, server, app, client):
    await client.chat_postMessage(channel=APPROVALS, text="x", blocks=card())
    message = workspace.card(APPROVALS)
    workspace.faults.double_clicks = 1
    for _ in range(2):
        await server.click(BOB, message, "Approve")
    assert len(app.payloads) == 3
    assert len({one["trigger_id"] for one in app.payloads}) == 3
    await server.seat.interactions.double_click(BOB, message, "Approve")
    await server.seat.interactions.again()
    assert len(app.payloads) == 6
    assert app.payloads[-1] in app.payloads[-3:-1], "sent again byte for byte"


async def test_events_come_again_under_the_same_or_another_id(workspace, server, app):
    await server.open_home(BOB)
    await server.seat.events.again()
    await server.seat.events.again(new_id=True)
    first, same, other = app.ids
    assert first == same != other
    assert [headers.get("X-Slack-Retry-Num") for headers in app.headers] == [None, "1", None]
    assert len({str(event) for event in app.events}) == 1


async def test_events_come_out_of_order(workspace, server, app):
    allow(workspace, events="message.channels")
    server.seat.events.reverse_next(3)
    for text in ("one", "two"):
        await server.say(ALICE, APPROVALS, text)
    assert (app.events, server.seat.events.held) == ([], 2)
    await server.say(ALICE, APPROVALS, "three")
    assert [one["text"] for one in app.events] == ["three", "two", "one"]
    await server.say(ALICE, APPROVALS, "four")
    server.seat.events.reverse_next(2)
    await server.say(ALICE, APPROVALS, "five")
    await server.seat.events.release()
    assert [one["text"] for one in app.events[3:]] == ["four", "five"]


async def test_response_urls_fail_like_everything_else(workspace, server, app, client):
    await client.chat_postMessage(channel=APPROVALS, text="x", blocks=card())
    await server.click(BOB, workspace.card(APPROVALS), "Approve")
    workspace.faults.add("response_url", "500")
    hook = AsyncWebClient(base_url=app.payloads[-1]["response_url"].rpartition("/")[0] + "/", retry_handlers=[])
    token = app.payloads[-1]["response_url"].rpartition("/")[2]
    refused = await error_of(hook.api_call(token, json={"text": "x"}))
    assert refused.status_code == 500
    await hook.api_call(token, json={"text": "only you"})
    assert [message.text for message in workspace.ephemerals(BOB)] == ["only you"]


async def test_a_submission_answered_with_an_unknown_block_is_in_trouble(workspace, server, app, client):
    await client.views_open(trigger_id=workspace.triggers.mint(BOB), view=modal())
    workspace.faults.unknown_blocks = {"card"}
    blocks = [{"type": "card", "title": {"type": "mrkdwn", "text": "x"}}]
    app.answers = [{"response_action": "update", "view": modal(blocks=blocks)}]
    view = workspace.open_views(BOB)[0]
    await server.submit(BOB, view, {"reason": "x"})
    assert (view.errors, workspace.violations) == ({"": "We had some trouble connecting. Try again?"}, [])
