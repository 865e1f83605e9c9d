"""Tools of a real MCP server, over standard streams and over HTTP: every answer, and every way to give none."""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bot.connectors.bridge import Bridge
from bot.connectors.mcp import McpConnector
from bot.net import new_session
from governance.lifecycle import ExecutionStatus
from storage.database import Database
from storage.tables import Execution
from tests.conftest import Clock
from tests.integration.connecting import OURS, TOOLS, attempt, behind, policy_with
from tests.integration.running import approved
from tests.integration.test_python_connector import gone, result_of
from tests.integration.wire import CUT, SILENCE, Wire, http
from tests.policies import policy_text
from tests.process import ROOT

Status = ExecutionStatus
SERVER = str(TOOLS / "mcp_server.py")
STDIO = f'command = ["{sys.executable}", "{SERVER}"], env = ["EFFECTS", "TOOL_SECRET"]'
ON_SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)

Call = Callable[..., Any]


@pytest.fixture
def effects(tmp_path: Path) -> Path:
    """Where the server notes what it did."""
    path = tmp_path / "effects"
    path.touch()
    return path


@pytest.fixture
async def call(database: Database, tmp_path: Path, effects: Path, clock: Clock) -> AsyncIterator[Call]:
    """Have Bob approve a call of one tool over there, and make one attempt."""
    environment = {**OURS, "EFFECTS": str(effects)}
    connector = McpConnector(environment, clock)

    async def make(tool: str, way: str = STDIO, *, more: str = "", **arguments: str) -> Execution:
        written = f'{{ kind = "mcp", tool = "{tool}", {way}{more} }}'
        policy = policy_with(tmp_path, behind(written), environment=environment)
        found = await approved(database, policy, "deploy.it", arguments={"service": "checkout", **arguments})
        return await attempt(database, policy, {"mcp": connector}, found)

    yield make
    await connector.close()


@pytest.fixture
async def served(effects: Path) -> AsyncIterator[str]:
    """How a policy names the same server over HTTP."""
    environment = {"PATH": OURS["PATH"], "EFFECTS": str(effects)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, SERVER, "http", env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    port = json.loads(await process.stdout.readline())["port"]
    yield f'url = "http://127.0.0.1:{port}/mcp", secret_env = "TOOL_SECRET"'
    with contextlib.suppress(ProcessLookupError):  # one of its tools ends it
        process.kill()
    await process.communicate()


async def test_over_standard_streams_a_tool_gets_arguments_key_and_only_what_the_policy_names(call: Call) -> None:
    execution = await call("deploy", token="s3cret-value")
    told = result_of(execution)
    assert (told["deployed"], told["token"]) == ("checkout", "••••••••")
    assert told["meta"]["countersign/idempotency-key"] == execution.id
    assert told["meta"]["countersign/proposal-id"] == execution.proposal_id
    assert told["meta"]["countersign/attempt"] == 1
    assert set(told["environment"]) - {"LC_CTYPE"} == {"PATH", "LANG", "EFFECTS", "TOOL_SECRET"}


async def test_over_http_a_tool_gets_the_same_and_the_bearer(call: Call, served: str, effects: Path) -> None:
    execution = await call("deploy", served)
    told = result_of(execution)
    assert told["meta"]["countersign/idempotency-key"] == execution.id
    assert told["authorization"] == "Bearer ••••••••"
    assert effects.read_text() == "checkout\n"


@ON_SQLITE
@pytest.mark.parametrize(
    ("tool", "status", "error"),
    [
        ("say", Status.SUCCEEDED, None),
        ("refuse", Status.FAILED, "not_found: checkout"),
        ("error", Status.FAILED, "no service checkout"),
        ("nowhere", Status.FAILED, "the MCP server has no tool named 'nowhere'"),
    ],
)
@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_each_kind_of_answer_leads_where_it_should(
    call: Call, served: str, way: str, tool: str, status: Status, error: str | None
) -> None:
    execution = await call(tool, STDIO if way == "stdio" else served)
    assert execution.status is status
    assert (execution.error or "").endswith(error or "")
    if status is Status.SUCCEEDED:
        assert result_of(execution) == "deployed checkout"


@ON_SQLITE
@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_a_server_that_dies_in_the_middle_has_given_no_answer(
    call: Call, served: str, effects: Path, way: str
) -> None:
    execution = await call("die", STDIO if way == "stdio" else served)
    assert (execution.status, execution.maybe_ran) == (Status.UNKNOWN, True)
    assert effects.read_text() == "checkout\n"


@ON_SQLITE
async def test_a_server_that_hangs_is_killed_with_all_it_started(call: Call, effects: Path) -> None:
    execution = await call("hang", more=', timeout = "8s"')
    assert (execution.status, execution.error) == (Status.UNKNOWN, "no answer in time")
    for pid in map(int, effects.read_text().split()):
        await gone(pid)


@ON_SQLITE
async def test_nothing_of_a_server_is_left_after_a_call(call: Call, effects: Path, tmp_path: Path) -> None:
    where = tmp_path / "pid"
    script = f"echo $$ > {where}; {sys.executable} {SERVER}"
    result_of(await call("deploy", f'command = ["sh", "-c", "{script}"], env = ["EFFECTS"]'))
    await gone(int(where.read_text()))


@ON_SQLITE
@pytest.mark.parametrize(
    "command",
    ['["/nowhere/to/be/found"]', '["true"]', '["sh", "-c", "echo nonsense; sleep 600"]', '["yes"]'],
    ids=["no such program", "ends at once", "speaks no MCP", "floods"],
)
async def test_what_breaks_before_the_call_was_sent_is_tried_again(call: Call, command: str) -> None:
    execution = await call("deploy", f"command = {command}", more=', timeout = "3s"')
    assert (execution.status, execution.maybe_ran) == (Status.QUEUED, False)


@ON_SQLITE
async def test_a_server_that_is_not_there_is_tried_again(call: Call) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    execution = await call("deploy", f'url = "http://127.0.0.1:{port}/mcp"')
    assert (execution.status, execution.maybe_ran) == (Status.QUEUED, False)


@ON_SQLITE
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (http(401), Status.FAILED),
        (http(403), Status.FAILED),
        (http(307, Location="http://127.0.0.1:1/elsewhere"), Status.FAILED),
        (http(503), Status.QUEUED),
        (http(500), Status.QUEUED),
        (CUT, Status.QUEUED),
        (SILENCE, Status.QUEUED),
    ],
    ids=["401", "403", "redirect", "503", "500", "cut", "silent"],
)
async def test_a_server_that_turns_us_away_has_done_nothing(
    call: Call, wire: Wire, answer: bytes, status: Status
) -> None:
    wire.script = [answer] * 10
    execution = await call("deploy", f'url = "{wire.url}/mcp"', more=', timeout = "3s"')
    assert (execution.status, execution.maybe_ran) == (status, False)


@ON_SQLITE
async def test_a_host_name_that_leads_inside_is_refused_and_nothing_is_sent(call: Call, wire: Wire) -> None:
    execution = await call("deploy", f'url = "http://localhost:{wire.port}/mcp"')
    assert execution.status is Status.FAILED
    assert "allow_private" in str(execution.error)
    assert wire.requests == []


@ON_SQLITE
async def test_a_host_name_that_leads_inside_is_called_where_the_policy_means_it(call: Call, served: str) -> None:
    meant = served.replace("127.0.0.1", "localhost") + ", allow_private = true"
    assert result_of(await call("say", meant)) == "deployed checkout"


@pytest.mark.parametrize(("size", "fits"), [(4 * 1024 * 1024, True), (4 * 1024 * 1024 + 1, False)])
async def test_an_answer_over_http_is_read_within_bounds(wire: Wire, size: int, fits: bool) -> None:
    wire.script = [http(200, b"x" * size)]
    async with new_session(guarded=True) as session, httpx2.AsyncClient(transport=Bridge(session)) as client:
        if fits:
            assert len((await client.post(wire.url)).content) == size
            return
        with pytest.raises(httpx2.ReadError, match="longer than any answer"):
            await client.post(wire.url)


async def test_a_policy_that_needs_the_mcp_package_says_how_to_install_it(tmp_path: Path) -> None:
    path = tmp_path / "countersign.toml"
    path.write_text(policy_text(extra=behind('{ kind = "mcp", tool = "deploy", url = "https://mcp.example/mcp" }')))
    code = "import sys; sys.modules['mcp'] = None; from bot.cli import cli; cli(['policy', 'check'])"
    environment = {**os.environ, **OURS, "COUNTERSIGN_CONFIG": str(path), "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )  # fmt: skip
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert (
        errors.decode()
        .rstrip()
        .endswith("connector.kind: the mcp package is not installed; install it with: pip install 'mcp>=2.3'")
    )
