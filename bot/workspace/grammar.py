"""Blocks and views as data: their fields, how many parts they take, how long texts may be."""

from __future__ import annotations

from bot.workspace.elements import (
    ACCESSORY,
    BLOCK_ID,
    CHOOSERS,
    IMAGE_ELEMENT,
    IMAGE_FIELDS,
    IN_ACTIONS,
    TYPERS,
    plain,
    some,
    words,
)
from bot.workspace.newer import NEWER, container
from bot.workspace.rich import CELL, RICH_TEXT
from bot.workspace.rules import Flag, Free, Items, Kinds, Rule, Shape, Str

COLUMN = Shape({"align": Str(choices=("left", "center", "right")), "is_wrapped": Flag()})
CARD = Shape(
    {
        "block_id": BLOCK_ID,
        "hero_image": IMAGE_ELEMENT,
        "icon": IMAGE_ELEMENT,
        "slack_icon": Free(),
        "title": words(150),
        "subtitle": words(150),
        "body": words(200),
        "actions": Items(some("button"), 3),
    },
    ("hero_image", "title", "actions", "body"),
)


def block(one_of: tuple[str, ...] = (), **fields: Rule) -> Shape:
    """A block's shape: its fields and a block_id. `r_name` stands for the required field `name`."""
    named = {("!" + k[2:] if k.startswith("r_") else k): rule for k, rule in fields.items()}
    return Shape({"block_id": BLOCK_ID, **named}, one_of)


PLAIN_BLOCKS = {
    "section": block(
        ("text", "fields"),
        text=words(3000),
        fields=Items(words(2000), 10),
        accessory=ACCESSORY,
        expand=Flag(),
    ),
    "header": block(r_text=plain(150)),
    "context": block(r_elements=Items(Kinds({**words(3000).shapes, **IMAGE_ELEMENT.shapes}), 10)),
    "actions": block(r_elements=Items(some(*IN_ACTIONS), 25)),
    "divider": block(),
    "image": Shape({**IMAGE_FIELDS, "title": plain(2000), "block_id": BLOCK_ID}, ("image_url", "slack_file")),
    "input": block(
        r_label=plain(2000),
        r_element=some(*CHOOSERS, *TYPERS),
        hint=plain(2000),
        optional=Flag(),
        dispatch_action=Flag(),
    ),
    "rich_text": RICH_TEXT,
    "markdown": block(r_text=Str(12_000, 1)),
    "table": block(r_rows=Items(Items(CELL, 20), 100), column_settings=Items(COLUMN, 20)),
    "card": CARD,
    "carousel": block(r_elements=Items(Kinds({"card": CARD}), 10)),
    "alert": block(r_text=words(200), level=Str(choices=("default", "info", "warning", "error", "success"))),
    **NEWER,
}
BLOCKS = Kinds({**PLAIN_BLOCKS, "container": container(PLAIN_BLOCKS, IMAGE_ELEMENT)})
"""Exactly the block types that Slack's own SDK knows."""
VIEW_FIELDS: dict[str, Rule] = {
    "!blocks": Free(),
    "private_metadata": Str(3000),
    "callback_id": Str(255),
    "external_id": Str(255),
}
VIEWS = {
    "modal": Shape(
        {
            **VIEW_FIELDS,
            "!title": plain(24),
            "submit": plain(24),
            "close": plain(24),
            "clear_on_close": Flag(),
            "notify_on_close": Flag(),
            "submit_disabled": Flag(),
        }
    ),
    "home": Shape(VIEW_FIELDS),
}
