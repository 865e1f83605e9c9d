"""Slack's size limits as data, and the one question asked of every payload: what is wrong with it?

Figures are characters or counts, upper bounds unless the name says otherwise. The grammar that uses them
is in `grammar.py`; what holds across blocks (totals, uniqueness, surfaces) is checked here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from bot.workspace import blocks as kit
from bot.workspace.checks import check
from bot.workspace.grammar import BLOCKS, VIEWS
from bot.workspace.model import Json
from bot.workspace.rules import Items

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MESSAGE_TEXT = 40_000
UPDATE_TEXT = 4_000
ALL_BLOCK_TEXT = 13_200
"""Characters of all blocks of one message together; observed, not documented."""
MARKDOWN_TOTAL = 12_000
VIEW_BYTES = 250_000
VIEW_STACK = 3
METADATA_BYTES = 16_000
TABLES_PER_MESSAGE = 1

SURFACES = ("message", "modal", "home")
ONLY_ON = {
    "alert": ("modal",),
    "call": ("message",),
    "carousel": ("message", "home"),
    "context_actions": ("message",),
    "file": ("message",),
    "markdown": ("message",),
    "plan": ("message",),
    "table": ("message",),
    "task_card": ("message",),
}


def violations(blocks: object, surface: str) -> list[str]:
    """Every problem Slack would name in `blocks` on this surface (`message`, `modal` or `home`).

    Each is one sentence ending in a JSON pointer, as in
    `must be less than 3001 characters [json-pointer:/blocks/1/text/text]`; empty when all is well.
    """
    root = "/blocks" if surface == "message" else "/view/blocks"
    most = MESSAGE_BLOCKS if surface == "message" else VIEW_BLOCKS
    found = list(check(Items(BLOCKS, most, least=0), blocks, root))
    if isinstance(blocks, list) and all(isinstance(block, dict) for block in blocks):
        found += _misplaced(blocks, surface, root)
        found += _twice(blocks, root)
        found += _too_much(blocks, root)
    return found


def view_violations(view: object) -> list[str]:
    """Every problem in a whole modal or Home view, its blocks included."""
    if not isinstance(view, dict) or view.get("type") not in VIEWS:
        return ["unsupported type [json-pointer:/view/type]"]
    found = list(check(VIEWS[view["type"]], view, "/view"))
    found += violations(view.get("blocks", []), view["type"])
    has_input = any(b.get("type") == "input" for b in view.get("blocks", []) if isinstance(b, dict))
    if view["type"] == "modal" and has_input and not view.get("submit"):
        found.append("missing required field: submit [json-pointer:/view]")
    return found


def metadata_problem(metadata: object) -> str | None:
    """The Slack error that message metadata earns, or None when it is well formed."""
    if not isinstance(metadata, dict):
        return "invalid_metadata_format"
    if not metadata:
        return None
    shaped = isinstance(metadata.get("event_type"), str) and isinstance(metadata.get("event_payload"), dict)
    if not shaped or set(metadata) - {"event_type", "event_payload", "entities"}:
        return "invalid_metadata_schema"
    return "metadata_too_large" if len(json.dumps(metadata)) > METADATA_BYTES else None


def total_text(blocks: list[Json]) -> int:
    """Characters of text in all blocks together, the figure ALL_BLOCK_TEXT bounds."""
    return len(kit.plain(blocks).replace("\n", ""))


def _misplaced(blocks: list[Json], surface: str, root: str) -> Iterator[str]:
    for place, block in enumerate(blocks):
        if surface not in ONLY_ON.get(str(block.get("type")), SURFACES):
            yield f"unsupported type: {block['type']} [json-pointer:{root}/{place}/type]"


def _twice(blocks: list[Json], root: str) -> Iterator[str]:
    seen: set[object] = set()
    for place, block in enumerate(blocks):
        block_id = block.get("block_id")
        if block_id is not None and str(block_id) in seen:
            yield f"`block_id` {block_id} is used twice [json-pointer:{root}/{place}/block_id]"
        seen.add(str(block_id))
        yield from _twice_inside(block, f"{root}/{place}")


def _twice_inside(block: Json, pointer: str) -> Iterator[str]:
    seen: set[object] = set()
    parts = block.get("elements") if block.get("type") == "actions" else None
    for place, element in enumerate(parts if isinstance(parts, list) else []):
        action_id = element.get("action_id") if isinstance(element, dict) else None
        if action_id is not None and str(action_id) in seen:
            yield f"`action_id` {action_id} is used twice [json-pointer:{pointer}/elements/{place}]"
        seen.add(str(action_id))


def _too_much(blocks: list[Json], root: str) -> Iterator[str]:
    markdown = sum(len(str(b.get("text", ""))) for b in blocks if b.get("type") == "markdown")
    if markdown > MARKDOWN_TOTAL:
        yield f"markdown must be less than {MARKDOWN_TOTAL + 1} characters together [json-pointer:{root}]"
    tables = sum(1 for b in blocks if b.get("type") == "table")
    if tables > TABLES_PER_MESSAGE:
        yield f"only one table is allowed [json-pointer:{root}]"
    if sum(1 for _, element in kit.elements(blocks) if element.get("focus_on_load")) > 1:
        yield f"only one element may have focus_on_load [json-pointer:{root}]"
