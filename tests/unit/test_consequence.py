"""The consequence line: written by the operator, filled in by the agent, harmless whatever either says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.policy.consequence import MAX_CONSEQUENCE
from tests.unit.policy_files import changed, load
from tests.unit.test_canonical import json_values

OLD = '"Replaces {{ service }} with {{ version }}"'


@pytest.fixture
def telling(tmp_path):
    def tell(template, arguments):
        text = changed((OLD, "'" + template + "'"))
        return load(tmp_path, text).tools["deploy.production"].tell_consequence(arguments)

    return tell


@pytest.mark.parametrize(
    ("template", "arguments", "line"),
    [
        ("Replaces {{ service }} with {{ version }}", {"service": "a", "version": 2}, "Replaces a with 2"),
        ("{{ a.b[0] }}", {"a": {"b": ["x"]}}, "x"),
        ("{{ a }} and {{ b.c.d[3] }}", {}, "— and —"),
        ("{% if dry %}Looks{% else %}Writes{% endif %}", {"dry": True}, "Looks"),
        ('{{ names | join(", ") | upper }}', {"names": ["a", "b"]}, "A, B"),
        ("{{ a | upper }}", {}, "—"),
        ("{{ a }}", {"a": "{{ 7*7 }}{% raw %}"}, "{{ 7*7 }}{% raw %}"),
        ("{{ a }}", {"a": "one\n two\t three\u202e"}, "one two three⟨U+202E⟩"),
        ("{{ a }}", {"a": "<!channel> & *bold*"}, "<!channel> & *bold*"),
        ("{{ range }}", {"range": "mine"}, "mine"),
    ],
)
def test_a_template_tells_what_the_arguments_say(telling, template, arguments, line):
    assert telling(template, arguments) == line


@pytest.mark.parametrize(
    "attack",
    [
        '{{ "".__class__ }}',
        '{{ "".__class__.__mro__[1].__subclasses__() }}',
        "{{ a.__class__.__init__.__globals__ }}",
        '{{ cycler.__init__.__globals__["os"].popen("id").read() }}',
        '{{ lipsum.__globals__["os"].environ }}',
        '{{ "{0.__class__}".format(a) }}',
        '{{ a | attr("__class__") }}',
        "{{ self.__init__.__globals__ }}",
        "{% set x = a.append(1) %}{{ a }}",
        '{% include "countersign.toml" %}',
        '{% import "os" as os %}{{ os.system("id") }}',
    ],
)
def test_a_template_reaches_nothing_but_the_arguments(telling, attack):
    arguments = {"a": [0]}
    line = telling(attack, arguments)
    assert not any(word in line for word in ("class", "uid=", "<", "PATH", "DEPLOY_SECRET", "function"))
    assert arguments == {"a": [0]}


@pytest.mark.parametrize(
    "template",
    ["{{ a.upper() }}", "{{ a / 2 }}", "{{ a | round }}", "{{ 1 / 0 }}", "{{ range(10 ** 9) | list }}", "{{ a * 2 }}"],
)
def test_a_template_that_does_not_fit_the_arguments_says_so(telling, template):
    assert telling(template, {}) == "— (the consequence line of this tool does not fit these arguments)"


def test_a_long_line_is_cut(telling):
    line = telling("{{ a }}", {"a": "x" * 10_000})
    assert line == "x" * (MAX_CONSEQUENCE - 1) + "…"
    assert telling("{% for i in range(99999) %}xy{% endfor %}", {})[-1] == "…"


@pytest.fixture(scope="module")
def replacing(tmp_path_factory):
    return load(tmp_path_factory.mktemp("policy")).tools["deploy.production"].tell_consequence


@given(arguments=st.dictionaries(st.text(), json_values()))
def test_any_arguments_give_one_line_within_the_limit(replacing, arguments):
    line = replacing(arguments)
    assert len(line) <= MAX_CONSEQUENCE
    assert len(line.splitlines()) == 1
    assert line.startswith(("Replaces", "—"))
