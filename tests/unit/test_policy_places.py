"""Lines of a TOML text: of tables in arrays, nested and inline, past strings and arrays of many lines."""

import pytest

from bot.policy.places import line_of, lines_of
from tests.unit.policy_files import WHOLE
from tests.unit.policy_files import line_of as number_of

TANGLED = '''\
top = 1
a.b."c d" = 2
[plain]  # with a comment
key = """
[[tools]]
name = "inside a string"
"""
other = 3
[[tools]]
name = "first"
matrix = [
  ["a"],
  ["b", "]"]
]
after = { deep = { x = 1 } }
[tools.connector]
url = 'http://a/#b'
[tools.connector.retry]
times = 3
[[tools.steps]]
id = 1
[[tools.steps]]
id = 2
   [[  tools  ]]
"name" = "second"  # [x]
text = \'\'\'
name = "again"
\'\'\'
[[tools.steps]]
id = 3
["quoted table".'sub']
k = [ # open
]
last = 4'''

PLACES = {
    ("top",): "top",
    ("a", "b", "c d"): "a.b",
    ("plain",): "[plain]",
    ("plain", "key"): "key",
    ("plain", "other"): "other",
    ("tools", 0, "name"): '"first"',
    ("tools", 0, "matrix"): "matrix",
    ("tools", 0, "after"): "after",
    ("tools", 0, "connector"): "[tools.connector]",
    ("tools", 0, "connector", "url"): "url",
    ("tools", 0, "connector", "retry", "times"): "times",
    ("tools", 0, "steps", 0, "id"): "id = 1",
    ("tools", 0, "steps", 1, "id"): "id = 2",
    ("tools", 1): "[[  tools",
    ("tools", 1, "name"): '"second"',
    ("tools", 1, "text"): "text",
    ("tools", 1, "steps", 0, "id"): "id = 3",
    ("quoted table", "sub"): "quoted table",
    ("quoted table", "sub", "k"): "k = [",
    ("quoted table", "sub", "last"): "last",
}


@pytest.mark.parametrize(("path", "part"), PLACES.items())
def test_a_key_stands_on_its_line(path, part):
    assert line_of(lines_of(TANGLED), path) == number_of(TANGLED, part)


def test_nothing_else_is_taken_for_a_key_or_a_table():
    tables = {("tools", 0), ("tools", 0, "connector", "retry"), ("tools", 0, "steps", 0), ("tools", 0, "steps", 1)}
    assert set(lines_of(TANGLED)) == set(PLACES) | tables | {("tools", 1, "steps", 0)}


@pytest.mark.parametrize(
    ("path", "part"),
    [
        (("tools", 0, "after", "deep", "x"), "after"),
        (("tools", 0, "matrix", 1, 0), "matrix"),
        (("tools", 0, "steps", 1, "nowhere"), "[[tools.steps]]\nid = 2"),
        (("tools", 1, "nowhere"), "[[  tools"),
        (("tools", 7), "top"),
        (("nowhere",), "top"),
        ((), "top"),
    ],
)
def test_what_has_no_line_of_its_own_stands_where_it_is_enclosed(path, part):
    assert line_of(lines_of(TANGLED), path) == TANGLED[: TANGLED.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("path", "part"),
    [
        (("agents", 1, "id"), 'id = "reader"'),
        (("agents", 0, "tiers", "deploy.production"), '"deploy.production" = "act'),
        (("tools", 0, "connector", "url"), "connector = {"),
        (("tools", 1, "connector", "url"), "127.0.0.1"),
        (("classes", "notes"), '"notes" ='),
    ],
)
def test_the_whole_file_is_found_its_way_in_also_with_carriage_returns(path, part):
    assert line_of(lines_of(WHOLE), path) == number_of(WHOLE, part)
    assert line_of(lines_of(WHOLE.replace("\n", "\r\n")), path) == number_of(WHOLE, part)
