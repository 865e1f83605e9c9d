"""AgentAck judges what was recorded from the running server: every scene passes every rule."""

from pathlib import Path

import pytest
from agentack.models import TraceEvent

from governance.clocks import START_WINDOW
from tests.ack.recorder import Recorder
from tests.ack.scenes import SCENES


@pytest.mark.parametrize("name", SCENES)
async def test_what_was_recorded_keeps_every_rule(recorder: Recorder, tmp_path: Path, name: str) -> None:
    """closes approval-api 7"""
    await SCENES[name].play(recorder)
    report = recorder.judge(tmp_path)
    assert (report.status, report.findings) == ("PASS", ())
    assert set(SCENES[name].rules) <= tried_in(recorder.events), "a rule is only tried where what it is about happens"


def tried_in(events: list[TraceEvent]) -> set[int]:
    """The rules that a trace could have broken: what they are about really happens in it."""
    kinds = {one.type for one in events}
    denied = {one.action_id: one.intent_id for one in events if one.decision == "deny"}
    span = max(one.timestamp for one in events) - min(one.timestamp for one in events)
    return {
        number for number, happens in {
            1: kinds & {"action_executed", "action_blocked"},
            2: denied,
            3: "approval_requested" in kinds,
            4: "action_executed" in kinds,
            5: span >= START_WINDOW,
            6: "approval_decision" in kinds,
            7: any(one.intent_id in denied.values() for one in events if one.intent_id and one.action_id not in denied),
            8: "interrupt" in kinds,
            9: "session_end" in kinds,
        }.items() if happens
    }  # fmt: skip


@pytest.mark.parametrize("number", range(1, 10))
def test_every_rule_is_tried_by_a_scene(number: int) -> None:
    assert any(number in scene.rules for scene in SCENES.values())
