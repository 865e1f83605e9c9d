"""Reading blocks: their interactive elements, their text, and the ids Slack fills in."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterable, Iterator

from bot.workspace.model import Json

_HOLDS = {"actions": "elements", "context_actions": "elements", "input": "element", "card": "actions"}
"""Where a block keeps its elements, if not as its accessory."""
TEXT_TYPES = ("plain_text", "mrkdwn", "markdown", "text", "raw_text")


def elements(blocks: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    """Every interactive element with the block it lives in, top to bottom."""
    for block in blocks:
        for element in _own_elements(block):
            if isinstance(element, dict) and element.get("type") != "image":
                yield block, element
        yield from elements(_inside(block))


def _inside(block: Json) -> list[Json]:
    """The blocks a block is made of: the cards of a carousel, what a container holds."""
    name = {"carousel": "elements", "container": "child_blocks"}.get(str(block.get("type")))
    found = block.get(name) if name else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _own_elements(block: Json) -> list[Json]:
    found = block.get(_HOLDS.get(str(block.get("type")), "accessory"))
    return found if isinstance(found, list) else [found] if isinstance(found, dict) else []


def label(element: Json) -> str:
    """The words on an element: a button's text, else the placeholder, else the action_id."""
    text = element.get("text") or element.get("placeholder") or {}
    if element.get("type") == "feedback_buttons":
        text = element["positive_button"]["text"]
    return str(text.get("text") or element.get("action_id", ""))


def pressed(element: Json, value: object) -> Json:
    """A feedback element as the button that `value` names (its value or words; the positive one otherwise)."""
    if element.get("type") != "feedback_buttons":
        return element
    yes, no = element["positive_button"], element["negative_button"]
    return {**element, **(no if value in (no["value"], no["text"]["text"]) else yes)}


def plain(node: object) -> str:
    """All text inside blocks (or any part of them), one line per text, as a person would read it."""
    return "\n".join(_texts(node))


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("type") in TEXT_TYPES and isinstance(node.get("text"), str):
            yield node["text"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _texts(child)


def with_ids(blocks: Iterable[Json]) -> list[Json]:
    """A deep copy in which every block has a block_id and every element an action_id, as Slack fills them."""
    filled = copy.deepcopy(list(blocks))
    for block in _all(filled):
        block.setdefault("block_id", secrets.token_urlsafe(4))
    for _, element in elements(filled):
        element.setdefault("action_id", secrets.token_urlsafe(4))
    return filled


def _all(blocks: Iterable[Json]) -> Iterator[Json]:
    for block in blocks:
        yield block
        yield from _all(_inside(block))


def with_attachment_ids(attachments: Iterable[Json]) -> list[Json]:
    """Copies of attachments whose blocks have ids as well."""
    return [{**one, "blocks": with_ids(one["blocks"])} if one.get("blocks") else one for one in attachments]


def find(blocks: Iterable[Json], what: str, block_id: str | None = None) -> tuple[Json, Json]:
    """The block and element that `what` names: an action_id, else a label, else a part of either.

    Raises LookupError, listing what there is, when nothing fits; the first fit wins.
    """
    there = [(b, e) for b, e in elements(blocks) if block_id is None or b.get("block_id") == block_id]
    for fits in (_same_id, _same_label, _contains):
        hits = [pair for pair in there if fits(pair[1], what)]
        if hits:
            return hits[0]
    names = [f"{label(e)!r} ({e.get('action_id')})" for _, e in there]
    raise LookupError(f"nothing called {what!r} to press here; there is {', '.join(names) or 'nothing'}")


def _same_id(element: Json, what: str) -> bool:
    return element.get("action_id") == what


def _same_label(element: Json, what: str) -> bool:
    return label(element).casefold() == what.casefold()


def _contains(element: Json, what: str) -> bool:
    return what.casefold() in f"{label(element)} {element.get('action_id', '')}".casefold()
