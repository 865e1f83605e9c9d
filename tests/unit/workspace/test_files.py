"""Files: uploading as slack_sdk does it, every refusal on the way, and the file on the page."""

import json

import aiohttp
import pytest
from slack_sdk.errors import SlackRequestError

from bot.workspace import Channel
from bot.workspace.cast import APPROVALS, BOB, BOT
from tests.unit.workspace.app import allow, error_of, listening


@pytest.fixture
def workspace(workspace):
    allow(workspace, "files:write files:read")
    return workspace


async def test_upload_v2_into_a_channel_a_thread_and_a_direct_message(workspace, client):
    parent = await client.chat_postMessage(channel=APPROVALS, text="Deploy")
    answer = await client.files_upload_v2(
        channel=APPROVALS, thread_ts=parent["ts"], filename="diff.txt", content="- a\n+ b", title="The change",
        initial_comment="What would change",
    )  # fmt: skip
    (reply,) = workspace.thread(APPROVALS, parent["ts"])
    assert (reply.text, reply.from_app) == ("What would change", True)
    assert (reply.files[0].data, reply.files[0].title) == (b"- a\n+ b", "The change")
    assert answer["file"]["id"] == reply.files[0].id
    dm = (await client.conversations_open(users=BOB))["channel"]["id"]
    await client.files_upload_v2(channel=dm, filename="a.csv", content="a,b")
    assert [message.files[0].name for message in workspace.dm(BOB)] == ["a.csv"]
    history = await client.conversations_replies(channel=APPROVALS, ts=parent["ts"])
    shown = history["messages"][1]["files"][0]
    assert (shown["name"], shown["size"], shown["mimetype"], shown["is_public"]) == ("diff.txt", 7, "text/plain", True)
    assert (await client.files_info(file=shown["id"]))["file"]["channels"] == [APPROVALS]


async def test_several_files_share_one_message_in_every_channel(workspace, client):
    files = [{"filename": name, "content": name} for name in ("one.txt", "two.txt")]
    await client.files_upload_v2(file_uploads=files, channels=[APPROVALS, "C0DEPLOYS"])
    for channel in (APPROVALS, "C0DEPLOYS"):
        (message,) = workspace.messages_in(channel)
        assert [file.name for file in message.files] == ["one.txt", "two.txt"]


async def test_bytes_may_come_as_a_form(server, workspace, client):
    wanted = await client.api_call("files.getUploadURLExternal", data={"filename": "a.bin", "length": 3})
    form = aiohttp.FormData()
    form.add_field("file", b"\x00\x01\x02", filename="a.bin")
    async with aiohttp.ClientSession() as session, session.post(wanted["upload_url"], data=form) as answer:
        assert (answer.status, await answer.text()) == (200, "OK - 3")
    await client.api_call(
        "files.completeUploadExternal",
        data={"files": json.dumps([{"id": wanted["file_id"]}]), "channel_id": APPROVALS},
    )
    assert workspace.messages_in(APPROVALS)[0].files[0].data == b"\x00\x01\x02"


async def test_refusals(workspace, client):
    async def upload(channel=APPROVALS):
        return (await error_of(client.files_upload_v2(channel=channel, filename="a.txt", content="a")))["error"]

    workspace.add_channel(Channel("C0OTHER", "other", [BOB]))
    workspace.add_channel(Channel("C0OLD", "old", [BOB, BOT], is_archived=True))
    assert await upload("C0OTHER") == "not_in_channel"
    assert await upload("C0OLD") == "is_archived"
    assert await upload("C0NOWHERE") == "channel_not_found"
    assert await upload(BOB) == "channel_not_found"
    entry = [{"id": "F0NOTHING"}]
    assert (await error_of(client.files_completeUploadExternal(files=entry)))["error"] == "file_not_found"
    wanted = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    entry = [{"id": wanted["file_id"]}]
    assert (await error_of(client.files_completeUploadExternal(files=entry)))["error"] == "file_not_found"
    assert (await error_of(client.files_getUploadURLExternal(filename="a", length=0)))["error"] == "invalid_arguments"
    workspace.app.scopes = workspace.app.scopes - {"files:write"}
    refused = await error_of(client.files_getUploadURLExternal(filename="a.txt", length=3))
    assert (refused["error"], refused["needed"]) == ("missing_scope", "files:write")
    assert workspace.messages_in(APPROVALS) == []


async def test_the_announced_length_holds_and_an_upload_is_completed_once(workspace, client):
    wanted = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    async with aiohttp.ClientSession() as session:
        async with session.post(wanted["upload_url"], data=b"four") as answer:
            assert answer.status == 400
        async with session.post(wanted["upload_url"], data=b"abc") as answer:
            assert answer.status == 200
    entry = [{"id": wanted["file_id"]}]
    await client.files_completeUploadExternal(files=entry, channel_id=APPROVALS)
    again = await error_of(client.files_completeUploadExternal(files=entry, channel_id=APPROVALS))
    assert again["error"] == "file_update_failed"


async def test_uploads_can_fail_on_the_way(workspace, client):
    workspace.faults.add("upload", "503")
    with pytest.raises(SlackRequestError, match="503"):
        await client.files_upload_v2(channel=APPROVALS, filename="a.txt", content="a")
    workspace.faults.add("files.completeUploadExternal", "lost")
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.files_upload_v2(channel=APPROVALS, filename="a.txt", content="a")
    assert len(workspace.messages_in(APPROVALS)) == 1


async def test_the_page_serves_the_file_and_runs_nothing_of_it(workspace, client):
    posted = await client.files_upload_v2(channel=APPROVALS, filename="a b.html", content="<script>1</script>")
    async with aiohttp.ClientSession() as session, session.get(posted["file"]["url_private"]) as answer:
        assert (answer.status, await answer.text()) == (200, "<script>1</script>")
        assert answer.content_type == "text/plain"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    file_id = posted["file"]["id"]
    await client.files_delete(file=file_id)
    assert workspace.messages_in(APPROVALS)[0].files == []
    async with aiohttp.ClientSession() as session, session.get(posted["file"]["url_private"]) as answer:
        assert answer.status == 404


async def test_a_file_message_is_an_event(workspace, client):
    allow(workspace, events="message.channels")
    async with listening(workspace) as app:
        await client.files_upload_v2(channel=APPROVALS, filename="a.txt", content="a")
        await workspace.until(lambda: app.events)
    event = app.events[0]
    assert (event["subtype"], event["files"][0]["name"], event["bot_id"]) == ("file_share", "a.txt", "B0BOT")
