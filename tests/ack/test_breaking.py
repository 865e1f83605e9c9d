"""A rule that nothing breaks proves nothing: a server is broken on purpose for each, and it alone speaks up."""

from pathlib import Path

import pytest

from tests.ack.breaking import BREAKS
from tests.ack.recorder import Recorder


@pytest.mark.parametrize("name", BREAKS)
async def test_a_server_that_was_broken_on_purpose_is_noticed_by_exactly_its_rule(
    recorder: Recorder, tmp_path: Path, name: str
) -> None:
    breaking = BREAKS[name]
    await breaking.play(recorder)
    report = recorder.judge(tmp_path, breaking.policy)
    assert set(report.rule_counts) == {f"ACK{breaking.rule:03}"}, report.findings
    assert report.status == ("INCOMPLETE" if breaking.rule == 9 else "FAIL")
