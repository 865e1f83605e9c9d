"""The pages under docs/how-to: each snippet stands on its page as it is, and runs against the real server."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign_client import Gate, Operator, Proposal
from tests.acceptance.beside import Beside, approve, reject

ROOT = Path(__file__).parent.parent.parent
PAGES = ROOT / "docs" / "how-to"
SNIPPETS = PAGES / "snippets"
SETTINGS = ROOT / "client" / "examples" / "claude_code" / "settings.json"


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the command of the client, as its installation makes it."""
    folder = tmp_path_factory.mktemp("bin")
    command = folder / "countersign-client"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m countersign_client "$@"\n')
    command.chmod(0o755)
    return folder


@pytest.fixture
def bob(beside: Beside) -> Iterator[Operator]:
    with beside.operator() as operator:
        yield operator


def run(beside: Beside, commands: Path, snippet: str, **more: str) -> str:
    """Run a snippet; returns what it printed."""
    for program in {"curl", "openssl"} & set(re.findall(r"\w+", (SNIPPETS / snippet).read_text())):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    words = ["bash", "-eu", "-o", "pipefail"] if snippet.endswith(".sh") else [sys.executable]
    environment = {
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "client" / "src"),
        **beside.environment, **more,
    }  # fmt: skip
    done = subprocess.run(
        [*words, SNIPPETS / snippet], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def asked(gate: Gate) -> tuple[Proposal, str]:
    proposal = gate.propose("files.delete", {"path": "/srv/old.log"})
    assert proposal.approval is not None
    return proposal, proposal.approval.id


def test_every_snippet_stands_on_its_page_as_it_is_and_nothing_else_does() -> None:
    files = {path.read_text() for path in [*SNIPPETS.iterdir(), SETTINGS]}
    pages = [page.read_text() for page in PAGES.glob("*.md")]
    quoted = {block for page in pages for block in re.findall(r"```\w+\n(.*?)```", page, re.DOTALL)}
    assert quoted == files


def test_every_snippet_is_run_here_or_parsed() -> None:
    here = Path(__file__).read_text()
    assert {path.name for path in SNIPPETS.iterdir() if f'"{path.name}"' not in here.replace("'", '"')} == set()


def test_a_call_is_proposed_waited_for_and_reported_with_curl(
    beside: Beside, commands: Path, gate: Gate, bob: Operator
) -> None:
    proposed = json.loads(run(beside, commands, "propose.sh"))
    assert (proposed["state"], proposed["tool"]) == ("pending", "files.delete")
    bob.approve(proposed["approval"]["id"], digest=proposed["digest"])
    waited = json.loads(run(beside, commands, "wait.sh", PROPOSAL=proposed["proposal_id"]))
    assert (waited["state"], waited["yours_to_run"]) == ("allowed", True)
    assert json.loads(run(beside, commands, "report.sh", PROPOSAL=proposed["proposal_id"]))["state"] == "succeeded"
    proposal, _ = asked(gate)
    assert json.loads(run(beside, commands, "withdraw.sh", PROPOSAL=proposal.proposal_id))["state"] == "withdrawn"


def test_a_function_is_guarded(beside: Beside, commands: Path) -> None:
    with beside.deciding(approve):
        assert run(beside, commands, "guard.py") == "deleting /srv/old.log\n{'deleted': 1}\n"
    with beside.deciding(reject):
        assert run(beside, commands, "guard.py") == "U0BOB said no: not on a Friday\n"
    with beside.deciding(approve):
        assert run(beside, commands, "guard_async.py") == "removing old.log\n"


def test_people_decide_from_the_terminal(beside: Beside, commands: Path, gate: Gate) -> None:
    proposal, request = asked(gate)
    told = run(beside, commands, "decide.sh", REQUEST=request)
    assert proposal.digest in told
    assert 'arguments:    {"path": "/srv/old.log"}' in told
    assert "approved by U0BOB" in told
    _, request = asked(gate)
    assert "keep it until the audit is over" in run(beside, commands, "reject.sh", REQUEST=request)


def test_people_decide_with_curl(beside: Beside, commands: Path, gate: Gate) -> None:
    _, request = asked(gate)
    assert json.loads(run(beside, commands, "decide_with_curl.sh", REQUEST=request))["status"] == "approved"


def following(beside: Beside, *words: str | Path) -> subprocess.Popen[str]:
    """Start something that follows the stream."""
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "client" / "src"), "PYTHONUNBUFFERED": "1",
        **beside.environment,
    }  # fmt: skip
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment)


def test_the_stream_is_followed(beside: Beside, gate: Gate) -> None:
    with beside.deciding(approve), following(beside, sys.executable, SNIPPETS / "follow.py") as python:
        assert python.stdout is not None
        assert python.stdout.readline().endswith(" wait\n")
        asked(gate)
        assert any("approval_decided files.delete approved" in line for line in python.stdout)
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    with following(beside, "bash", "-c", f"exec {(SNIPPETS / 'follow.sh').read_text()}") as curl:
        assert curl.stdout is not None
        assert any(line == "event: approval_decided\n" for line in curl.stdout)
        curl.kill()


def test_an_agent_speaks_mcp(beside: Beside, commands: Path) -> None:
    for name in ("mcp_http.json", "mcp_stdio.json"):
        assert "countersign" in json.loads((SNIPPETS / name).read_text())["mcpServers"]
    with beside.deciding(approve):
        assert run(beside, commands, "mcp_agent.py") == "pending\nallowed\n"
