"""The files.* methods: an address to upload to, the bytes, and the message that shares them."""

from __future__ import annotations

import mimetypes
import secrets
from urllib.parse import quote

from aiohttp import web

from bot.workspace import spoken
from bot.workspace.arguments import need, text
from bot.workspace.call import Call, Method
from bot.workspace.chat import may_post, parent_of
from bot.workspace.content import check_blocks
from bot.workspace.errors import SlackError
from bot.workspace.model import Channel, File, Json, Message
from bot.workspace.state import Workspace
from bot.workspace.wire import file_json

MOST_BYTES = 32 * 1024 * 1024
"""What this workspace takes in one file; Slack takes a gigabyte."""


def get_upload_url(call: Call) -> Json:
    """files.getUploadURLExternal: `filename` and `length` in bytes; form-encoded, as Slack insists."""
    name, length = need(call.args, "filename"), text(call.args, "length")
    if not length.isdigit() or not 0 < int(length) <= MOST_BYTES:
        raise SlackError("invalid_arguments", [f"length must be from 1 to {MOST_BYTES} [json-pointer:/length]"])
    workspace = call.workspace
    file = File(workspace.new_id("F"), name, int(length), call.me, int(workspace.now()))
    file.mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
    workspace.files[file.id] = file
    token = f"{workspace.team_id}/{file.id}/{secrets.token_urlsafe(16)}"
    return {"upload_url": f"{workspace.base_url}/upload/v1/{token}", "file_id": file.id}


def complete_upload(call: Call) -> Json:
    """files.completeUploadExternal: shares uploaded files in `channel_id` or `channels`, in one message each."""
    files = [_uploaded(call, entry) for entry in _entries(call)]
    wanted = text(call.args, "channel_id") or text(call.args, "channels")
    channels = [_place(call, name) for name in wanted.split(",") if name]
    blocks = call.args.get("blocks") or []
    check_blocks(call, blocks)
    for file in files:
        file.complete = True
    for channel in channels:
        _share(call, channel, files, blocks)
    call.workspace.bump()
    return {"files": [file_json(call.workspace, file) for file in files]}


def info(call: Call) -> Json:
    """files.info."""
    return {"file": file_json(call.workspace, _file(call)), "comments": [], "response_metadata": {"next_cursor": ""}}


def delete(call: Call) -> Json:
    """files.delete: the bot's own files only; messages lose the file."""
    file = _file(call)
    if file.user != call.me:
        raise SlackError("cant_delete_file")
    del call.workspace.files[file.id]
    for channel, ts in file.shared:
        message = call.workspace.messages[channel, ts]
        message.files = [one for one in message.files if one is not file]
        call.workspace.put(message)
    return {}


def _entries(call: Call) -> list[Json]:
    entries = call.args.get("files")
    if not isinstance(entries, list) or not entries or not all(isinstance(one, dict) for one in entries):
        raise SlackError("invalid_arguments", ["missing required field: files"])
    return entries


def _uploaded(call: Call, entry: Json) -> File:
    file = call.workspace.files.get(str(entry.get("id")))
    if file is None or file.data is None or file.user != call.me:
        raise SlackError("file_not_found")
    if file.complete:
        raise SlackError("file_update_failed")
    file.title = str(entry.get("title") or file.name)
    return file


def _place(call: Call, name: str) -> Channel:
    call.args["channel"] = name
    channel = call.channel()
    may_post(call, channel)
    return channel


def _share(call: Call, channel: Channel, files: list[File], blocks: list[Json]) -> None:
    workspace = call.workspace
    message = Message(channel.id, "", call.me, text(call.args, "initial_comment"), blocks, from_app=True)
    message.files, message.thread_ts = list(files), parent_of(call, channel.id)
    message.ts = workspace.tick()
    for file in files:
        file.shared.append((channel.id, message.ts))
    workspace.put(message)
    spoken.app_posted(workspace, message)


def _file(call: Call) -> File:
    file = call.workspace.files.get(need(call.args, "file"))
    if file is None or not file.complete:
        raise SlackError("file_not_found")
    return file


async def take_bytes(workspace: Workspace, request: web.Request) -> web.Response:
    """POST to an upload address: raw bytes, or one part of a form. 400 when the length is not the announced one."""
    file = workspace.files.get(request.match_info["file"])
    if file is None or file.complete:
        return web.Response(status=404, text="There is no such upload.")
    data = await _bytes(request)
    if len(data) != file.size:
        return web.Response(status=400, text=f"{len(data)} bytes came, {file.size} were announced.")
    file.data = data
    return web.Response(text=f"OK - {len(data)}")


async def _bytes(request: web.Request) -> bytes:
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    for value in (await request.post()).values():
        if isinstance(value, web.FileField):
            return value.file.read()
        return value.encode() if isinstance(value, str) else bytes(value)
    return b""


def file_response(workspace: Workspace, file_id: str, download: bool) -> web.Response:
    """An uploaded file for a browser, which must not run anything of it: pictures, plain text, or a download."""
    file = workspace.files.get(file_id)
    if file is None or file.data is None:
        raise web.HTTPNotFound(text="There is no such file.")
    kind = file.mimetype
    if not kind.startswith("image/") or "svg" in kind:
        readable = kind.startswith("text/") or kind in ("application/json", "application/x-ndjson")
        kind = "text/plain" if readable else "application/octet-stream"
    headers = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}
    if download:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
    return web.Response(body=file.data, content_type=kind, headers=headers)


METHODS: dict[str, tuple[str | None, Method]] = {
    "files.completeUploadExternal": ("files:write", complete_upload),
    "files.delete": ("files:write", delete),
    "files.getUploadURLExternal": ("files:write", get_upload_url),
    "files.info": ("files:read", info),
}
"""Method name -> the scope it always needs, and the code."""
