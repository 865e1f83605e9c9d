"""The younger blocks as data: feedback under answers, tasks and plans, remote files, calls, videos, connections."""

from __future__ import annotations

from bot.workspace.elements import BLOCK_ID, CONFIRM, ELEMENTS, URL, plain, words
from bot.workspace.rich import RICH_TEXT
from bot.workspace.rules import Flag, Free, Items, Kinds, Rule, Shape, Str

_ID: dict[str, Rule] = {"block_id": BLOCK_ID}
_FEEDBACK = Shape({"!text": plain(75), "!value": Str(2000, 1), "accessibility_label": Str(75)})
_ICON_BUTTON = Shape(
    {
        "action_id": Str(255, 1),
        "!icon": Str(100, 1),
        "!text": plain(75),
        "accessibility_label": Str(75),
        "value": Str(2000),
        "visible_to_user_ids": Items(Str(20, 1), 10),
        "confirm": CONFIRM,
    }
)
_ASIDE = Kinds(
    {
        "feedback_buttons": Shape(
            {"action_id": Str(255, 1), "!positive_button": _FEEDBACK, "!negative_button": _FEEDBACK}
        ),
        "icon_button": _ICON_BUTTON,
    }
)
_SOURCE = Kinds({"url": Shape({"!url": URL, "!text": Str(0, 1)})})
_RICH = Kinds({"rich_text": RICH_TEXT})
_TASK = Shape(
    {
        **_ID,
        "!task_id": Str(255, 1),
        "!title": Str(0, 1),
        "!status": Str(choices=("pending", "in_progress", "complete", "error")),
        "details": _RICH,
        "output": _RICH,
        "sources": Items(_SOURCE, 100, least=0),
    }
)
NEWER: dict[str, Shape] = {
    "context_actions": Shape({**_ID, "!elements": Items(_ASIDE, 5)}),
    "task_card": _TASK,
    "plan": Shape({**_ID, "!title": Str(0, 1), "tasks": Items(Kinds({"task_card": _TASK}), 100, least=0)}),
    "file": Shape({**_ID, "!external_id": Str(255, 1), "!source": Str(choices=("remote",))}),
    "call": Shape({**_ID, "!call_id": Str(255, 1), "api_decoration_available": Flag(), "call": Free()}),
    "video": Shape(
        {
            **_ID,
            "!alt_text": Str(2000),
            "!video_url": URL,
            "!thumbnail_url": URL,
            "!title": plain(199),
            "title_url": URL,
            "description": plain(3000),
            "provider_icon_url": URL,
            "provider_name": Str(100),
            "author_name": Str(49),
        }
    ),
    "auth_provider": Shape(
        {
            **_ID,
            "!value": Str(150, 1),
            "!name": plain(75),
            "!is_connected": Flag(),
            "description": plain(150),
            "icon_url": URL,
            "auth_url": URL,
            "disconnect_url": URL,
            "connected_identity": plain(75),
            "connected_context": plain(75),
            "accessory": Kinds({"overflow": ELEMENTS["overflow"]}),
            "fallback": Free(),
        }
    ),
}


def container(children: dict[str, Shape], image: Rule) -> Shape:
    """The container block over these children; containers do not nest."""
    return Shape(
        {
            **_ID,
            "!child_blocks": Items(Kinds(children), 10),
            "title": plain(150),
            "rich_text_title": _RICH,
            "subtitle": words(150),
            "width": Str(choices=("narrow", "standard", "wide", "full")),
            "icon": image,
            "is_collapsible": Flag(),
            "default_collapsed": Flag(),
            "has_header_divider": Flag(),
        },
        ("title", "rich_text_title"),
    )
