"""The Web API as an app meets it: what works, how each refusal looks, and what misbehaviour does."""

import asyncio
import dataclasses
from pathlib import Path

import aiohttp
import pytest
import yaml
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Channel, User, demo_workspace
from bot.workspace.cast import ALICE, APPROVALS, BOB, BOT, CAROL, DEPLOYS, ONCALL
from bot.workspace.web_api import METHODS
from tests.unit.workspace.app import error_of

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "Deploy"}}


async def test_auth_test_names_the_bot(client):
    answer = await client.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == (BOT, "B0BOT", "T0DEMO")
    assert "chat:write" in answer.headers["X-OAuth-Scopes"]


async def test_tokens(server, workspace, client):
    stranger = AsyncWebClient(token="xoxb-other", base_url=server.api_url)
    assert (await error_of(stranger.auth_test()))["error"] == "invalid_auth"
    nobody = AsyncWebClient(base_url=server.api_url)
    assert (await error_of(nobody.auth_test()))["error"] == "not_authed"
    workspace.app.revoked = "token_revoked"
    assert (await error_of(client.auth_test()))["error"] == "token_revoked"


async def test_scopes(workspace, client):
    workspace.app.scopes = workspace.app.scopes - {"chat:write", "channels:history"}
    answer = await error_of(client.chat_postMessage(channel=APPROVALS, text="x"))
    assert (answer["error"], answer["needed"]) == ("missing_scope", "chat:write")
    assert "users:read" in answer["provided"]
    answer = await error_of(client.conversations_history(channel=APPROVALS))
    assert answer["needed"] == "channels:history"


def test_the_app_is_the_one_the_manifest_describes(workspace):
    manifest = yaml.safe_load((Path(__file__).parents[3] / "manifest.yml").read_text())
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == workspace.app.scopes
    assert set(manifest["settings"]["event_subscriptions"]["bot_events"]) == workspace.app.events
    commands = manifest["features"]["slash_commands"]
    assert [command["command"] for command in commands] == list(workspace.app.commands)
    assert all(command["should_escape"] for command in commands)


async def test_unknown_method(client):
    assert (await error_of(client.api_call("chat.shout")))["error"] == "unknown_method"


async def test_post_update_delete(workspace, client):
    posted = await client.chat_postMessage(channel=APPROVALS, text="Deploy", blocks=[SECTION])
    message = workspace.find(APPROVALS, posted["ts"])
    assert message.blocks[0]["block_id"]
    assert posted["message"]["bot_id"] == "B0BOT"
    await client.chat_update(channel=APPROVALS, ts=posted["ts"], text="Done")
    assert (message.text, len(message.blocks), message.revision) == ("Done", 1, 1)
    await client.chat_update(channel=APPROVALS, ts=posted["ts"], text="Bare", blocks=[])
    assert message.blocks == []
    assert message.snapshot(0).blocks[0]["text"]["text"] == "Deploy"
    await client.chat_delete(channel=APPROVALS, ts=posted["ts"])
    assert workspace.messages_in(APPROVALS) == []
    gone = await error_of(client.chat_update(channel=APPROVALS, ts=posted["ts"], text="x"))
    assert gone["error"] == "message_not_found"


async def test_a_user_id_is_a_direct_message(workspace, client):
    posted = await client.chat_postMessage(channel=BOB, text="hello")
    assert posted["channel"] == "D0BOB"
    assert [m.text for m in workspace.dm(BOB)] == ["hello"]
    assert (await client.conversations_open(users=BOB))["channel"]["id"] == "D0BOB"
    await client.chat_postMessage(channel="D0BOB", text="again")
    assert len(workspace.dm(BOB)) == 2


async def test_where_the_bot_may_not_post(workspace, client):
    async def refused(channel):
        return (await error_of(client.chat_postMessage(channel=channel, text="x")))["error"]

    workspace.add_channel(Channel("C0OTHER", "other", [BOB]))
    workspace.add_channel(Channel("C0SECRET", "secret", [BOB], is_private=True))
    workspace.add_channel(Channel("C0OLD", "old", [BOB, BOT], is_archived=True))
    workspace.users[CAROL].deleted = True
    assert await refused("C0OTHER") == "not_in_channel"
    assert await refused("C0SECRET") == "channel_not_found"
    assert await refused("C0OLD") == "is_archived"
    assert await refused("C0NOWHERE") == "channel_not_found"
    assert await refused(BOT) == "cannot_dm_bot"
    assert await refused(CAROL) == "channel_not_found"


async def test_text_and_blocks_that_slack_refuses(workspace, client):
    empty = await error_of(client.api_call("chat.postMessage", json={"channel": APPROVALS, "text": " "}))
    assert empty["error"] == "no_text"
    long = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    answer = await error_of(client.chat_postMessage(channel=APPROVALS, text="x", blocks=[long]))
    problem = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert answer["error"] == "invalid_blocks"
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {problem}"]
    assert workspace.violations == [f"chat.postMessage: {problem}"]
    full = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2700}}] * 5
    answer = await error_of(client.chat_postMessage(channel=APPROVALS, text="x", blocks=full))
    assert answer["error"] == "msg_blocks_too_long"
    posted = await client.chat_postMessage(channel=APPROVALS, text="x" * 40_001)
    assert len(workspace.find(APPROVALS, posted["ts"]).text) == 40_000
    answer = await error_of(client.chat_update(channel=APPROVALS, ts=posted["ts"], text="x" * 4001))
    assert answer["error"] == "msg_too_long"


async def test_form_bodies_carry_json_texts(server, workspace):
    url = f"{server.api_url}chat.postMessage"
    headers = {"Authorization": "Bearer xoxb-demo"}
    form = {"channel": APPROVALS, "blocks": '[{"type":"divider"}]', "text": "t"}
    async with aiohttp.ClientSession(headers=headers) as session:
        assert (await (await session.post(url, data=form)).json())["ok"]
        answer = await (await session.post(url, data={**form, "blocks": "[{"})).json()
        assert answer["error"] == "invalid_blocks_format"
        answer = await (await session.post(url, data=b"{", headers={"Content-Type": "application/json"})).json()
        assert answer["error"] == "invalid_json"
        answer = await (await session.post(url, json=[])).json()
        assert answer["error"] == "json_not_object"
    assert len(workspace.messages_in(APPROVALS)) == 1


async def test_only_its_own_messages_may_be_changed(server, workspace, client):
    other = await server.say(BOB, APPROVALS, "mine")
    assert (await error_of(client.chat_update(channel=APPROVALS, ts=other.ts, text="x")))["error"] == (
        "cant_update_message"
    )
    assert (await error_of(client.chat_delete(channel=APPROVALS, ts=other.ts)))["error"] == ("cant_delete_message")


async def test_threads(workspace, client):
    parent = await client.chat_postMessage(channel=APPROVALS, text="parent")
    reply = await client.chat_postMessage(channel=APPROVALS, text="reply", thread_ts=parent["ts"])
    await client.chat_postMessage(channel=APPROVALS, text="nested", thread_ts=reply["ts"])
    stray = await client.chat_postMessage(channel=APPROVALS, text="stray", thread_ts="1.000001")
    assert [m.text for m in workspace.thread(APPROVALS, parent["ts"])] == ["reply", "nested"]
    assert "thread_ts" not in stray["message"]
    rows = (await client.conversations_replies(channel=APPROVALS, ts=parent["ts"]))["messages"]
    assert [row["text"] for row in rows] == ["parent", "reply", "nested"]
    assert rows[0]["reply_count"] == 2
    history = (await client.conversations_history(channel=APPROVALS))["messages"]
    assert [row["text"] for row in history] == ["stray", "parent"]
    await client.chat_delete(channel=APPROVALS, ts=parent["ts"])
    history = (await client.conversations_history(channel=APPROVALS))["messages"]
    assert [row.get("subtype") for row in history] == [None, "tombstone"]
    missing = await error_of(client.conversations_replies(channel=APPROVALS, ts="1.000001"))
    assert missing["error"] == "thread_not_found"


async def test_metadata_is_returned_only_when_asked_for(client):
    metadata = {"event_type": "card", "event_payload": {"surface": "srf_1"}}
    await client.chat_postMessage(channel=APPROVALS, text="x", metadata=metadata)
    bare = await client.conversations_history(channel=APPROVALS)
    full = await client.conversations_history(channel=APPROVALS, include_all_metadata=True)
    assert "metadata" not in bare["messages"][0]
    assert full["messages"][0]["metadata"] == metadata
    bad = await error_of(client.chat_postMessage(channel=APPROVALS, text="x", metadata={"event_type": "x"}))
    assert bad["error"] == "invalid_metadata_schema"


async def test_history_pages_and_bounds(workspace, client):
    stamps = [(await client.chat_postMessage(channel=DEPLOYS, text=str(i)))["ts"] for i in range(5)]
    first = await client.conversations_history(channel=DEPLOYS, limit=2)
    assert [row["text"] for row in first["messages"]] == ["4", "3"]
    assert first["has_more"]
    cursor = first["response_metadata"]["next_cursor"]
    second = await client.conversations_history(channel=DEPLOYS, limit=2, cursor=cursor)
    assert [row["text"] for row in second["messages"]] == ["2", "1"]
    between = await client.conversations_history(channel=DEPLOYS, oldest=stamps[1], latest=stamps[3])
    assert [row["text"] for row in between["messages"]] == ["2"]
    between = await client.conversations_history(channel=DEPLOYS, oldest=stamps[1], latest=stamps[3], inclusive=True)
    assert [row["text"] for row in between["messages"]] == ["3", "2", "1"]
    workspace.app.restricted_history = True
    for number in range(15):
        await client.chat_postMessage(channel=DEPLOYS, text=f"more {number}")
    assert len((await client.conversations_history(channel=DEPLOYS, limit=200))["messages"]) == 15


async def test_people_groups_and_places(workspace, client):
    workspace.app.scopes = workspace.app.scopes | {"team:read"}
    workspace.add_user(User("U0FAR", "Far", is_stranger=True, team_id="T0OTHER"))
    assert (await client.users_info(user="U0GUEST"))["user"]["is_restricted"]
    assert (await client.users_info(user="U0FAR"))["user"]["team_id"] == "T0OTHER"
    assert (await error_of(client.users_info(user="U0NOBODY")))["error"] == "user_not_found"
    assert len((await client.users_list())["members"]) == 8
    assert (await client.usergroups_users_list(usergroup=ONCALL))["users"] == [BOB, CAROL]
    assert (await error_of(client.usergroups_users_list(usergroup="S1")))["error"] == "no_such_subteam"
    groups = (await client.usergroups_list(include_users=True))["usergroups"]
    assert groups[0]["users"] == [BOB, CAROL]
    info = (await client.conversations_info(channel=APPROVALS))["channel"]
    assert (info["is_member"], info["is_ext_shared"], info["name"]) == (True, False, "approvals")
    assert ALICE in (await client.conversations_members(channel=APPROVALS))["members"]
    assert (await client.team_info())["team"]["name"] == "Acme"


async def test_permalink_opens_the_message_on_the_page(server, client):
    posted = await client.chat_postMessage(channel=APPROVALS, text="x")
    link = (await client.chat_getPermalink(channel=APPROVALS, message_ts=posted["ts"]))["permalink"]
    assert link.startswith(f"{server.url}/archives/{APPROVALS}/p")
    async with aiohttp.ClientSession() as session, session.get(link, allow_redirects=False) as answer:
        assert answer.status == 302
        assert answer.headers["Location"] == f"/#in={APPROVALS}&at={posted['ts']}"


async def test_reactions_and_ephemerals(workspace, client):
    workspace.app.scopes = workspace.app.scopes | {"reactions:write"}
    posted = await client.chat_postMessage(channel=APPROVALS, text="x")
    await client.reactions_add(channel=APPROVALS, timestamp=posted["ts"], name="eyes")
    again = await error_of(client.reactions_add(channel=APPROVALS, timestamp=posted["ts"], name="eyes"))
    assert again["error"] == "already_reacted"
    await client.chat_postEphemeral(channel=APPROVALS, user=BOB, text="only you")
    assert [m.text for m in workspace.ephemerals(BOB)] == ["only you"]
    assert len(workspace.messages_in(APPROVALS)) == 1
    outside = await error_of(client.chat_postEphemeral(channel=APPROVALS, user="U0MALLORY", text="x"))
    assert outside["error"] == "user_not_in_channel"


@pytest.mark.parametrize(
    ("text", "pings", "mentions"),
    [
        ("<!channel> look", ["channel"], []),
        ("<!here|here> and <!everyone>", ["here", "everyone"], []),
        ("<!subteam^S0ONCALL|@oncall>", ["S0ONCALL"], []),
        ("<@U0BOB> please", [], ["U0BOB"]),
        ("&lt;!channel&gt; &lt;@U0BOB&gt; @channel", [], []),
    ],
)
async def test_pings_and_mentions_are_recorded(workspace, client, text, pings, mentions):
    block = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    quiet = {"type": "section", "text": {"type": "plain_text", "text": text}}
    posted = await client.chat_postMessage(channel=APPROVALS, text="card", blocks=[block, quiet])
    message = workspace.find(APPROVALS, posted["ts"])
    assert (message.pings, message.mentions) == (pings, mentions)


async def test_rich_text_pings_and_link_previews(workspace, client):
    inside = [{"type": "broadcast", "range": "here"}, {"type": "user", "user_id": BOB}]
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": inside}]}
    posted = await client.chat_postMessage(channel=APPROVALS, text="https://evil.example", blocks=[rich])
    message = workspace.find(APPROVALS, posted["ts"])
    assert (message.pings, message.mentions) == (["here"], [BOB])
    assert message.unfurls == ["https://evil.example"]
    posted = await client.chat_postMessage(
        channel=APPROVALS, text="https://evil.example", unfurl_links=False, unfurl_media=False
    )
    assert workspace.find(APPROVALS, posted["ts"]).unfurls == []
    posted = await client.chat_postMessage(channel=APPROVALS, text="@here", link_names=True)
    assert workspace.find(APPROVALS, posted["ts"]).pings == ["here"]


async def test_faults_that_answer(workspace, client):
    workspace.faults.add("chat.postMessage", "ratelimited", retry_after=7)
    workspace.faults.add("chat.postMessage", "500")
    workspace.faults.add("*", "is_archived")
    limited = await error_of(client.chat_postMessage(channel=APPROVALS, text="x"))
    assert (limited.status_code, limited["error"], limited.headers["Retry-After"]) == (
        429,
        "ratelimited",
        "7",
    )
    broken = await error_of(client.chat_postMessage(channel=APPROVALS, text="x"))
    assert (broken.status_code, broken["error"]) == (500, "internal_error")
    assert (await error_of(client.users_list()))["error"] == "is_archived"
    await client.chat_postMessage(channel=APPROVALS, text="x")
    assert [call.fault for call in workspace.called("chat.postMessage")] == ["ratelimited", "500", None]
    assert len(workspace.messages_in(APPROVALS)) == 1


@pytest.mark.parametrize(("fault", "posts"), [("lost", 1), ("drop", 0)])
async def test_a_cut_connection_has_done_the_work_or_not(workspace, client, fault, posts):
    workspace.faults.add("chat.postMessage", fault)
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.chat_postMessage(channel=APPROVALS, text="x")
    assert len(workspace.messages_in(APPROVALS)) == posts


async def test_slow_answers_still_come(workspace, client):
    workspace.faults.add("auth.test", "slow:0.01")
    assert (await client.auth_test())["ok"]
    with pytest.raises(ValueError, match="could not convert"):
        workspace.faults.add("auth.test", "slow:soon")


async def test_pacing_is_off_until_asked_for(workspace, clock, client):
    for _ in range(20):
        await client.chat_postMessage(channel=APPROVALS, text="x")
    workspace.enforce_rate_limits = True
    for _ in range(5):
        await client.chat_postMessage(channel=APPROVALS, text="x")
    limited = await error_of(client.chat_postMessage(channel=APPROVALS, text="x"))
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "1")
    await client.chat_postMessage(channel=DEPLOYS, text="another channel has its own pace")
    clock.at += 1
    await client.chat_postMessage(channel=APPROVALS, text="x")


async def test_tiers_are_calls_a_minute(workspace, clock, client):
    workspace.pacing.strict = True
    for _ in range(20):
        await client.usergroups_users_list(usergroup=ONCALL)
    assert (await error_of(client.usergroups_users_list(usergroup=ONCALL)))["error"] == "ratelimited"
    clock.at += 60
    await client.usergroups_users_list(usergroup=ONCALL)


async def test_until_waits_for_changes_and_says_what_happened(workspace, client):
    async def post():
        await client.chat_postMessage(channel=APPROVALS, text="now")

    task = asyncio.create_task(post())
    found = await workspace.until(lambda: workspace.messages_in(APPROVALS))
    assert found[0].text == "now"
    await task
    with pytest.raises(TimeoutError, match=r"chat\.postMessage=ok"):
        await workspace.until(lambda: False, timeout=0.01)


async def test_several_workspaces_on_one_server(server, workspace, client):
    second = demo_workspace(bot_token="xoxb-second", app_token="xapp-second")
    second.team_id = "T0SECOND"
    server.add(second)
    other = AsyncWebClient(token="xoxb-second", base_url=server.api_url)
    assert (await other.auth_test())["team_id"] == "T0SECOND"
    await other.chat_postMessage(channel=APPROVALS, text="over there")
    assert workspace.messages_in(APPROVALS) == []
    assert len(second.messages_in(APPROVALS)) == 1


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")  # slack_sdk's own use of aiohttp
async def test_oauth_codes_buy_tokens_once(server, workspace):
    workspace.app = dataclasses.replace(workspace.app, client_id="1.2", client_secret="shh")
    consent = f"{server.url}/oauth/v2/authorize?client_id=1.2&state=s&redirect_uri=http://127.0.0.1:1/back"
    async with aiohttp.ClientSession() as session, session.get(consent, allow_redirects=False) as answer:
        place = answer.headers["Location"]
    assert place.startswith("http://127.0.0.1:1/back?code=")
    code = place.split("code=")[1].split("&")[0]
    client = AsyncWebClient(base_url=server.api_url)
    wrong = await error_of(client.oauth_v2_access(client_id="1.2", client_secret="no", code=code))
    assert wrong["error"] == "bad_client_secret"
    granted = await client.oauth_v2_access(client_id="1.2", client_secret="shh", code=code)
    assert (granted["access_token"], granted["team"]["id"]) == ("xoxb-demo", "T0DEMO")
    again = await error_of(client.oauth_v2_access(client_id="1.2", client_secret="shh", code=code))
    assert again["error"] == "code_already_used"


async def test_every_method_survives_missing_and_absurd_arguments(server):
    headers = {"Authorization": "Bearer xoxb-demo"}
    absurd = {name: {"a": [1]} for name in ("channel", "user", "users", "ts", "view", "blocks", "limit", "cursor")}
    async with aiohttp.ClientSession(headers=headers) as session:
        for method in METHODS:
            for body in (
                {},
                absurd,
                {"channel": APPROVALS, "ts": "x", "blocks": "x", "limit": -1, "text": 3},
            ):
                async with session.post(f"{server.api_url}{method}", json=body) as answer:
                    assert answer.status == 200, (method, body)
                    assert "ok" in await answer.json()
