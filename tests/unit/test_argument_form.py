"""The edit form made from a schema: Slack takes it, untouched it changes nothing, and each field says what is wrong."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.cards.argument_form import argument_form, arguments_from, block_of
from bot.cards.forms import edit_modal
from bot.workspace.blocks import with_ids
from bot.workspace.interactions import fill
from bot.workspace.model import View
from bot.workspace.values import initial_values, missing
from governance.canonical import canonical
from governance.schemas import compile_schema
from governance.secret_fields import MASK
from tests.unit.blockkit import check_view, whole_text
from tests.unit.dossiers import RENDERING, dossier, request, texts
from tests.unit.dossiers import values as any_values

thoroughly = settings(max_examples=100, suppress_health_check=list(HealthCheck))


def opened(form, arguments):
    """The form as Slack shows it, with what it holds before anybody touches it."""
    body = edit_modal(dossier(request(), arguments=arguments), RENDERING, form)
    check_view(body)
    view = View("V1", "U0BOB", {**body, "blocks": with_ids(body["blocks"])}, "hash", "V1")
    view.values = initial_values(view.blocks)
    return view


def sent(schema, arguments, typed=None):
    """What comes back from the form after typing into some fields."""
    form = argument_form(schema, arguments)
    assert form is not None
    view = opened(form, arguments)
    fill(view, typed or {})
    assert missing(view.blocks, view.values) == {}
    return arguments_from(form, view.values)


def element(schema, arguments, name):
    form = argument_form(schema, arguments)
    return next(one.widget.element for one in form.inputs if one.name == name)


def schema_of(given, *, required=(), **more):
    return {"type": "object", "properties": {"it": given}, "required": list(required), **more}


plain_words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs", "So", "Cc", "Cf")), max_size=40)
strings = texts | plain_words
TYPES = {
    "string": strings,
    "integer": st.integers(-(2**53) + 1, 2**53 - 1),
    "number": st.integers(-1000, 1000)
    | st.floats(-1e6, 1e6)
    | st.floats(-1e15, 1e15)
    | st.sampled_from([1e21, -1e300]),
    "boolean": st.booleans(),
}
FORMATS = {
    "date": st.dates().map(str) | strings,
    "date-time": st.datetimes().map(lambda one: one.isoformat() + "Z")
    | st.datetimes().map(lambda one: one.strftime("%Y-%m-%dT%H:%M:00Z")) | strings,
    "uri": st.sampled_from(["https://acme.example/a?b=c#d", "ftp://x", "HTTPS://x y"]) | strings,
    "email": st.sampled_from(["ops@acme.example", "a b@c", "@"]) | strings,
}  # fmt: skip


@st.composite
def properties(draw):
    """A schema of one property and a value for it that satisfies it."""
    kind = draw(st.sampled_from([*TYPES, "format", "enum", "list", "choices", "anything", "nested"]))
    if kind in TYPES:
        value = draw(TYPES[kind])
        made = {"type": draw(st.sampled_from([kind, [kind, "null"]]))}
        if kind == "string" and draw(st.booleans()):
            made |= {"minLength": min(len(value), draw(st.integers(0, 9))), "maxLength": len(value) + 1}
        if kind == "integer" and draw(st.booleans()):
            made |= {"minimum": value - 1, "maximum": value}
        return made, value
    if kind == "format":
        name = draw(st.sampled_from(sorted(FORMATS)))
        return {"type": "string", "format": name}, draw(FORMATS[name])
    if kind == "enum":
        offered = draw(st.lists(strings | TYPES["integer"] | st.booleans() | st.none(), min_size=1, max_size=120))
        return {"enum": offered}, draw(st.sampled_from(offered))
    if kind == "list":
        return {"type": "array", "items": {"type": "string"}}, draw(st.lists(strings, max_size=5))
    if kind == "choices":
        offered = draw(st.lists(strings, min_size=1, max_size=9))
        return {"type": "array", "items": {"enum": offered}}, draw(st.lists(st.sampled_from(offered), max_size=4))
    if kind == "anything":
        return draw(st.sampled_from([True, {}, {"description": "<!here> x"}])), draw(any_values)
    return {"anyOf": [{"type": "object"}, {"type": "string"}]}, draw(st.dictionaries(strings, any_values, max_size=2))


@st.composite
def calls(draw):
    """A schema, and arguments that satisfy it; some fields are absent, some null, some secret."""
    made = draw(st.dictionaries(st.sampled_from(["a", "b", "c c", "", "ü\n", "x" * 300]), properties(), max_size=5))
    schema = {"type": "object", "properties": {name: one for name, (one, _) in made.items()}}
    arguments = {name: value for name, (_, value) in made.items() if draw(st.integers(0, 4))}
    arguments = {name: draw(st.sampled_from([value, value, value, MASK])) for name, value in arguments.items()}
    schema["required"] = [name for name in arguments if draw(st.booleans())]
    if draw(st.booleans()):
        return {**schema, "additionalProperties": False}, arguments
    return schema, arguments | draw(st.dictionaries(strings, any_values, max_size=2))


@given(calls())
@thoroughly
def test_saving_an_untouched_form_changes_nothing(call):
    schema, arguments = call
    arguments = json.loads(canonical(arguments))
    form = argument_form(schema, arguments)
    if form is None:
        check_view(edit_modal(dossier(request(), arguments=arguments), RENDERING))
        return
    back, wrong = arguments_from(form, opened(form, copy.deepcopy(arguments)).values)
    assert wrong == {}
    assert canonical(back) == canonical(arguments)


@given(calls())
@thoroughly
def test_what_each_field_starts_with_is_read_as_the_value_it_has(call):
    """Round trip without the shortcut for untouched fields: reading the very text that is shown."""
    schema, arguments = call
    arguments = json.loads(canonical(arguments))
    form = argument_form(schema, arguments)
    if form is None:
        return
    states = opened(form, copy.deepcopy(arguments)).values
    for one in form.inputs:
        (state,) = states[one.block].values()
        if one.value not in (None, []):
            assert one.widget.read(state) == one.value


SIMPLE = {
    ("string", None): ("plain_text_input", "abc", "abc"),
    ("string", "date"): ("datepicker", "2026-11-23", "2026-11-23"),
    ("string", "date-time"): ("datetimepicker", 1795608000, "2026-11-25T12:00:00Z"),
    ("string", "uri"): ("url_text_input", "https://acme.example", "https://acme.example"),
    ("string", "email"): ("email_text_input", "a@acme.example", "a@acme.example"),
    ("integer", None): ("number_input", "9007199254740991", 2**53 - 1),
    ("number", None): ("number_input", "0.25", 0.25),
    ("boolean", None): ("static_select", "false", False),
}


@pytest.mark.parametrize("given", SIMPLE, ids=str)
def test_a_simple_field_has_the_input_made_for_it(given):
    kind, typed, value = SIMPLE[given]
    schema = schema_of({"type": given[0], **({"format": given[1]} if given[1] else {})})
    assert element(schema, {}, "it")["type"] == kind
    assert sent(schema, {}, {"it": typed}) == ({"it": value}, {})
    assert sent(schema, {"it": value}) == ({"it": value}, {})


@pytest.mark.parametrize(
    ("schema", "value", "typed", "after"),
    [
        ({"enum": ["a", "b", None, 1, True]}, None, "3", 1),
        ({"enum": ["a", "b", None, 1, True]}, True, "null", None),
        ({"type": "array", "items": {"enum": ["x", "y"]}}, ["x"], ["y", "x"], ["y", "x"]),
        ({"type": "array", "items": {"type": "string"}}, ["x"], "x\n\n y z ", ["x", "y z"]),
        ({"type": "object"}, {"a": 1.5}, '{"a": [1]}', {"a": [1]}),
        ({"type": "string"}, "😀", '"😀 x"', "😀 x"),
        ({"type": "string"}, "", '"now"', "now"),
        ({"type": ["string", "null"]}, None, "now", "now"),
    ],
)
def test_what_is_typed_is_the_new_value(schema, value, typed, after):
    assert sent(schema_of(schema), {"it": value}) == ({"it": value}, {})
    assert sent(schema_of(schema), {"it": value}, {"it": typed}) == ({"it": after}, {})


@pytest.mark.parametrize(
    ("schema", "required", "value", "empty", "after"),
    [
        ({"type": "string"}, (), "x", "", {}),
        ({"type": "boolean"}, (), True, "unset", {}),
        ({"type": "array", "items": {"type": "string"}}, (), ["x"], "", {}),
        ({"type": "array", "items": {"type": "string"}}, ("it",), ["x"], "", {"it": []}),
        ({"type": ["string", "null"]}, ("it",), "x", "", {"it": None}),
        ({"type": "object"}, (), {"a": 1}, "", {}),
    ],
)
def test_what_is_left_empty_is_absent_or_the_emptiest_value_it_may_have(schema, required, value, empty, after):
    assert sent(schema_of(schema, required=required), {"it": value}, {"it": empty}) == (after, {})


def test_a_required_field_cannot_be_emptied():
    form = argument_form(schema_of({"type": "string"}, required=["it"]), {"it": "x"})
    view = opened(form, {"it": "x"})
    fill(view, {"it": ""})
    assert set(missing(view.blocks, view.values)) == {"argument.it"}


@pytest.mark.parametrize(
    ("schema", "value", "typed", "sentence"),
    [
        ({"type": "object"}, {}, '{"a": 1', "This is not valid JSON"),
        ({"type": "object"}, {}, '{"a": 1, "a": 2}', "stands twice"),
        ({}, 1, "9007199254740993", "beyond"),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field(schema, value, typed, sentence):
    _, wrong = sent(schema_of(schema), {"it": value}, {"it": typed})
    assert list(wrong) == ["argument.it"]
    assert sentence in wrong["argument.it"]


def test_a_number_out_of_bounds_never_leaves_the_form_and_no_number_is_said_at_its_field():
    schema = schema_of({"type": "integer", "minimum": 1, "maximum": 9})
    shown = element(schema, {"it": 5}, "it")
    assert (shown["min_value"], shown["max_value"], shown["initial_value"]) == ("1", "9", "5")
    form = argument_form(schema, {"it": 5})
    _, wrong = arguments_from(form, {"argument.it": {"value": {"type": "number_input", "value": "five"}}})
    assert wrong == {"argument.it": "Write a number, such as 12 or 0.5."}


def test_arguments_without_a_field_share_an_input():
    schema = schema_of({"type": "string"})
    assert sent(schema, {"it": "x", "more": [1]}) == ({"it": "x", "more": [1]}, {})
    assert sent(schema, {"it": "x", "more": [1]}, {"Other arguments": '{"else": 2}'})[0] == {"it": "x", "else": 2}
    _, wrong = sent(schema, {"it": "x"}, {"Other arguments": '{"it": "y"}'})
    assert "it has an input of its own" in wrong["arguments.others"]
    _, wrong = sent(schema, {"it": "x"}, {"Other arguments": "[]"})
    assert "Write a JSON object" in wrong["arguments.others"]
    closed = argument_form({**schema, "additionalProperties": False}, {"it": "x"})
    assert [one.name for one in closed.inputs] == ["it"]


def test_a_secret_is_shown_masked_and_kept_when_left_alone():
    schema = schema_of({"type": "string", "minLength": 20, "format": "uri"})
    assert sent(schema, {"it": MASK}) == ({"it": MASK}, {})
    assert sent(schema, {"it": MASK}, {"it": "new secret"}) == ({"it": "new secret"}, {})
    view = opened(argument_form(schema, {"it": MASK}), {"it": MASK})
    assert f"{MASK} stands for a secret and keeps it." in whole_text(view.blocks)


def test_what_is_too_long_for_an_input_stays_as_it_is_and_says_so():
    schema = {"type": "object", "properties": {"it": {"type": "string"}, "note": {"type": "string"}}}
    arguments = {"it": "x", "note": "n" * 4000}
    assert sent(schema, arguments, {"it": "y"}) == ({"it": "y", "note": "n" * 4000}, {})
    shown = whole_text(opened(argument_form(schema, arguments), arguments).blocks)
    assert "they stay as they are: `note`" in shown
    assert "POST /api/v1/approvals/apr_0001/edit" in shown


@pytest.mark.parametrize(
    "schema",
    [
        {}, {"properties": {}}, {"$ref": "#/$defs/a"}, {"properties": {f"f{i}": {"type": "string"} for i in range(21)}},
    ],
)  # fmt: skip
def test_where_inputs_would_be_too_many_or_none_one_text_of_json_serves(schema):
    assert argument_form(schema, {"it": 1}) is None


def test_descriptions_stand_beside_their_fields_and_only_required_ones_are_marked():
    schema = {"type": "object", "required": ["a"], "properties": {
        "a": {"type": "string", "description": "Which service\u202e"}, "b": {"type": "integer"}}}  # fmt: skip
    blocks = {one["block_id"]: one for one in opened(argument_form(schema, {"a": "x"}), {"a": "x"}).blocks}
    assert blocks["argument.a"]["hint"]["text"] == "Which service⟨U+202E⟩"
    assert (blocks["argument.a"]["optional"], blocks["argument.b"]["optional"]) == (False, True)


def test_a_problem_is_said_at_the_input_it_lies_in():
    form = argument_form({"properties": {"a/b": {}, "c": {}}}, {})
    assert block_of(form, "/c/0/d") == ("argument.c", "/0/d")
    assert block_of(form, "/a~1b") == ("argument#0", "")
    assert block_of(form, "/elsewhere") == ("arguments.others", "/elsewhere")
    assert block_of(form, "") == ("argument#0", "")


@given(calls())
@settings(thoroughly, max_examples=60)
def test_schemas_made_here_are_ones_the_policy_would_take(call):
    """A round trip over schemas nobody could configure would prove nothing."""
    schema, arguments = call
    if MASK not in canonical(arguments).decode():
        assert [one for one in compile_schema(schema)(arguments) if "pattern" not in one.message] == []
