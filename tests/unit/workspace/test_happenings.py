"""What people do that the app hears of: reactions, replies, statuses, groups, channels, and losing the app."""

import pytest

from bot.workspace import WorkspaceServer
from bot.workspace.cast import ALICE, APPROVALS, BOB, BOT, CAROL, DANA, DEPLOYS, MALLORY, ONCALL
from tests.unit.workspace.app import allow, card, error_of


@pytest.fixture
def server_options():
    return {"retry_delays": ()}


@pytest.fixture
def happen(server):
    return server.seat.happenings


async def word_of(awaitable):
    return (await error_of(awaitable))["error"]


# -- reactions


async def test_reactions_of_people(workspace, happen, app, client):
    allow(workspace, "reactions:read", "reaction_added reaction_removed")
    ts = (await client.chat_postMessage(channel=APPROVALS, text="x"))["ts"]
    message = workspace.find(APPROVALS, ts)
    await happen.reacted(BOB, message, "white_check_mark")
    await happen.unreacted(BOB, message, "white_check_mark")
    added, removed = app.events
    assert {**added, "event_ts": ""} == {
        "type": "reaction_added",
        "user": BOB,
        "reaction": "white_check_mark",
        "item": {"type": "message", "channel": APPROVALS, "ts": ts},
        "item_user": BOT,
        "event_ts": "",
    }
    assert (removed["type"], message.reactions) == ("reaction_removed", {})
    await happen.bot_removed(APPROVALS)
    assert await happen.reacted(BOB, message, "eyes") is None, "the bot hears nothing from where it is not"


async def test_reactions_of_the_bot(workspace, app, client):
    allow(workspace, "reactions:read reactions:write", "reaction_added")
    ts = (await client.chat_postMessage(channel=APPROVALS, text="x"))["ts"]
    place = {"channel": APPROVALS, "timestamp": ts}
    await client.reactions_add(**place, name="eyes")
    shown = (await client.reactions_get(**place))["message"]["reactions"]
    assert shown == [{"name": "eyes", "users": [BOT], "count": 1}]
    await workspace.until(lambda: app.events)
    assert app.events[0]["user"] == BOT
    await client.reactions_remove(**place, name="eyes")
    assert await word_of(client.reactions_remove(**place, name="eyes")) == "no_reaction"
    assert await word_of(client.reactions_add(**place, name="No Such")) == "invalid_name"
    assert await word_of(client.reactions_add(channel=APPROVALS, timestamp="", name="x")) == "no_item_specified"
    assert await word_of(client.reactions_add(channel=APPROVALS, timestamp="1.2", name="x")) == "message_not_found"


# -- messages


async def test_replies_edits_and_deletions_of_people(server, workspace, happen, app):
    allow(workspace, events="message.channels")
    parent = await server.say(ALICE, APPROVALS, "Deploy?")
    reply = await server.say(BOB, APPROVALS, "yes", parent.ts)
    await happen.edited(BOB, reply, "no")
    with pytest.raises(PermissionError, match="author"):
        await happen.edited(CAROL, reply, "yes")
    await happen.deleted(BOB, reply)
    said, replied, changed, gone = app.events
    assert (said["ts"], said["event_ts"], said["channel_type"]) == (parent.ts, parent.ts, "channel")
    assert "thread_ts" not in said
    assert (replied["thread_ts"], replied["parent_user_id"]) == (parent.ts, ALICE)
    assert changed["subtype"] == "message_changed"
    assert (changed["message"]["text"], changed["previous_message"]["text"]) == ("no", "yes")
    assert changed["message"]["edited"]["user"] == BOB
    assert (gone["subtype"], gone["deleted_ts"], gone["previous_message"]["text"]) == (
        "message_deleted",
        reply.ts,
        "no",
    )


async def test_direct_messages_and_private_channels_have_their_own_subscription(server, workspace, happen, app):
    allow(workspace, events="message.im message.groups")
    private = await happen.channel_created("secret", ALICE, private=True, invite_bot=True)
    await server.say(BOB, workspace.dm_channel(BOB).id, "hello")
    await server.say(ALICE, private.id, "psst")
    await server.say(ALICE, APPROVALS, "not heard")
    assert [(one["channel_type"], one["text"]) for one in app.events] == [("im", "hello"), ("group", "psst")]
    with pytest.raises(LookupError, match="C0NOWHERE"):
        await server.say(BOB, "C0NOWHERE", "x")


async def test_the_bot_hears_itself(workspace, happen, app, client):
    allow(workspace, events="message.channels message.im")
    posted = await client.chat_postMessage(channel=APPROVALS, text="Deploy", blocks=card())
    await client.chat_update(channel=APPROVALS, ts=posted["ts"], text="Done", blocks=[])
    await client.chat_postEphemeral(channel=APPROVALS, user=BOB, text="psst")
    await client.chat_postMessage(channel=BOB, text="hello")
    await workspace.until(lambda: len(app.events) == 3)
    said, changed, dm = sorted(app.events, key=lambda one: one["event_ts"])
    assert (said["bot_id"], said["user"], "subtype" in said) == ("B0BOT", BOT, False)
    assert (changed["subtype"], changed["message"]["bot_id"]) == ("message_changed", "B0BOT")
    assert dm["channel_type"] == "im"
    await happen.deleted(DANA, workspace.find(APPROVALS, posted["ts"]))
    assert app.events[-1]["previous_message"]["text"] == "Done"
    gone = await word_of(client.chat_update(channel=APPROVALS, ts=posted["ts"], text="x"))
    assert gone == "message_not_found"


# -- people and groups


async def test_statuses(clock, workspace, happen, app, client):
    allow(workspace, "users.profile:read", "user_change user_profile_changed user_status_changed")
    await happen.status_set(BOB, "holiday", until=clock.at + 60)
    profile = (await client.users_profile_get(user=BOB))["profile"]
    assert (profile["status_text"], profile["status_emoji"]) == ("On holiday", ":palm_tree:")
    assert (await client.users_info(user=BOB))["user"]["profile"]["status_expiration"] == clock.at + 60
    kinds = [one["type"] for one in app.events]
    assert kinds == ["user_status_changed", "user_profile_changed", "user_change"]
    assert {one["user"]["profile"]["status_text"] for one in app.events} == {"On holiday"}
    clock.at += 60
    assert (await client.users_info(user=BOB))["user"]["profile"]["status_text"] == ""
    await happen.status_set(BOB, "Writing", ":memo:")
    assert (await client.users_profile_get(user=BOB))["profile"]["status_text"] == "Writing"
    await happen.status_set(BOB)
    assert (await client.users_profile_get(user=BOB))["profile"]["status_emoji"] == ""


async def test_time_zones_presence_and_do_not_disturb(clock, workspace, happen, client):
    allow(workspace, "dnd:read")
    await happen.person_changed(
        CAROL, tz="Asia/Tokyo", tz_offset=32400, tz_label="Japan Standard Time", presence="away"
    )
    user = (await client.users_info(user=CAROL))["user"]
    assert (user["tz"], user["tz_offset"], user["tz_label"]) == ("Asia/Tokyo", 32400, "Japan Standard Time")
    assert (await client.users_getPresence(user=CAROL))["presence"] == "away"
    assert (await client.users_getPresence(user=BOB))["presence"] == "active"
    assert not (await client.dnd_info(user=BOB))["dnd_enabled"]
    await happen.paused(BOB, until=clock.at + 100)
    paused = await client.dnd_info(user=BOB)
    assert (paused["dnd_enabled"], paused["next_dnd_end_ts"]) == (True, clock.at + 100)
    clock.at += 101
    assert not (await client.dnd_info(user=BOB))["dnd_enabled"]
    assert await word_of(client.users_profile_get(user=BOB)) == "missing_scope"


async def test_groups(workspace, happen, app, client):
    allow(workspace, events="subteam_members_changed subteam_updated")
    await happen.group_changed(ONCALL, [CAROL, DANA])
    updated, members = app.events
    assert (updated["subteam"]["handle"], updated["subteam"]["users"]) == ("oncall", [CAROL, DANA])
    assert (members["added_users"], members["removed_users"]) == ([DANA], [BOB])
    group = (await client.usergroups_list())["usergroups"][0]
    assert (group["name"], group["user_count"], "users" in group) == ("On call", 2, False)


# -- channels


async def test_channels_come_and_are_archived(workspace, happen, app, client):
    allow(workspace, events="channel_created channel_archive channel_unarchive member_joined_channel")
    channel = await happen.channel_created("Release Room", DANA, invite_bot=True)
    with pytest.raises(ValueError, match="release-room"):
        await happen.channel_created("#release-room", DANA)
    posted = await client.chat_postMessage(channel=channel.id, text="x")
    await happen.archived(channel.id, DANA)
    assert await word_of(client.chat_postMessage(channel=channel.id, text="x")) == "is_archived"
    assert await word_of(client.chat_postEphemeral(channel=channel.id, user=DANA, text="x")) == "is_archived"
    assert await word_of(client.chat_update(channel=channel.id, ts=posted["ts"], text="y")) == "is_inactive"
    assert (await client.conversations_info(channel=channel.id))["channel"]["is_archived"]
    await happen.unarchived(channel.id, DANA)
    await client.chat_update(channel=channel.id, ts=posted["ts"], text="y")
    kinds = [one["type"] for one in app.events]
    assert kinds == ["channel_created", "member_joined_channel", "channel_archive", "channel_unarchive"]
    assert app.events[0]["channel"]["name"] == "release-room"


async def test_the_bot_is_removed_and_invited(workspace, happen, app, client):
    allow(workspace, events="channel_left member_left_channel member_joined_channel")
    await happen.bot_removed(DEPLOYS, by=DANA)
    assert await word_of(client.chat_postMessage(channel=DEPLOYS, text="x")) == "not_in_channel"
    assert await word_of(client.conversations_history(channel=DEPLOYS)) == "not_in_channel"
    assert not (await client.conversations_info(channel=DEPLOYS))["channel"]["is_member"]
    await happen.bot_invited(DEPLOYS, DANA)
    await client.chat_postMessage(channel=DEPLOYS, text="x")
    left, channel_left, joined = app.events
    assert (left["type"], left["user"], channel_left["type"]) == ("member_left_channel", BOT, "channel_left")
    assert (joined["user"], joined["inviter"]) == (BOT, DANA)
    await happen.joined(MALLORY, APPROVALS, by=DANA)
    assert MALLORY in workspace.channels[APPROVALS].members


async def test_sharing_with_another_organisation(server, workspace, happen, app, client):
    allow(workspace, events="channel_shared channel_unshared message.channels")
    await happen.shared_outside(APPROVALS)
    assert (await client.conversations_info(channel=APPROVALS))["channel"]["is_ext_shared"]
    await server.say(BOB, APPROVALS, "hello")
    assert app.payloads[-1]["is_ext_shared_channel"]
    await happen.shared_outside(APPROVALS, False)
    assert [one["type"] for one in app.events] == ["channel_shared", "message", "channel_unshared"]


# -- the app itself


async def test_uninstalling_and_revoking(workspace, happen, app, client):
    await happen.uninstalled()
    assert [one["type"] for one in app.events] == ["tokens_revoked", "app_uninstalled"]
    assert await word_of(client.auth_test()) == "account_inactive"
    assert happen.installed_again() == "xoxb-demo"
    await client.auth_test()
    await happen.tokens_revoked()
    assert await word_of(client.auth_test()) == "token_revoked"
    token = happen.installed_again(new_token=True)
    assert await word_of(client.auth_test()) == "token_revoked", "the old token stays dead"
    client.token = token
    assert (await client.auth_test())["user_id"] == BOT


async def test_the_bot_revokes_its_own_token(workspace, app, client):
    assert not (await client.auth_revoke(test=True))["revoked"]
    assert (await client.auth_revoke())["revoked"]
    assert await word_of(client.auth_test()) == "token_revoked"
    await workspace.until(lambda: app.events)
    assert app.events[0]["tokens"]["bot"] == [BOT]


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated")  # slack_sdk's own use of aiohttp
async def test_installing_again_by_oauth_gives_another_token(server, workspace, happen, client):
    workspace.app.client_secret = "shh"
    await happen.uninstalled()
    code = server.oauth.code(workspace, DANA)
    granted = await client.oauth_v2_access(client_id="client", client_secret="shh", code=code)
    assert granted["access_token"] not in ("", "xoxb-demo")
    client.token = granted["access_token"]
    assert (await client.auth_test())["team_id"] == "T0DEMO"


async def test_team_info(workspace, client):
    allow(workspace, "team:read")
    assert (await client.team_info())["team"]["domain"] == "acme"
    assert await word_of(client.team_info(team="T0OTHER")) == "team_not_found"


async def test_a_second_server_leaves_the_first_its_events(workspace, server, app, client):
    allow(workspace, events="message.channels")
    async with WorkspaceServer(workspace):
        await client.chat_postMessage(channel=APPROVALS, text="while both run")
        await workspace.until(lambda: app.events)
    await client.chat_postMessage(channel=APPROVALS, text="after the second stopped")
    await workspace.until(lambda: len(app.events) == 2)
    assert app.events[-1]["text"] == "after the second stopped"
