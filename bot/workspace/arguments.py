"""Reading a Web API call the way Slack does: JSON or form body, query string, token from header or field."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from bot.workspace.errors import SlackError
from bot.workspace.model import Json

STRUCTURED = ("blocks", "attachments", "metadata", "view", "files")
"""Arguments that may arrive as a JSON text inside a form field."""


async def read(request: web.Request) -> Json:
    """All arguments of one call by name; structured ones parsed, `token` taken from the header if there.

    Raises SlackError `invalid_json`, `json_not_object`, `invalid_form_data`, `invalid_blocks_format` …
    """
    args: Json = dict(request.query)
    if request.method == "POST":
        args |= await _body(request)
    header = request.headers.get("Authorization", "")
    if header.startswith("Bearer "):
        args["token"] = header.removeprefix("Bearer ")
    for name in STRUCTURED:
        if isinstance(args.get(name), str):
            args[name] = _structured(name, args[name])
    return args


async def _body(request: web.Request) -> Json:
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(body, dict):
            raise SlackError("json_not_object")
        return body
    try:
        return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    except ValueError:
        raise SlackError("invalid_form_data") from None


def _structured(name: str, text: str) -> Any:
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except ValueError:
        formats = {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format"}
        raise SlackError(formats.get(name, "invalid_arguments")) from None


def flag(value: object) -> bool:
    """Slack's idea of a true argument: JSON true, 1, "1", "true"."""
    return value is True or value == 1 or str(value).lower() in ("1", "true")


def text(args: Json, name: str) -> str:
    """A string argument, empty when absent."""
    value = args.get(name)
    return "" if value is None else str(value)


def need(args: Json, name: str) -> str:
    """A string argument that must be there. Raises `invalid_arguments` naming it."""
    if not text(args, name):
        raise SlackError("invalid_arguments", [f"missing required field: {name}"])
    return text(args, name)


def number(args: Json, name: str, default: int, most: int) -> int:
    """A whole-number argument from 1 to `most`. Raises `invalid_limit`-style errors."""
    try:
        value = int(text(args, name) or default)
    except ValueError:
        raise SlackError("invalid_arguments", [f"{name} must be an integer"]) from None
    if value < 1:
        raise SlackError(f"invalid_{name}")
    return min(value, most)


def page(items: list[Any], args: Json, default: int = 100, most: int = 1000) -> tuple[list[Any], str]:
    """One page of `items` by the `cursor` and `limit` arguments, and the cursor of the next one or ''."""
    start = 0
    if text(args, "cursor"):
        try:
            start = int(text(args, "cursor").removeprefix("next:"))
        except ValueError:
            raise SlackError("invalid_cursor") from None
    end = start + number(args, "limit", default, most)
    return items[start:end], f"next:{end}" if end < len(items) else ""
