"""Interactive elements and composition objects as data: their fields and how long they may be."""

from __future__ import annotations

from bot.workspace.rules import Flag, Free, Int, Items, Kinds, Rule, Shape, Str

URL = Str(3000, 1, pattern=r"https?://.+|mailto:.+|slack://.+")
ACTION_ID = Str(255, 1)
BLOCK_ID = Str(255)
STYLE = Str(choices=("primary", "danger"))
DATE = Str(10, pattern=r"\d{4}-\d{2}-\d{2}")
CLOCK = Str(5, pattern=r"\d{2}:\d{2}")


def plain(most: int) -> Kinds:
    """A text object that must be plain_text."""
    return Kinds({"plain_text": Shape({"!text": Str(most, 1), "emoji": Flag()})})


def words(most: int) -> Kinds:
    """A text object, plain_text or mrkdwn."""
    return Kinds({**plain(most).shapes, "mrkdwn": Shape({"!text": Str(most, 1), "verbatim": Flag()})})


CONFIRM = Shape({"!title": plain(100), "!text": words(300), "!confirm": plain(30), "!deny": plain(30), "style": STYLE})
OPTION = Shape({"!text": words(75), "!value": Str(150, 1), "description": words(75), "url": URL})
OPTIONS = Items(OPTION, 100)
SHORT_OPTIONS = Items(OPTION, 10)
OPTION_GROUP = Shape({"!label": plain(75), "!options": OPTIONS})
DISPATCH = Shape({"trigger_actions_on": Items(Str(choices=("on_enter_pressed", "on_character_entered")), 2)})
IMAGE_FIELDS: dict[str, Rule] = {"image_url": URL, "slack_file": Free(), "!alt_text": Str(2000)}
IMAGE_ELEMENT = Kinds({"image": Shape(IMAGE_FIELDS, ("image_url", "slack_file"))})

BASE: dict[str, Rule] = {"action_id": ACTION_ID, "confirm": CONFIRM, "focus_on_load": Flag()}
PROMPT: dict[str, Rule] = {**BASE, "placeholder": plain(150)}
NO_FOCUS: dict[str, Rule] = {"action_id": ACTION_ID, "confirm": CONFIRM}
SELECT: dict[str, Rule] = {
    **PROMPT,
    "options": OPTIONS,
    "option_groups": Items(OPTION_GROUP, 100),
}
BUTTON = Shape(
    {
        **NO_FOCUS,
        "!text": plain(75),
        "value": Str(2000),
        "url": URL,
        "style": STYLE,
        "accessibility_label": Str(75),
    }
)
TYPED: dict[str, Rule] = {
    "action_id": ACTION_ID,
    "placeholder": plain(150),
    "focus_on_load": Flag(),
    "dispatch_action_config": DISPATCH,
}

ELEMENTS: dict[str, Shape] = {
    "button": BUTTON,
    "static_select": Shape({**SELECT, "initial_option": OPTION}, ("options", "option_groups")),
    "multi_static_select": Shape(
        {**SELECT, "initial_options": OPTIONS, "max_selected_items": Int(1, 100)},
        ("options", "option_groups"),
    ),
    "users_select": Shape({**PROMPT, "initial_user": Str(20, 1)}),
    "multi_users_select": Shape({**PROMPT, "initial_users": Items(Str(20, 1), 100), "max_selected_items": Int(1, 100)}),
    "overflow": Shape({**NO_FOCUS, "!options": Items(OPTION, 5, 2)}),
    "radio_buttons": Shape({**BASE, "!options": SHORT_OPTIONS, "initial_option": OPTION}),
    "checkboxes": Shape({**BASE, "!options": SHORT_OPTIONS, "initial_options": SHORT_OPTIONS}),
    "datepicker": Shape({**PROMPT, "initial_date": DATE}),
    "timepicker": Shape({**PROMPT, "initial_time": CLOCK, "timezone": Str(100, 1)}),
    "datetimepicker": Shape({**BASE, "initial_date_time": Int(1_000_000_000, 9_999_999_999)}),
    "plain_text_input": Shape(
        {
            **TYPED,
            "initial_value": Str(3000),
            "multiline": Flag(),
            "min_length": Int(0, 3000),
            "max_length": Int(1, 3000),
        }
    ),
    "number_input": Shape(
        {
            **TYPED,
            "!is_decimal_allowed": Flag(),
            "initial_value": Str(50, 1),
            "min_value": Str(50, 1),
            "max_value": Str(50, 1),
        }
    ),
    "url_text_input": Shape({**TYPED, "initial_value": Str(3000)}),
    "email_text_input": Shape({**TYPED, "initial_value": Str(3000)}),
}


def some(*names: str) -> Kinds:
    """Any of the named elements."""
    return Kinds({name: ELEMENTS[name] for name in names})


CHOOSERS = (
    *("static_select", "multi_static_select", "users_select", "multi_users_select", "radio_buttons"),
    *("checkboxes", "datepicker", "timepicker"),
)
TYPERS = ("plain_text_input", "number_input", "url_text_input", "email_text_input", "datetimepicker")
IN_ACTIONS = (
    *("button", "static_select", "users_select", "overflow", "radio_buttons", "checkboxes"),
    *("multi_static_select", "multi_users_select", "datepicker", "timepicker", "datetimepicker"),
)
ACCESSORY = Kinds({**some("button", "overflow", *CHOOSERS).shapes, **IMAGE_ELEMENT.shapes})
