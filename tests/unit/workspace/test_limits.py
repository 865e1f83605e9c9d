"""Every size limit and shape rule the workspace enforces, each just inside and just outside."""

import pytest
import slack_sdk.models.blocks.blocks as sdk

from bot.workspace.grammar import BLOCKS
from bot.workspace.limits import (
    ALL_BLOCK_TEXT,
    metadata_problem,
    total_text,
    view_violations,
    violations,
)


def plain(text):
    return {"type": "plain_text", "text": text}


def mrkdwn(text):
    return {"type": "mrkdwn", "text": text}


def section(text="x", **more):
    return {"type": "section", "text": mrkdwn(text), **more}


def button(text="Go", action_id="go", **more):
    return {"type": "button", "text": plain(text), "action_id": action_id, **more}


def actions(*elements, **more):
    return {"type": "actions", "elements": list(elements), **more}


def field(element, label="Why?", **more):
    return {"type": "input", "label": plain(label), "element": element, **more}


def choice(number=0, text="A", **more):
    return {"text": plain(text), "value": f"v{number}", **more}


def select(count=1, **more):
    return {
        "type": "static_select",
        "action_id": "s",
        "options": [choice(i) for i in range(count)],
        **more,
    }


def rich(*elements):
    return {"type": "rich_text", "elements": list(elements)}


CONFIRM = {"title": plain("Sure?"), "text": mrkdwn("Really"), "confirm": plain("Yes"), "deny": plain("No")}
RICH_SECTION = {"type": "rich_text_section", "elements": [{"type": "text", "text": "hi"}]}

FITS = {
    "section of 3000": section("x" * 3000),
    "ten fields": {"type": "section", "fields": [mrkdwn("x" * 2000)] * 10},
    "section with accessory": section(accessory=button()),
    "header of 150": {"type": "header", "text": plain("x" * 150)},
    "context": {"type": "context", "elements": [mrkdwn("x")] * 10},
    "25 actions": actions(*(button(action_id=f"a{i}") for i in range(25))),
    "divider": {"type": "divider"},
    "image": {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"},
    "button at its limits": actions(button("x" * 75, "a" * 255, value="v" * 2000, style="danger")),
    "confirm": actions(button(confirm=CONFIRM)),
    "select of 100": actions(select(100)),
    "option groups": actions(
        {
            "type": "static_select",
            "action_id": "s",
            "option_groups": [{"label": plain("G"), "options": [choice()]}],
        }
    ),
    "overflow of 5": actions({"type": "overflow", "action_id": "o", "options": [choice(i) for i in range(5)]}),
    "input": field({"type": "plain_text_input", "action_id": "t", "max_length": 3000, "min_length": 1}),
    "pickers": actions(
        {"type": "datepicker", "action_id": "d", "initial_date": "2026-11-23"},
        {"type": "timepicker", "action_id": "t", "initial_time": "09:30"},
        {"type": "datetimepicker", "action_id": "dt", "initial_date_time": 1_800_000_000},
        {"type": "users_select", "action_id": "u", "initial_user": "U0BOB"},
    ),
    "choices": actions(
        {"type": "radio_buttons", "action_id": "r", "options": [choice()], "initial_option": choice()},
        {"type": "checkboxes", "action_id": "c", "options": [choice()], "initial_options": [choice()]},
    ),
    "number input": field({"type": "number_input", "action_id": "n", "is_decimal_allowed": False}),
    "rich text": rich(
        RICH_SECTION,
        {"type": "rich_text_list", "style": "bullet", "elements": [RICH_SECTION]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "{}"}]},
        {
            "type": "rich_text_quote",
            "elements": [
                {"type": "link", "url": "https://example.com"},
                {"type": "user", "user_id": "U0BOB"},
                {"type": "usergroup", "usergroup_id": "S0ONCALL"},
                {"type": "emoji", "name": "tada"},
                {"type": "date", "timestamp": 1_800_000_000, "format": "{date}", "fallback": "then"},
            ],
        },
    ),
    "markdown": {"type": "markdown", "text": "**x**" * 2400},
    "table": {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 20] * 100},
    "context actions": {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "f",
                "positive_button": {"text": plain("Good"), "value": "yes"},
                "negative_button": {"text": plain("Bad"), "value": "no"},
            },
            {"type": "icon_button", "icon": "trash", "text": plain("Remove"), "action_id": "r"},
        ],
    },
    "task": {"type": "task_card", "task_id": "t", "title": "Deploy", "status": "pending"},
    "plan": {
        "type": "plan",
        "title": "P",
        "tasks": [{"type": "task_card", "task_id": "t", "title": "D", "status": "error"}],
    },
    "carousel of 10": {"type": "carousel", "elements": [{"type": "card", "title": mrkdwn("x")}] * 10},
    "container of 10": {"type": "container", "title": plain("x" * 150), "child_blocks": [section()] * 10},
    "raw number": {"type": "table", "rows": [[{"type": "raw_number", "value": 3, "text": "3"}]]},
    "card": {"type": "card", "title": mrkdwn("x" * 150), "body": mrkdwn("x" * 200), "actions": [button()]},
}

BREAKS = {
    "section too long": (section("x" * 3001), "must be less than 3001 characters", "/blocks/0/text/text"),
    "empty section": ({"type": "section"}, "must define either `text` or `fields`", "/blocks/0"),
    "empty text": (section(""), "must be more than 0 characters", "/blocks/0/text/text"),
    "eleven fields": ({"type": "section", "fields": [mrkdwn("x")] * 11}, "no more than 10 items", "/fields"),
    "long field": ({"type": "section", "fields": [mrkdwn("x" * 2001)]}, "less than 2001", "/fields/0/text"),
    "header too long": ({"type": "header", "text": plain("x" * 151)}, "less than 151", "/text"),
    "mrkdwn header": ({"type": "header", "text": mrkdwn("x")}, "unsupported type: mrkdwn", "/text/type"),
    "context of eleven": (
        {"type": "context", "elements": [mrkdwn("x")] * 11},
        "no more than 10",
        "/elements",
    ),
    "26 actions": (actions(*(button(action_id=str(i)) for i in range(26))), "no more than 25", "/elements"),
    "no actions": (actions(), "no fewer than 1", "/elements"),
    "button text": (actions(button("x" * 76)), "less than 76", "/elements/0/text/text"),
    "button value": (actions(button(value="v" * 2001)), "less than 2001", "/elements/0/value"),
    "button style": (actions(button(style="green")), "valid enum value", "/elements/0/style"),
    "action_id": (actions(button(action_id="a" * 256)), "less than 256", "/elements/0/action_id"),
    "url": (actions(button(url="javascript:alert(1)")), "expected format", "/elements/0/url"),
    "same action_id": (actions(button(), button()), "`action_id` go is used twice", "/elements/1"),
    "confirm title": (
        actions(button(confirm={**CONFIRM, "title": plain("x" * 101)})),
        "less than 101",
        "/confirm/title/text",
    ),
    "confirm button": (
        actions(button(confirm={**CONFIRM, "deny": plain("x" * 31)})),
        "less than 31",
        "/confirm/deny/text",
    ),
    "101 options": (actions(select(101)), "no more than 100", "/options"),
    "option text": (actions(select(0, options=[choice(text="x" * 76)])), "less than 76", "/options/0/text"),
    "option value": (
        actions(select(0, options=[{"text": plain("A"), "value": "v" * 151}])),
        "less than 151",
        "/options/0/value",
    ),
    "stray initial": (
        actions(select(2, initial_option=choice(7))),
        "initial option must be one of",
        "/elements/0",
    ),
    "one-option overflow": (
        actions({"type": "overflow", "action_id": "o", "options": [choice()]}),
        "no fewer than 2",
        "/options",
    ),
    "eleven boxes": (
        actions({"type": "checkboxes", "action_id": "c", "options": [choice(i) for i in range(11)]}),
        "no more than 10",
        "/options",
    ),
    "max_length": (
        field({"type": "plain_text_input", "action_id": "t", "max_length": 3001}),
        "must be from 1 to 3000",
        "/element/max_length",
    ),
    "number without decimal flag": (
        field({"type": "number_input", "action_id": "n"}),
        "missing required field: is_decimal_allowed",
        "/element",
    ),
    "button in input": (field(button()), "unsupported type: button", "/element/type"),
    "text input in actions": (
        actions({"type": "plain_text_input", "action_id": "t"}),
        "unsupported type: plain_text_input",
        "/elements/0/type",
    ),
    "bad date": (
        actions({"type": "datepicker", "initial_date": "23.11."}),
        "expected format",
        "/initial_date",
    ),
    "unknown block": ({"type": "banner"}, "unsupported type: banner", "/blocks/0/type"),
    "unknown field": (section(colour="red"), "invalid additional property: colour", "/blocks/0"),
    "no type": ({"text": mrkdwn("x")}, "missing required field: type", "/blocks/0"),
    "block_id": (section(block_id="b" * 256), "less than 256", "/block_id"),
    "image without alt": (
        {"type": "image", "image_url": "https://example.com/a.png"},
        "missing required field: alt_text",
        "/blocks/0",
    ),
    "rich text element": (
        rich({"type": "rich_text_table", "elements": []}),
        "unsupported type",
        "/elements/0",
    ),
    "21 columns": (
        {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 21]},
        "20 items",
        "/rows/0",
    ),
    "101 rows": (
        {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]] * 101},
        "100 items",
        "/rows",
    ),
    "carousel of 11": (
        {"type": "carousel", "elements": [{"type": "card", "title": mrkdwn("x")}] * 11},
        "no more than 10",
        "/elements",
    ),
    "empty carousel": ({"type": "carousel", "elements": []}, "no fewer than 1", "/elements"),
    "long subtitle": (
        {"type": "card", "title": mrkdwn("x"), "subtitle": mrkdwn("x" * 151)},
        "less than 151",
        "/subtitle/text",
    ),
    "container in a container": (
        {"type": "container", "title": plain("x"), "child_blocks": [{"type": "container"}]},
        "unsupported type: container",
        "/child_blocks/0/type",
    ),
    "six context actions": (
        {"type": "context_actions", "elements": [{"type": "icon_button", "icon": "x", "text": plain("x")}] * 6},
        "no more than 5",
        "/elements",
    ),
    "task status": (
        {"type": "task_card", "task_id": "t", "title": "D", "status": "done"},
        "valid enum value",
        "/status",
    ),
    "card body": ({"type": "card", "body": mrkdwn("x" * 201)}, "less than 201", "/body/text"),
    "empty card": ({"type": "card", "subtitle": mrkdwn("x")}, "must define either", "/blocks/0"),
    "alert in a message": ({"type": "alert", "text": mrkdwn("x")}, "unsupported type: alert", "/type"),
    "text as string": ({"type": "section", "text": "x"}, "must provide an object", "/text"),
}


@pytest.mark.parametrize("name", FITS)
def test_what_fits_is_let_through(name):
    assert violations([FITS[name]], "message") == []


@pytest.mark.parametrize("name", BREAKS)
def test_what_does_not_fit_is_named_precisely(name):
    block, problem, pointer = BREAKS[name]
    found = violations([block], "message")
    assert any(problem in one and pointer in one for one in found), found


def test_exactly_the_blocks_that_slacks_sdk_knows():
    classes = [one for one in vars(sdk).values() if isinstance(one, type) and issubclass(one, sdk.Block)]
    assert set(BLOCKS.shapes) == {one.type for one in classes if one is not sdk.Block}


@pytest.mark.parametrize("name", FITS)
def test_what_fits_is_sound_for_slacks_sdk_too(name):
    sdk.Block.parse(FITS[name]).validate_json()


def test_counts_of_blocks_differ_by_surface():
    assert violations([section()] * 50, "message") == []
    assert violations([section()] * 51, "message") == ["no more than 50 items allowed [json-pointer:/blocks]"]
    assert violations([section()] * 100, "home") == []
    assert violations([section()] * 101, "home") == ["no more than 100 items allowed [json-pointer:/view/blocks]"]


def test_block_ids_are_unique_in_a_message():
    twice = [section(block_id="a"), section(block_id="a")]
    assert violations(twice, "message") == ["`block_id` a is used twice [json-pointer:/blocks/1/block_id]"]


def test_markdown_is_limited_in_sum_and_tables_to_one():
    halves = [{"type": "markdown", "text": "x" * 6001}] * 2
    assert "markdown must be less than 12001 characters together" in violations(halves, "message")[0]
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}
    assert violations([table, table], "message") == ["only one table is allowed [json-pointer:/blocks]"]


def test_some_blocks_live_on_some_surfaces_only():
    alert = {"type": "alert", "text": mrkdwn("x"), "level": "warning"}
    assert violations([alert], "modal") == []
    assert violations([alert], "home") != []
    assert violations([{"type": "markdown", "text": "x"}], "modal") != []
    assert violations([FITS["card"]], "home") == []


def test_total_text_counts_every_text_once():
    blocks = [section("x" * 10), actions(button("y" * 5))]
    assert total_text(blocks) == 15
    assert ALL_BLOCK_TEXT == 13_200


@pytest.mark.parametrize("blocks", [None, "x", [None], [[]], [{"type": "actions", "elements": None}]])
def test_any_json_is_answered_with_problems_not_a_crash(blocks):
    assert violations(blocks, "message")


def modal(**more):
    return {"type": "modal", "title": plain("T"), "blocks": [section()], **more}


def test_views():
    assert view_violations(modal()) == []
    assert view_violations({"type": "home", "blocks": [section()]}) == []
    for name in ("title", "submit", "close"):
        assert f"/view/{name}/text" in view_violations(modal(**{name: plain("x" * 25)}))[0]
    assert "less than 3001" in view_violations(modal(private_metadata="x" * 3001))[0]
    assert "less than 256" in view_violations(modal(callback_id="x" * 256))[0]
    assert (
        "invalid additional property: title" in view_violations({"type": "home", "title": plain("T"), "blocks": []})[0]
    )
    asking = modal(blocks=[field({"type": "plain_text_input", "action_id": "t"})])
    assert view_violations(asking) == ["missing required field: submit [json-pointer:/view]"]
    assert view_violations({"type": "message", "blocks": []}) == ["unsupported type [json-pointer:/view/type]"]


def test_metadata():
    assert metadata_problem({"event_type": "card", "event_payload": {"id": "x"}}) is None
    assert metadata_problem({}) is None
    assert metadata_problem("x") == "invalid_metadata_format"
    assert metadata_problem({"event_type": "card"}) == "invalid_metadata_schema"
    assert metadata_problem({"event_type": "c", "event_payload": {"x": "y" * 20_000}}) == "metadata_too_large"
