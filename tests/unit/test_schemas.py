"""Arguments against their JSON Schema: problems name fields, never values, and no pattern runs away."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.schemas import MAX_PATTERN_INPUT, MAX_VALUES, compile_schema
from tests.unit.test_canonical import json_values

CATASTROPHE = r"^(\w+\s?)*$"  # takes longer than the universe on a long string that does not match


def problems(arguments, **schema):
    found = compile_schema({"type": "object", **schema})(arguments)
    return [(problem.field, problem.message) for problem in found]


def field(schema, value):
    """The problems of one field under a schema."""
    return problems({"f": value}, properties={"f": schema})


@pytest.mark.parametrize(
    "reference",
    ["https://example.com/s.json", "http://127.0.0.1/#/a", "other.json", "file:///etc/passwd", "urn:x:y"],
)
@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef"])
@pytest.mark.parametrize("nest", [lambda s: s, lambda s: {"properties": {"a": {"allOf": [s]}}}])
def test_a_reference_that_leads_outside_is_refused(reference, keyword, nest):
    with pytest.raises(ValueError, match=r"leads outside the schema; put the definition under \$defs"):
        compile_schema(nest({keyword: reference}))


def test_a_reference_inside_is_followed():
    schema = {"$defs": {"name": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/name"}}}
    assert problems({"a": "x"}, **schema) == []
    assert problems({"a": 1}, **schema) == [("/a", "must be of type string")]


@pytest.mark.parametrize(
    "schema", [{"type": "strnig"}, {"minLength": "1"}, {"pattern": "("}, {"properties": {"a": 1}}, {"required": "a"}]
)
def test_a_schema_that_is_wrong_itself_is_refused(schema):
    with pytest.raises(ValueError):
        compile_schema(schema)


@pytest.mark.parametrize(
    ("limit", "most"),
    [({"maxLength": 20}, 20), ({}, MAX_PATTERN_INPUT)],
    ids=["longer than its maxLength", "longer than any pattern sees"],
)
def test_a_long_string_is_refused_before_a_pattern_that_would_never_return(limit, most):
    found = field({"type": "string", "pattern": CATASTROPHE, **limit}, "a" * MAX_PATTERN_INPUT + "!")
    assert found == [("/f", f"must be at most {most} characters long")]


SHORT = "a" * 40 + "!"  # short enough for every limit, long enough to take years by backtracking


@pytest.mark.parametrize(
    ("schema", "arguments", "found"),
    [
        ({"properties": {"f": {"pattern": CATASTROPHE}}}, {"f": SHORT}, [("/f", f"must match {CATASTROPHE}")]),
        ({"patternProperties": {CATASTROPHE: False}}, {SHORT: 1}, []),
        ({"patternProperties": {CATASTROPHE: {}}, "additionalProperties": False}, {SHORT: 1},
         [(f"/{SHORT}", "is not a field of this tool")]),
        ({"propertyNames": {"pattern": CATASTROPHE}}, {SHORT: 1}, [("", f"must match {CATASTROPHE}")]),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema", "pattern": CATASTROPHE,
          "additionalProperties": {"$ref": "#"}, "type": ["object", "string"]}, {"f": SHORT},
         [("/f", f"must match {CATASTROPHE}")]),
    ],
    ids=["pattern", "patternProperties", "additionalProperties", "propertyNames", "by reference"],
)  # fmt: skip
def test_no_pattern_runs_away(schema, arguments, found):
    assert problems(arguments, **schema) == found


@pytest.mark.parametrize("pattern", [r"(?=a)b", r"(?<!a)b", r"(a)\1", "^.{1,4000}$"])
@pytest.mark.parametrize("nest", [lambda p: {"pattern": p}, lambda p: {"$defs": {"a": {"patternProperties": {p: {}}}}}])
def test_a_pattern_that_only_backtracking_could_match_is_refused_by_name(pattern, nest):
    with pytest.raises(ValueError, match=r"is no RE2 expression .*; write it without look-around") as refused:
        compile_schema(nest(pattern))
    assert repr(pattern) in str(refused.value)


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}},
        {"unevaluatedProperties": False, "allOf": [{"patternProperties": {"^a": {}}}]},
    ],
)
def test_what_would_bring_the_backtracking_keywords_back_is_refused(schema):
    with pytest.raises(ValueError):
        compile_schema(schema)


def test_a_pattern_searches_and_its_end_is_the_end():
    assert field({"pattern": "b"}, "abc") == []
    assert field({"pattern": "^b$"}, "b\n") == [("/f", "must match ^b$")]


def test_named_and_matching_fields_are_both_checked():
    schema = {"patternProperties": {"^n_": {"type": "integer"}}, "additionalProperties": {"type": "string"}}
    assert problems({"n_a": 1, "b": "x"}, **schema) == []
    assert problems({"n_a": "1", "b": 2}, **schema) == [
        ("/b", "must be of type string"), ("/n_a", "must be of type integer"),
    ]  # fmt: skip


def test_more_values_than_anybody_can_read_are_refused_before_they_are_checked():
    refusal = [("", f"holds more than {MAX_VALUES} values; send fewer")]
    assert problems({"f": [0] * (MAX_VALUES - 2)}) == []
    assert problems({"f": [0] * (MAX_VALUES - 1)}) == refusal
    assert problems({"f": [[0] * 99 for _ in range(100)]}) == refusal


def test_only_as_many_errors_are_made_as_are_looked_at():
    class Told(dict):
        asked = 0

        def get(self, *arguments):
            Told.asked += 1
            return super().get(*arguments)

    values = [SHORT] * 5000
    found = compile_schema({"properties": {"f": {"items": Told(pattern="^b$")}}})({"f": values})
    assert len(found) == 20
    assert Told.asked < 1000


@given(st.lists(json_values(), max_size=6))
def test_items_are_the_same_exactly_where_json_schema_says_so(items):
    from jsonschema import Draft202012Validator

    expected = Draft202012Validator({"uniqueItems": True}).is_valid(items)
    assert (field({"uniqueItems": True}, items) == []) == expected


def test_a_pattern_is_matched_on_what_is_short_enough():
    schema = {"pattern": "^v[0-9]+$", "maxLength": 9}
    assert field(schema, "v12") == []
    assert field(schema, "12") == [("/f", "must match ^v[0-9]+$")]
    assert field(schema, 12) == []
    assert field({"pattern": "^a*$"}, "a" * MAX_PATTERN_INPUT) == []


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "integer"}, "12", "must be of type integer"),
        ({"type": ["string", "null"]}, 1, "must be of type ['string', 'null']"),
        ({"enum": ["a", "b"]}, "c", "must be one of ['a', 'b']"),
        ({"const": 1}, 2, "must be 1"),
        ({"maxLength": 2}, "abc", "must be at most 2 characters long"),
        ({"minLength": 2}, "a", "must be at least 2 characters long"),
        ({"maximum": 5}, 6, "must be at most 5"),
        ({"minimum": 5}, 4, "must be at least 5"),
        ({"maxItems": 1}, [1, 2], "must have at most 1 items"),
        ({"minItems": 1}, [], "must have at least 1 items"),
        ({"uniqueItems": True}, [1, 1.0], "must not hold the same item twice"),
        ({"multipleOf": 2}, 3, "does not satisfy multipleOf"),
        ({"not": {}}, 1, "does not satisfy not"),
        ({"anyOf": [{"type": "null"}, {"minimum": 9}]}, 1, "does not satisfy anyOf"),
    ],
)
def test_a_problem_says_what_the_field_must_be(schema, value, message):
    assert field(schema, value) == [("/f", message)]


def test_a_missing_and_an_unknown_field_are_named_themselves():
    schema = {
        "properties": {"a/b": {"required": ["c~d"]}},
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }
    assert problems({"a/b": {}, "x-1": 1, "other": 2}, **schema) == [
        ("/other", "is not a field of this tool"),
        ("/a~1b/c~0d", "is required"),
    ]


def test_a_problem_deep_inside_names_its_place():
    schema = {"properties": {"list": {"items": {"properties": {"n": {"type": "integer"}}}}}}
    assert problems({"list": [{"n": 1}, {"n": "x"}]}, **schema) == [("/list/1/n", "must be of type integer")]


def test_arguments_that_are_no_object_are_named_by_the_empty_pointer():
    assert problems([1]) == [("", "must be of type object")]


def test_a_thousand_problems_are_cut_to_twenty_with_short_names():
    found = problems({f"{i:03}" + "n" * 5000: i for i in range(1000)}, additionalProperties=False)
    assert len(found) == 20
    assert max(len(name) for name, _ in found) <= 81
    wrong = problems({"n" * 5000: "x"}, additionalProperties={"type": "integer"})
    assert [len(name) for name, _ in wrong] == [81]


@given(st.dictionaries(st.just("f"), json_values(), min_size=1))
def test_no_value_is_ever_repeated(arguments):
    schema = {"properties": {"f": {"type": "string", "enum": ["a"], "pattern": "^b$", "minLength": 10**6}}}
    told = [message for _, message in problems({"f": "SENTINEL"}, **schema)]
    assert told
    assert "SENTINEL" not in "".join(told)
    said = {message for _, message in problems(arguments, **schema)}
    assert said <= {"must be of type string", "must be one of ['a']", "must match ^b$", *told}


def test_a_date_of_toml_in_a_schema_is_refused_with_the_way_to_write_it():
    with pytest.raises(ValueError, match="write dates and times in it as text, in quotes"):
        compile_schema({"properties": {"on": {"const": date(2026, 1, 1)}}})
