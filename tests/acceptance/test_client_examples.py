"""The examples of the client, each run as it stands against the real server and the real framework."""

import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from countersign_client import Gate
from tests.acceptance.beside import Beside, approve, edited_to, reject

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "client" / "examples"


def run(beside: Beside, *words: str | Path, told: Any = None, **more: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these words; `told` is what it reads as JSON."""
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "client" / "src"), "PYTHONWARNINGS": "error",
        **beside.environment, **more,
    }  # fmt: skip
    text = told if isinstance(told, str) else json.dumps(told)
    return subprocess.run(
        [sys.executable, *words], input=text, capture_output=True, text=True, env=environment, timeout=120, check=False
    )


@pytest.mark.parametrize("example", ["langgraph_tools", "openai_agents_tools", "pydantic_ai_tools"])
def test_an_example_does_what_people_say(beside: Beside, example: str) -> None:
    """Three times in one process, because its imports take most of the time."""
    thrice = (
        f"import runpy\nfor _ in range(3): runpy.run_path({str(EXAMPLES / example)!r} + '.py', run_name='__main__')"
    )
    with beside.deciding(approve, reject, edited_to(path="/srv/older.log")):
        done = run(beside, "-c", thrice, PYTHONWARNINGS="default")
    assert [line for line in done.stdout.splitlines() if line.startswith("tool: ")] == [
        "tool: /srv/old.log is gone",
        'tool: The call did not happen as asked: files.delete was rejected by U0BOB: "not on a Friday".',
        "tool: /srv/older.log is gone",
    ], done.stderr
    with Gate(beside.url, beside.key) as gate:
        edited, rejected, approved = [gate.get(one.proposal_id) for one in islice(gate.list(), 3)]
    assert (approved.state, approved.result) == ("succeeded", "/srv/old.log is gone")
    assert rejected.state == "rejected"
    assert (edited.edited, edited.arguments, edited.result) == (
        True, {"path": "/srv/older.log"}, "/srv/older.log is gone",
    )  # fmt: skip


def hook(beside: Beside, call: Any, *options: str, **more: str) -> Any:
    """Run the hook as Claude Code does; returns what it decided, None where it said nothing."""
    done = run(beside, "-m", "countersign_client", "hook", "--timeout", "60", *options, told=call, **more)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)["hookSpecificOutput"] if done.stdout else None


def use(tool: str, id: str, **arguments: Any) -> dict[str, Any]:
    """One call as Claude Code tells of it."""
    return {
        "session_id": "5f0c", "transcript_path": "/tmp/t.jsonl", "cwd": "/srv", "hook_event_name": "PreToolUse",
        "tool_name": tool, "tool_input": arguments, "tool_use_id": id,
    }  # fmt: skip


def test_a_call_of_claude_code_passes_once_it_is_approved_and_its_outcome_is_reported(
    beside: Beside, tmp_path: Path
) -> None:
    call, home = use("Bash", "toolu_1", command="rm -r build"), {"XDG_STATE_HOME": str(tmp_path)}
    with beside.deciding(approve):
        assert hook(beside, call, **home) is None
    answer = {**call, "hook_event_name": "PostToolUse", "tool_response": {"stdout": "", "code": 0}}
    assert hook(beside, answer, "--report", **home) is None
    with Gate(beside.url, beside.key) as gate:
        (request, *_) = gate.list(limit=1)
        assert (request.tool, request.arguments) == ("claude.Bash", {"command": "rm -r build"})
        assert gate.get(request.proposal_id).result == {"stdout": "", "code": 0}
    assert list((tmp_path / "countersign-client").iterdir()) == []


def test_a_call_of_claude_code_is_denied_with_the_reason_when_people_say_no(beside: Beside) -> None:
    with beside.deciding(reject):
        said = hook(beside, use("Bash", "toolu_2", command="rm -r /"))
    assert said == {
        "hookEventName": "PreToolUse", "permissionDecision": "deny",
        "permissionDecisionReason": 'claude.Bash was rejected by U0BOB: "not on a Friday"',
    }  # fmt: skip


def test_claude_code_runs_what_a_person_made_of_its_call(beside: Beside, tmp_path: Path) -> None:
    with beside.deciding(edited_to(command="rm -r build")):
        said = hook(beside, use("Bash", "toolu_3", command="rm -r ."), XDG_STATE_HOME=str(tmp_path))
    assert (said["permissionDecision"], said["updatedInput"]) == ("allow", {"command": "rm -r build"})


def test_a_call_of_claude_code_that_nobody_decides_in_time_is_denied_and_withdrawn(beside: Beside) -> None:
    said = hook(beside, use("Bash", "toolu_4", command="ls"), "--timeout", "4")
    assert (said["permissionDecision"], "in time" in said["permissionDecisionReason"]) == ("deny", True)
    with Gate(beside.url, beside.key) as gate:
        assert gate.get(beside.newest()).state == "withdrawn"


def test_a_call_that_needs_nobody_can_be_allowed_past_claudes_own_rules(beside: Beside, tmp_path: Path) -> None:
    said = hook(beside, use("Write", "toolu_5", path="x"), "--decide", "allow", XDG_STATE_HOME=str(tmp_path))
    assert said["permissionDecision"] == "allow"
    again = hook(beside, use("Write", "toolu_5", path="x"), "--decide", "allow", XDG_STATE_HOME=str(tmp_path))
    assert again["permissionDecision"] == "deny", "it was handed out before"
