"""What a call puts into a message: text, blocks, attachments and metadata, checked as Slack checks them."""

from __future__ import annotations

from typing import Any

from bot.workspace import limits
from bot.workspace.arguments import flag, text
from bot.workspace.call import Call
from bot.workspace.errors import SlackError
from bot.workspace.model import Json, Message


def fill(call: Call, message: Message) -> None:
    """Take text, blocks, attachments and metadata from the arguments; raises what Slack would."""
    blocks = _given(call, "blocks", message.blocks)
    attachments = _given(call, "attachments", message.attachments)
    if not text(call.args, "text").strip() and not blocks and not attachments:
        raise SlackError("no_text")
    check_blocks(call, blocks)
    check_attachments(call, attachments)
    metadata = call.args.get("metadata")
    problem = limits.metadata_problem(metadata) if metadata is not None else None
    if problem:
        raise SlackError(problem)
    if metadata is not None:
        message.metadata = metadata or None
    message.blocks, message.attachments = blocks, attachments
    message.text = _fitting(call, text(call.args, "text"))


def _given(call: Call, name: str, before: list[Json]) -> Any:
    """An argument, or what the message had: Slack keeps what an update does not name."""
    value = call.args.get(name)
    return before if value is None else value


def check_blocks(call: Call, blocks: object) -> None:
    """Raises `invalid_blocks_format`, `invalid_blocks` or `msg_blocks_too_long`, and remembers why."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    unknown = call.workspace.faults.unknown_in(blocks)
    if unknown:
        raise SlackError("invalid_blocks", unknown)
    _refuse(call, "invalid_blocks", limits.violations(blocks, "message"))
    size = limits.total_text(blocks)
    if size > limits.ALL_BLOCK_TEXT:
        call.workspace.violated(call.method, [f"{size} characters in all blocks together"])
        raise SlackError("msg_blocks_too_long")


def check_attachments(call: Call, attachments: object) -> None:
    """Raises `invalid_attachments`, and remembers why."""
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        raise SlackError("invalid_attachments")
    for place, one in enumerate(attachments):
        unknown = call.workspace.faults.unknown_in(one.get("blocks"), f"/attachments/{place}/blocks")
        if unknown:
            raise SlackError("invalid_attachments", unknown)
        problems = limits.violations(one.get("blocks") or [], "message")
        where = f"/attachments/{place}/blocks"
        _refuse(call, "invalid_attachments", [text.replace("/blocks", where, 1) for text in problems])


def _refuse(call: Call, code: str, problems: list[str]) -> None:
    call.workspace.violated(call.method, problems)
    if problems:
        raise SlackError(code, problems)


def _fitting(call: Call, words: str) -> str:
    if len(words) > limits.MESSAGE_TEXT:
        call.workspace.violated(call.method, [f"text of {len(words)} characters was cut off"])
    return words[: limits.MESSAGE_TEXT]


def store(call: Call, message: Message) -> None:
    """Put the message up, with the previews and names the arguments ask for."""
    previews = [call.args.get(name) for name in ("unfurl_links", "unfurl_media")]
    if None not in previews:
        message.quiet_links = not any(flag(value) for value in previews)
    call.workspace.put(message, link_names=flag(call.args.get("link_names")))
