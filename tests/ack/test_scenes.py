"""AgentAck judges what was recorded from the running server: every scene passes every rule."""

from pathlib import Path

import pytest

from tests.ack.recorder import Recorder
from tests.ack.scenes import SCENES


@pytest.mark.parametrize("name", SCENES)
async def test_what_was_recorded_keeps_every_rule(recorder: Recorder, tmp_path: Path, name: str) -> None:
    await SCENES[name].play(recorder)
    report = recorder.judge(tmp_path)
    assert (report.status, report.findings) == ("PASS", ())
