"""The page's own endpoints: what each person may see, and acting as somebody."""

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Channel, WorkspaceServer, demo_workspace
from bot.workspace.cast import ALICE, APPROVALS, BOB, DANA, GUS, MALLORY


@pytest.fixture
def workspace():
    return demo_workspace()


@pytest.fixture
async def server(workspace):
    async with WorkspaceServer(workspace, panel=("Release service", "http://127.0.0.1:1/")) as server:
        yield server


@pytest.fixture
async def browser(server):
    async with aiohttp.ClientSession(base_url=server.url) as session:
        yield session


@pytest.fixture
def client(server):
    return AsyncWebClient(token="xoxb-demo", base_url=server.api_url)


async def state(browser, user):
    async with browser.get("/workspace/state", params={"as": user}) as answer:
        assert answer.status == 200
        return await answer.json()


async def act(browser, deed, **body):
    async with browser.post(f"/workspace/{deed}", json=body) as answer:
        return answer.status, await answer.json()


async def test_the_page_and_its_files(browser):
    async with browser.get("/") as answer:
        page = await answer.text()
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "Release service" in page
    assert "http://127.0.0.1:1/" in page
    for name in (
        "css",
        "js",
        "dom.js",
        "text.js",
        "icons.js",
        "blocks.js",
        "messages.js",
        "modal.js",
        "admin.js",
        "trouble.js",
        "theme.js",
        "early.js",
        "svg",
    ):
        async with browser.get(f"/workspace.{name}") as answer:
            assert answer.status == 200, name
    async with browser.get("/workspace.html.j2") as answer:
        assert answer.status == 404


async def test_everyone_sees_what_is_theirs(workspace, browser, client):
    workspace.add_channel(Channel("C0SECRET", "secret", [ALICE, DANA], is_private=True))
    await client.chat_postMessage(channel=BOB, text="for Bob")
    await client.chat_postEphemeral(channel=APPROVALS, user=BOB, text="psst")

    async def channels(user):
        return {c["id"]: [m["text"] for m in c["messages"]] for c in (await state(browser, user))["channels"]}

    assert (await channels(BOB)) == {APPROVALS: ["psst"], "C0DEPLOYS": [], "D0BOB": ["for Bob"]}
    assert set(await channels(GUS)) == {APPROVALS, "D0GUEST"}
    assert (await channels(MALLORY))[APPROVALS] == []
    assert "C0SECRET" in await channels(ALICE)
    async with browser.get("/workspace/state", params={"as": "U0NOBODY"}) as answer:
        assert answer.status == 404


async def test_acting_as_somebody(workspace, browser, client):
    status, body = await act(browser, "message", **{"as": BOB}, channel=APPROVALS, text="hello")
    assert (status, body["ok"]) == (200, True)
    message = workspace.messages_in(APPROVALS)[0]
    place = {"channel": APPROVALS, "ts": message.ts}
    await act(browser, "react", **{"as": BOB}, **place, name="eyes")
    assert message.reactions == {"eyes": [BOB]}
    status, body = await act(browser, "delete", **{"as": ALICE}, **place)
    assert (status, body["error"]) == (400, "Only administrators may delete what somebody else wrote.")
    await act(browser, "delete", **{"as": DANA}, **place)
    assert workspace.messages_in(APPROVALS) == []
    status, body = await act(browser, "click", **{"as": BOB}, **place, action_id="x")
    assert (status, body["error"]) == (400, "this message is gone")
    status, _ = await act(browser, "message", **{"as": "U0NOBODY"}, channel=APPROVALS, text="x")
    assert status == 400


async def test_a_click_without_an_app_tells_the_person(browser, client):
    button = {"type": "button", "text": {"type": "plain_text", "text": "Approve"}, "action_id": "approve"}
    blocks = [{"type": "actions", "block_id": "b", "elements": [button]}]
    posted = await client.chat_postMessage(channel=APPROVALS, text="x", blocks=blocks)
    status, body = await act(browser, "click", **{"as": BOB}, channel=APPROVALS, ts=posted["ts"], action_id="approve")
    assert (status, body["status"]) == (200, 0)
    notices = (await state(browser, BOB))["notices"]
    assert notices[0]["text"] == "Countersign could not be reached. Try again."
    assert (await state(browser, ALICE))["notices"] == []


async def test_a_view_is_only_in_front_of_its_person(workspace, browser, client):
    view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [{"type": "divider"}]}
    await client.views_open(trigger_id=workspace.triggers.mint(BOB), view=view)
    (shown,) = (await state(browser, BOB))["views"]
    assert (await state(browser, ALICE))["views"] == []
    status, body = await act(browser, "close", **{"as": ALICE}, view_id=shown["id"])
    assert (status, body["error"]) == (400, "this view is gone")
    assert (await act(browser, "close", **{"as": BOB}, view_id=shown["id"]))[0] == 200
    assert workspace.open_views(BOB) == []


async def test_faults_from_the_page(workspace, browser):
    status, body = await act(browser, "faults", method="chat.update", fault="ratelimited", times=2)
    assert (status, body["planned"]) == (200, {"chat.update": ["ratelimited"] * 2})
    assert (await act(browser, "faults", method="chat.update"))[0] == 400
    assert (await act(browser, "faults", clear=True))[1]["planned"] == {}


async def test_every_change_is_announced(workspace, browser):
    async with browser.get("/workspace/events") as stream:
        first = await stream.content.readuntil(b"\n\n")
        workspace.bump()
        second = await stream.content.readuntil(b"\n\n")
    assert second == f"data: {int(first[6:]) + 1}\n\n".encode()


async def test_stopping_ends_open_streams(workspace):
    server = WorkspaceServer(workspace)
    await server.start()
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/workspace/events") as stream:
        await stream.content.readuntil(b"\n\n")
        await server.stop()
        assert await stream.content.read() in (b"", b"data: 1\n\n")
