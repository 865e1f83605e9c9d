"""Rich text and table cells as data."""

from __future__ import annotations

from bot.workspace.elements import BLOCK_ID, URL
from bot.workspace.rules import Flag, Free, Int, Items, Kinds, Shape, Str

MARKS = Shape({"bold": Flag(), "italic": Flag(), "strike": Flag(), "code": Flag(), "underline": Flag()})
INLINE = Kinds(
    {
        "text": Shape({"!text": Str(0, 1), "style": MARKS}),
        "link": Shape({"!url": URL, "text": Str(), "unsafe": Flag(), "style": MARKS}),
        "emoji": Shape({"!name": Str(100, 1), "unicode": Str(100), "skin_tone": Int(1, 6)}),
        "user": Shape({"!user_id": Str(20, 1), "style": MARKS}),
        "usergroup": Shape({"!usergroup_id": Str(20, 1), "style": MARKS}),
        "channel": Shape({"!channel_id": Str(20, 1), "style": MARKS}),
        "broadcast": Shape({"!range": Str(choices=("here", "channel", "everyone"))}),
        "color": Shape({"!value": Str(10, 1)}),
        "date": Shape({"!timestamp": Int(0, 9_999_999_999), "!format": Str(200, 1), "url": URL, "fallback": Str(200)}),
    }
)
RICH_SECTION = Shape({"!elements": Items(INLINE, 1000, least=0)})
RICH_BOXED = Shape({"!elements": Items(INLINE, 1000, least=0), "border": Int(0, 1), "language": Str(50)})
RICH_LIST = Shape(
    {
        "!style": Str(choices=("bullet", "ordered")),
        "!elements": Items(Kinds({"rich_text_section": RICH_SECTION}), 1000),
        "indent": Int(0, 8),
        "offset": Int(0, 10_000),
        "border": Int(0, 1),
    }
)
RICH = Kinds(
    {
        "rich_text_section": RICH_SECTION,
        "rich_text_list": RICH_LIST,
        "rich_text_preformatted": RICH_BOXED,
        "rich_text_quote": RICH_BOXED,
    }
)
RICH_TEXT = Shape({"!elements": Items(RICH, 1000), "block_id": BLOCK_ID})
CELL = Kinds(
    {
        "raw_text": Shape({"!text": Str(0, 1)}),
        "raw_number": Shape({"!value": Free(), "!text": Str(0, 1)}),
        "rich_text": RICH_TEXT,
    }
)
