"""The hook of Claude Code fails closed: whatever goes wrong before a call is a denial on stdout and status 0."""

import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from countersign_client.cli import main
from countersign_client.cli.hook_policy import HookPolicy

CALL = {"session_id": "s", "tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_use_id": "toolu_1"}


def hook(capsys: pytest.CaptureFixture[str], text: str, *options: str) -> Any:
    """Run the hook in this process; returns what it decided."""
    before, sys.stdin = sys.stdin, io.StringIO(text)
    try:
        assert main(["hook", *options]) == 0
    finally:
        sys.stdin = before
    said = capsys.readouterr().out
    return json.loads(said)["hookSpecificOutput"] if said else None


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "{}", json.dumps({**CALL, "tool_name": 3}), json.dumps({**CALL, "tool_input": "ls"}),
     json.dumps({"tool_name": "Bash", "tool_input": {}})],
)  # fmt: skip
def test_what_cannot_be_understood_is_denied(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("COUNTERSIGN_AGENT_KEY", "k")
    said = hook(capsys, text, "--url", "http://127.0.0.1:9", "--timeout", "1")
    assert (said["permissionDecision"], said["hookEventName"]) == ("deny", "PreToolUse")


@pytest.mark.parametrize(
    "options",
    [(), ("--url", "nonsense"), ("--url", "http://127.0.0.1:9", "--timeout", "1"), ("--no-such-option",),
     ("--timeout", "soon"), ("--tools", "/no/such/file"), ("--decide", "deny")],
)  # fmt: skip
def test_a_hook_that_is_set_up_wrongly_or_finds_no_server_denies(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.delenv("COUNTERSIGN_URL", raising=False)
    monkeypatch.setenv("COUNTERSIGN_AGENT_KEY", "k")
    assert hook(capsys, json.dumps(CALL), *options)["permissionDecision"] == "deny"


def test_an_option_before_the_command_does_not_let_a_call_pass(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_AGENT_KEY", "k")
    before, sys.stdin = sys.stdin, io.StringIO("no call")
    try:
        assert main(["--url", "http://127.0.0.1:9", "hook"]) == 0
    finally:
        sys.stdin = before
    assert '"deny"' in capsys.readouterr().out


def test_what_only_reads_passes_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    assert hook(capsys, json.dumps({**CALL, "tool_name": "Read"})) is None


def test_a_denial_that_cannot_be_printed_still_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sys.stdout, sys.stdin
    sys.stdout, sys.stdin = io.StringIO(), io.StringIO("")
    sys.stdout.close()
    try:
        assert main(["hook"]) == 2
    finally:
        sys.stdout, sys.stdin = before


def test_names_are_mapped_by_file_then_passed_then_prefixed(tmp_path: Path) -> None:
    file = tmp_path / "tools.json"
    file.write_text(json.dumps({"Bash": "shell.run", "mcp__*": "other", "mcp__github__*": "github", "Read": "fs.read",
                                "Task": None}))  # fmt: skip
    policy = HookPolicy.read("cc.", str(file), "Write, Read")
    mapped = ["shell.run", "github", "other", "fs.read", None, None, "cc.Edit"]
    names = ["Bash", "mcp__github__merge", "mcp__jira__close", "Read", "Task", "Write", "Edit"]
    assert [policy.tool_of(name) for name in names] == mapped


@pytest.mark.parametrize("content", ["[]", '{"Bash": 1}', '{"Bash": ""}', "{"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "tools.json").write_text(content)
    with pytest.raises(ValueError):
        HookPolicy.read(None, str(tmp_path / "tools.json"), None)


MAIN = "import sys; from countersign_client.cli import main; sys.exit(main(['hook']))"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_who_is_ended_while_it_waits_denies(number: signal.Signals) -> None:
    given = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    waits = MAIN.replace(
        "sys.exit", "import json; json.load = lambda _: (print(flush=True), sys.stdin.read()); sys.exit"
    )
    with subprocess.Popen([sys.executable, "-c", waits], text=True, **given) as process:  # type: ignore[call-overload]
        process.stdout.readline()  # it has begun to read what it is asked about
        process.send_signal(number)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert json.loads(said)["hookSpecificOutput"]["permissionDecision"] == "deny"


def test_a_denial_that_nobody_can_read_blocks_by_its_status() -> None:
    closed = f"import os, sys; os.close(1); os.execv(sys.executable, [sys.executable, '-c', {MAIN!r}])"
    ended = subprocess.run([sys.executable, "-c", closed], input="no call", text=True, check=False, timeout=30)
    assert ended.returncode == 2
