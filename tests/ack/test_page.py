"""docs/integrity.md says what the tests run: its tables are theirs, and every file it names is there."""

import re
from pathlib import Path

import pytest
from agentack import __version__
from agentack.findings import RULES

from tests.ack import page
from tests.ack.breaking import BREAKS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "integrity.md").read_text()


@pytest.mark.parametrize("table", [page.rules, page.scenes], ids=["rules", "scenes"])
def test_the_page_has_the_tables_of_what_is_run(table) -> None:
    assert table() in PAGE, "print the tables with `python -m tests.ack.page` and put them there"


def test_every_rule_there_is_has_its_meaning_and_a_server_broken_for_it() -> None:
    numbers = {int(name.removeprefix("ACK")) for name in RULES}
    assert numbers == set(page.MEANING) == {one.rule for one in BREAKS.values()}
    assert f"AgentAck {__version__}" in PAGE


def test_every_file_and_test_the_page_names_is_there() -> None:
    named = re.findall(r"`(tests/[a-z_/]+\.py)(?:::(\w+))?`", PAGE)
    assert len(named) > 8
    for path, test in named:
        assert (ROOT / path).exists(), path
        assert f"def {test}" in (ROOT / path).read_text(), f"{path}::{test}"
