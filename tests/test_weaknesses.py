"""Every numbered weakness of the sources is closed by a test that names it, or listed as one that cannot occur here."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NUMBERS = {
    "governed-proposals": 24, "autonomy-and-trust": 27, "l1-l2-l3-enforcement": 20, "slack-approval-bots": 22,
    "automation-governance": 26, "approval-api": 11,
}  # fmt: skip
HEADING = "## Weaknesses of the sources that cannot occur here"

_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_CLAIM = re.compile(r"closes ((?:[a-z0-9-]+ \d+(?:, \d+)*)(?:; [a-z0-9-]+ \d+(?:, \d+)*)*)")
_ROW = re.compile(r"\| (\d+) \| [^|]+ \| [^|]+ \| (.+) \|")
_NAMED = re.compile(r"`([a-z_0-9/]+\.py)::(\w+)`")

Weakness = tuple[str, int]


@cache
def claims() -> dict[Weakness, set[str]]:
    """Return which tests say that they close which weakness; tests are written `unit/test_x.py::test_y`."""
    found: defaultdict[Weakness, set[str]] = defaultdict(set)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for line in (ast.get_docstring(node) or "").splitlines() if isinstance(node, _DOCUMENTED) else ():
                if line.startswith("closes "):
                    name = f"{path.relative_to(ROOT / 'tests')}::{getattr(node, 'name', '')}"
                    for weakness in claimed(line, name):
                        found[weakness].add(name)
    return dict(found)


def claimed(line: str, name: str) -> list[Weakness]:
    """Read one line such as `closes autonomy-and-trust 5, 8; governed-proposals 14`."""
    whole = _CLAIM.fullmatch(line)
    assert whole, f"{name}: {line!r} is not written as `closes <page> <number>[, <number>][; <page> …]`"
    parts = [part.split(" ", 1) for part in whole[1].split("; ")]
    return [(page, int(number)) for page, numbers in parts for number in numbers.split(", ")]


@cache
def excused() -> set[Weakness]:
    """Return what decisions.md lists as unable to occur here, each with its reason."""
    text = (ROOT / "docs" / "decisions.md").read_text()
    section = text.partition(f"{HEADING}\n")[2].partition("\n## ")[0]
    entries = re.findall(r"^- ([a-z0-9-]+) (\d+): \S.{20,}", section, re.MULTILINE)
    return {(page, int(number)) for page, number in entries}


@cache
def rows() -> dict[Weakness, list[str]]:
    """Return the tests that docs/weaknesses.md names for each number."""
    found: dict[Weakness, list[str]] = {}
    for section in (ROOT / "docs" / "weaknesses.md").read_text().split("\n## ")[1:]:
        page = section.splitlines()[0]
        for number, tests in _ROW.findall(section):
            assert (page, int(number)) not in found, f"{page} {number} stands twice"
            found[page, int(number)] = [f"{path}::{name}" for path, name in _NAMED.findall(tests)]
    return found


ALL = {(page, number) for page, last in NUMBERS.items() for number in range(1, last + 1)}


def test_every_weakness_is_closed_by_a_test_or_cannot_occur_here() -> None:
    closed = set(claims())
    assert sorted(ALL - closed - excused()) == [], "no test names these"
    assert sorted((closed | excused()) - ALL) == [], "there are no such weaknesses"
    assert sorted(closed & excused()) == [], "what a test closes can occur"


def test_every_weakness_has_its_row() -> None:
    assert sorted(rows()) == sorted(ALL)


@pytest.mark.parametrize(("page", "number"), sorted(ALL))
def test_the_tests_in_a_row_exist_and_name_that_weakness(page: str, number: int) -> None:
    named, naming = rows().get((page, number), []), claims().get((page, number), set())
    assert [one for one in named if one not in naming] == []
    assert named or (page, number) in excused(), f"name one of these in its row: {sorted(naming)}"
