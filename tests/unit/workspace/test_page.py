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
def server_options():
    return {"panel": ("Release service", "http://127.0.0.1:1/")}


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
        "composer.js",
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


async def test_statuses_profiles_and_groups_from_the_page(workspace, browser):
    assert (await act(browser, "status", **{"as": BOB}, text="sick", minutes=30))[0] == 200
    bob = workspace.users[BOB]
    assert (bob.status_text, bob.status_emoji, bob.status_expiration > 0) == ("Sick", ":face_with_thermometer:", True)
    profile = {"as": BOB, "tz": "Asia/Tokyo", "presence": "away", "pause_minutes": 10}
    assert (await act(browser, "profile", **profile))[0] == 200
    shown = next(one for one in (await state(browser, ALICE))["people"] if one["id"] == BOB)
    assert (shown["status"]["emoji"], shown["presence"], shown["paused"]) == ("face_with_thermometer", "away", True)
    status, body = await act(browser, "profile", **{"as": BOB}, tz="Mars/Olympus")
    assert (status, body["error"]) == (400, "this page knows no time zone Mars/Olympus")
    assert (await act(browser, "group", **{"as": BOB}, group="S0ONCALL", users=[ALICE]))[0] == 200
    assert workspace.groups["S0ONCALL"].users == [ALICE]
    assert (await act(browser, "group", **{"as": BOB}, group="S0NONE", users=[]))[0] == 400


async def test_channels_and_the_app_from_the_page(workspace, browser):
    assert (await act(browser, "create-channel", **{"as": BOB}, name="ops", invite_bot=True))[0] == 200
    channel = next(one for one in workspace.channels.values() if one.name == "ops")
    for deed in ("share", "archive", "remove-bot", "leave"):
        assert (await act(browser, "channel", **{"as": BOB}, channel=channel.id, act=deed))[0] == 200
    assert (channel.is_ext_shared, channel.is_archived, channel.members) == (True, True, [])
    status, body = await act(browser, "message", **{"as": BOB}, channel=channel.id, text="x")
    assert (status, body["error"]) == (400, "This channel is archived.")
    for deed in ("unshare", "unarchive", "invite-bot", "join"):
        await act(browser, "channel", **{"as": BOB}, channel=channel.id, act=deed)
    assert (channel.is_ext_shared, channel.is_archived, channel.members) == (False, False, ["U0BOT", BOB])
    assert (await act(browser, "channel", **{"as": BOB}, channel=channel.id, act="burn"))[0] == 400
    await act(browser, "app", **{"as": DANA}, act="revoke")
    assert (await state(browser, BOB))["app"]["revoked"] == "token_revoked"
    await act(browser, "app", **{"as": DANA}, act="install")
    assert workspace.app.revoked is None


async def test_editing_and_taking_a_reaction_back(workspace, browser):
    await act(browser, "message", **{"as": BOB}, channel=APPROVALS, text="hello")
    message = workspace.messages_in(APPROVALS)[0]
    place = {"channel": APPROVALS, "ts": message.ts}
    await act(browser, "edit", **{"as": BOB}, **place, text="goodbye")
    assert (message.text, bool(message.edited)) == ("goodbye", True)
    assert (await act(browser, "edit", **{"as": ALICE}, **place, text="x"))[0] == 400
    for remove in (False, True):
        await act(browser, "react", **{"as": BOB}, **place, name="eyes", remove=remove)
    assert message.reactions == {}
    assert (await act(browser, "react", **{"as": BOB}, **place))[1]["error"] == "'name' is missing"


async def test_every_switch_of_the_panel(server, workspace, browser):
    for body in (
        {"switch": "unknown_blocks", "value": ["table"]},
        {"switch": "silent_sockets", "value": True},
        {"switch": "slow_network", "value": "0.001"},
        {"switch": "rate_limits", "value": True},
        {"always": "messages", "fault": "500"},
        {"do": "reverse", "count": 2},
    ):
        assert (await act(browser, "faults", **body))[0] == 200, body
    shown = (await state(browser, BOB))["faults"]
    assert (shown["unknown_blocks"], shown["always"], shown["rate_limits"]) == (["table"], {"messages": "500"}, True)
    for body in (
        {"switch": "gravity", "value": 1},
        {"do": "explode"},
        {"do": "click-again"},
        {"switch": "slow_network"},
    ):
        assert (await act(browser, "faults", **body))[0] == 400, body
    await act(browser, "faults", clear=True)
    shown = (await state(browser, BOB))["faults"]
    assert (shown["unknown_blocks"], shown["always"], shown["slow_network"], shown["rate_limits"]) == ([], {}, 0, False)


async def test_several_workspaces_on_one_page(server, workspace, browser):
    second = demo_workspace(bot_token="xoxb-second")
    second.team_id, second.name = "T0SECOND", "Globex"
    server.add(second)
    await act(browser, "message", **{"as": BOB}, team="T0SECOND", channel=APPROVALS, text="over there")
    assert [m.text for m in second.messages_in(APPROVALS)] == ["over there"]
    assert workspace.messages_in(APPROVALS) == []
    async with browser.get("/workspace/state", params={"as": BOB, "team": "T0SECOND"}) as answer:
        shown = await answer.json()
    assert shown["team"]["name"] == "Globex"
    assert [team["id"] for team in shown["teams"]] == ["T0DEMO", "T0SECOND"]
    ts = second.messages_in(APPROVALS)[0].ts.replace(".", "")
    async with browser.get(f"/archives/{APPROVALS}/p{ts}", allow_redirects=False) as answer:
        assert answer.headers["Location"].endswith("&team=T0SECOND")
