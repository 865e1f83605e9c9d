"""Functions of installed packages, run in real worker processes: what they return, and every way they can misbehave."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.connectors import worker as worker_module
from bot.connectors.python import PythonConnector
from governance.lifecycle import ExecutionStatus
from scheduler.execution import Executor
from storage.database import Database
from storage.tables import Execution
from tests.integration.connecting import OURS, attempt, behind, policy_with
from tests.integration.running import approved
from tests.integration.verbs import Held

Status = ExecutionStatus
WORKER = worker_module.__file__
ON_SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


async def run(
    database: Database, folder: Path, entry: str, *, timeout: str = "60s", more: str = "", **arguments: str
) -> Execution:
    """Have Bob approve a call of a tool, and make one attempt."""
    env = '["PYTHONPATH", "TOOL_SECRET"]'
    connector = f'{{ kind = "python", entry = "{entry}", env = {env}, timeout = "{timeout}"{more} }}'
    policy = policy_with(folder, behind(connector))
    found = await approved(database, policy, "deploy.it", arguments={"service": "checkout", **arguments})
    return await attempt(database, policy, {"python": PythonConnector(OURS)}, found)


def result_of(execution: Execution) -> Any:
    assert execution.status is Status.SUCCEEDED, execution.error
    return json.loads(str(execution.result))


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until(happened: Callable[[], bool]) -> None:
    """Wait for something outside this process, of which nobody tells us."""
    async with asyncio.timeout(30):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def gone(pid: int) -> None:
    await until(lambda: not is_alive(pid))


async def test_a_tool_gets_its_arguments_and_what_identifies_the_call(database: Database, tmp_path: Path) -> None:
    execution = await run(database, tmp_path, "echo", token="s3cret", note="\u2028 é")
    assert result_of(execution) == {
        "got": {"service": "checkout", "token": "••••••••", "note": "\u2028 é"},
        "context": {
            "execution_id": execution.id,
            "proposal_id": execution.proposal_id,
            "attempt": 1,
            "digest": result_of(execution)["context"]["digest"],
        },
    }
    assert result_of(execution)["context"]["digest"].startswith("sha256:")


@ON_SQLITE
async def test_an_async_tool_is_awaited(database: Database, tmp_path: Path) -> None:
    assert result_of(await run(database, tmp_path, "later")) == "later: checkout"


@ON_SQLITE
async def test_what_a_tool_raises_is_why_it_failed_in_one_sentence(database: Database, tmp_path: Path) -> None:
    execution = await run(database, tmp_path, "fail")
    assert (execution.status, execution.error) == (Status.FAILED, "ValueError: no such service: checkout")


@ON_SQLITE
@pytest.mark.parametrize("entry", ["crash", "leave", "forge"])
@pytest.mark.parametrize(("more", "status"), [("", Status.UNKNOWN), (", idempotent = true", Status.QUEUED)])
async def test_a_tool_that_dies_or_answers_garbage_has_given_no_answer(
    database: Database, tmp_path: Path, entry: str, more: str, status: Status
) -> None:
    execution = await run(database, tmp_path, entry, more=more)
    assert (execution.status, execution.maybe_ran) == (status, True)
    assert execution.error == "the tool ended without an answer"


@ON_SQLITE
@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("nowhere", "no installed package has 'nowhere' among its entry points of the group countersign.tools"),
        ("no_module", "countersign_no_such_module:tool cannot be imported: ModuleNotFoundError"),
        ("no_function", "countersign_test_tools:nothing_here cannot be imported: AttributeError"),
        ("no_callable", "countersign_test_tools:NUMBER is not a function"),
        ("exits", "the tool ended without an answer, before it was called"),
    ],
)
async def test_a_tool_that_cannot_be_loaded_has_certainly_done_nothing(
    database: Database, tmp_path: Path, entry: str, why: str
) -> None:
    execution = await run(database, tmp_path, entry, more=", attempts = 1")
    assert (execution.status, execution.maybe_ran) == (Status.FAILED, False)
    assert str(execution.error).startswith(why)


async def test_a_tool_that_hangs_is_killed_with_all_it_started(database: Database, tmp_path: Path) -> None:
    where = tmp_path / "pids"
    execution = await run(database, tmp_path, "hang", timeout="2s", note=str(where))
    assert (execution.status, execution.error) == (Status.UNKNOWN, "the tool was killed when its time was up")
    for pid in map(int, where.read_text().split()):
        await gone(pid)


@ON_SQLITE
@pytest.mark.parametrize("entry", ["spawn", "fork"])
async def test_what_a_tool_leaves_behind_neither_holds_up_the_answer_nor_outlives_the_call(
    database: Database, tmp_path: Path, entry: str
) -> None:
    await gone(int(result_of(await run(database, tmp_path, entry))))


@ON_SQLITE
async def test_a_server_that_stops_takes_its_workers_along(database: Database, tmp_path: Path) -> None:
    where = tmp_path / "pids"
    policy = policy_with(tmp_path, behind('{ kind = "python", entry = "hang", env = ["PYTHONPATH"] }'))
    await approved(database, policy, "deploy.it", arguments={"service": "checkout", "note": str(where)})
    executor = Executor(database, Held(policy), {"python": PythonConnector(OURS)})
    await executor.drain()
    await until(lambda: where.exists() and len(where.read_text().split()) == 2)
    await executor.stop(0)
    for pid in map(int, where.read_text().split()):
        await gone(pid)


async def test_a_worker_whose_server_was_killed_dies_with_all_it_started(tmp_path: Path) -> None:
    where, (reading, writing) = tmp_path / "pids", os.pipe()
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-P", str(WORKER), str(writing), stdin=asyncio.subprocess.PIPE, pass_fds=(writing,),
        env={"PYTHONPATH": OURS["PYTHONPATH"]}, start_new_session=True,
    )  # fmt: skip
    context = {"execution_id": "exe_1", "proposal_id": "prp_1", "attempt": 1, "digest": "sha256:"}
    asked = {"entry": "hang", "arguments": {"note": str(where)}, "context": context}
    assert worker.stdin is not None
    worker.stdin.write(json.dumps(asked).encode() + b"\n")
    await until(lambda: where.exists() and len(where.read_text().split()) == 2)
    worker.stdin.close()  # as the kernel does for a process that is killed
    for pid in map(int, where.read_text().split()):
        await gone(pid)
    await worker.wait()
    os.close(reading)
    os.close(writing)


@ON_SQLITE
async def test_what_a_tool_prints_cannot_pass_for_its_answer_and_is_logged_in_bounds(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        assert result_of(await run(database, tmp_path, "print")) == "printed"
    said = [one.getMessage() for one in caplog.records if one.name == "bot.connectors.process"]
    assert {line.split()[2] for line in said} == {"stdout:", "stderr:"}
    assert sum(map(len, said)) < 3000


@ON_SQLITE
async def test_a_result_that_is_too_long_is_cut_to_text(database: Database, tmp_path: Path) -> None:
    text = result_of(await run(database, tmp_path, "big"))
    assert text.endswith("é…")
    assert len(text.encode()) <= 64 * 1024 + 3


@ON_SQLITE
async def test_a_result_that_json_has_no_word_for_is_kept_as_text(database: Database, tmp_path: Path) -> None:
    assert result_of(await run(database, tmp_path, "odd")) == '{"not a number": NaN, "path": "/x", "half": "?"}'


@ON_SQLITE
async def test_a_tool_sees_the_variables_its_policy_names_and_nothing_else_of_ours(
    database: Database, tmp_path: Path
) -> None:
    seen = result_of(await run(database, tmp_path, "environment"))
    assert set(seen["environment"]) - {"LC_CTYPE"} == {"PATH", "LANG", "PYTHONPATH", "TOOL_SECRET"}
    assert seen["folder"] == "/"


@ON_SQLITE
async def test_a_tool_cannot_read_what_we_tell_its_worker(database: Database, tmp_path: Path) -> None:
    assert result_of(await run(database, tmp_path, "read")) == ""


@ON_SQLITE
async def test_secrets_that_a_tool_echoes_are_masked_in_its_answer_and_in_the_log(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        execution = await run(database, tmp_path, "leak", token="s3cret-value")
    assert result_of(execution) == {"token": "••••••••", "secret": "••••••••"}
    assert "the token is ••••••••" in caplog.text
    assert not {"s3cret-value", "t00l-s3cret"} & set(caplog.text.split())
