"""What every message and view must satisfy, asked of our own workspace's limits and of slack_sdk's models."""

import json

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.workspace.limits import ALL_BLOCK_TEXT, VIEW_BYTES, view_violations, violations

MOST_TEXT = 4000


def walk(node):
    """Every object inside blocks."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from walk(child)


def strings(node):
    """Every piece of text that people read, wherever it stands."""
    return [one["text"] for one in walk(node) if isinstance(one.get("text"), str)]


def whole_text(node):
    return "\n".join(strings(node))


def buttons(node):
    return [one for one in walk(node) if one.get("type") == "button"]


def mrkdwn_texts(node):
    return [one["text"] for one in walk(node) if one.get("type") == "mrkdwn"]


def parse(blocks):
    """Parse and validate with slack_sdk; raises where its models object."""
    parsed = Block.parse_all(blocks)
    assert len(parsed) == len(blocks)
    for block in parsed:
        block.validate_json()


def check_message(message):
    """Fail unless Slack would take a message whole."""
    assert violations(message.blocks, "message") == []
    assert sum(map(len, strings(message.blocks))) <= ALL_BLOCK_TEXT
    assert 0 < len(message.text) <= MOST_TEXT
    parse(message.blocks)


def check_view(view):
    """Fail unless Slack would take a view whole."""
    assert view_violations(view) == []
    assert len(json.dumps(view)) <= VIEW_BYTES
    parse(view["blocks"])
    View(**view).validate_json()
