"""The record of what people did: how fast it was acknowledged, what they saw for it, how messages changed."""

import asyncio

import aiohttp
import pytest
from aiohttp import web

from bot.workspace.cast import APPROVALS, BOB, CAROL
from tests.unit.workspace.app import card, modal


@pytest.fixture
def server_options():
    return {"ack_seconds": 0.3}


@pytest.fixture
async def posted(workspace, client):
    await client.chat_postMessage(channel=APPROVALS, text="Deploy", blocks=card())
    return workspace.card(APPROVALS)


def kinds(click):
    return [answer.kind for answer in click.answers]


async def test_a_click_is_answered_by_what_follows_it(workspace, server, app, client, posted):
    async def ephemeral(payload):
        await client.chat_postEphemeral(channel=APPROVALS, user=BOB, text="You may not")
        return web.Response()

    app.answers = [ephemeral]
    await server.click(BOB, posted, "Approve")
    await server.click(CAROL, posted, "Approve")
    bob, carol = workspace.clicks
    assert (bob.user, bob.kind, bob.what, bob.ts, bob.status) == (BOB, "block_actions", "Approve", posted.ts, 200)
    assert 0 < bob.ack_seconds < 0.3
    assert (kinds(bob), kinds(carol)) == (["ephemeral"], [])
    assert workspace.clicks.unanswered() == [carol]
    assert workspace.clicks.unanswered(older_than=3600) == []
    await client.chat_update(channel=APPROVALS, ts=posted.ts, text="Approved", blocks=[])
    await client.chat_postMessage(channel=CAROL, text="Thank you")
    await client.chat_postMessage(channel=APPROVALS, thread_ts=posted.ts, text="Running")
    await client.chat_postMessage(channel=APPROVALS, text="Something else")
    assert (kinds(bob), kinds(carol)) == (["ephemeral", "updated", "reply"], ["updated", "dm", "reply"])
    assert carol.first_seen >= carol.ack_seconds
    assert workspace.clicks.unanswered() == []


async def test_a_modal_belongs_to_the_card_it_came_from(workspace, server, app, client, posted):
    await server.click(BOB, posted, "Approve")
    await client.views_open(trigger_id=app.payloads[-1]["trigger_id"], view=modal())
    app.answers = [{"response_action": "errors", "errors": {"reason": "Say more"}}]
    view = workspace.open_views(BOB)[0]
    await server.submit(BOB, view, {"reason": "x"})
    await server.submit(BOB, view, {"reason": "because"})
    await client.chat_update(channel=APPROVALS, ts=posted.ts, text="Rejected", blocks=[])
    click, refused, submitted = workspace.clicks
    assert kinds(click) == ["modal", "updated"]
    assert (refused.kind, refused.ts, kinds(refused)[0]) == ("view_submission", posted.ts, "errors")
    assert kinds(submitted) == ["closed", "updated"]


async def test_commands_and_response_urls(workspace, server, app, client):
    app.answers = [{"text": "Looking"}, web.Response()]
    await server.command(BOB, "/approvals", "pending")
    await server.command(BOB, "/approvals")
    async with aiohttp.ClientSession() as session:
        await session.post(app.payloads[-1]["response_url"], json={"text": "None"})
    assert [kinds(click) for click in workspace.clicks] == [["command"], ["response_url"]]
    assert [click.channel for click in workspace.clicks] == [APPROVALS] * 2


async def test_what_nobody_acknowledged(workspace, server, app, posted):
    async def late(payload):
        await asyncio.Event().wait()

    app.answers = [late, web.Response(status=500)]
    await server.click(BOB, posted, "Approve")
    await server.click(BOB, posted, "Approve")
    assert [(click.ack_seconds, click.failure, click.status) for click in workspace.clicks.unacknowledged()] == [
        (None, "http_timeout", 0),
        (None, "http_error", 500),
    ]


async def test_a_message_remembers_what_it_said_when(clock, workspace, client, posted):
    clock.at += 5
    await client.chat_update(channel=APPROVALS, ts=posted.ts, text="Deploy", blocks=card())
    assert len(posted.history) == 1, "the same words under other block ids say nothing new"
    await client.chat_update(channel=APPROVALS, ts=posted.ts, text="Approved", blocks=card("Approved"))
    clock.at += 5
    await client.chat_delete(channel=APPROVALS, ts=posted.ts)
    times = [version.at - 1_800_000_000 for version in posted.history]
    assert times == [0, 5, 10]
    first, second, gone = (version.digest for version in posted.history)
    assert first != second
    assert gone == "deleted"
