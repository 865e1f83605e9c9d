"""What mrkdwn text sets off: pings, mentions, link previews."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bot.workspace.model import Json

AUDIENCES = ("channel", "here", "everyone")
BROADCAST = re.compile(r"<!(channel|here|everyone)(?:\|[^>]*)?>")
GROUP = re.compile(r"<!subteam\^([A-Z0-9]+)(?:\|[^>]*)?>")
PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
LINK = re.compile(r"<(https?://[^|>\s]+)(?:\|[^>]*)?>|(https?://[^\s<>|]+)")
AT_NAME = re.compile(r"(?<![\w&])@(channel|here|everyone)\b")


@dataclass
class Reach:
    """Whom a message reaches beyond the people reading along, and which links it would preview."""

    pings: list[str] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


def reach(text: str, blocks: Iterable[Json], link_names: bool = False) -> Reach:
    """Everything `text` and the mrkdwn, markdown and rich text inside `blocks` set off, in reading order.

    `link_names` is chat.postMessage's flag of that name, which makes a plain `@here` ping as well.
    """
    found = Reach()
    for piece in (text, *_marked_texts(list(blocks))):
        found.pings += BROADCAST.findall(piece) + GROUP.findall(piece)
        found.mentions += PERSON.findall(piece)
        found.links += [a or b for a, b in LINK.findall(piece)]
        if link_names:
            found.pings += AT_NAME.findall(piece)
    for part in _rich_parts(list(blocks)):
        _add_rich(found, part)
    return found


def _walk(node: object) -> Iterator[Json]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _walk(child)


def _marked_texts(blocks: list[Json]) -> Iterator[str]:
    for node in _walk(blocks):
        if node.get("type") in ("mrkdwn", "markdown") and isinstance(node.get("text"), str):
            yield node["text"]


def _rich_parts(blocks: list[Json]) -> Iterator[Json]:
    for node in _walk(blocks):
        if node.get("type") in ("broadcast", "usergroup", "user", "link"):
            yield node


def _add_rich(found: Reach, part: Json) -> None:
    if part["type"] == "broadcast":
        found.pings.append(str(part.get("range")))
    elif part["type"] == "usergroup":
        found.pings.append(str(part.get("usergroup_id")))
    elif part["type"] == "user":
        found.mentions.append(str(part.get("user_id")))
    else:
        found.links.append(str(part.get("url")))
