"""Starting processes of our own, waiting until they answer, and stopping them whatever happens."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

import aiohttp

ROOT = Path(__file__).parent.parent
SERVE = (sys.executable, "-c", "import sys; from bot.__main__ import main; sys.argv[1:] = ['serve']; main()")
_READY_WITHIN = 60.0
_STOPS_WITHIN = 20.0
_LOOK_EVERY = 0.004


class BenchmarkProblem(Exception):
    """The benchmark cannot go on; the text says why in one sentence."""


def free_port() -> int:
    """Return a port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without settings of a real installation, plus `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERSIGN_", "SLACK_"))}
    return {**kept, **extra}


@asynccontextmanager
async def running(
    command: Sequence[str], extra: Mapping[str, str], log: Path | None = None, *, pipes: bool = False
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a process while the block lasts: SIGTERM at its end, SIGKILL where that is not enough."""
    with (log or Path(os.devnull)).open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, env=environment(extra), stderr=errors,
            stdin=asyncio.subprocess.PIPE if pipes else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if pipes else asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    try:
        yield process
    finally:
        await _stop(process)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(_STOPS_WITHIN):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def ready(url: str, process: asyncio.subprocess.Process, log: Path | None = None) -> float:
    """Wait for `/readyz` to answer 200 and return the moment (perf_counter) when it did."""
    deadline = perf_counter() + _READY_WITHIN
    async with aiohttp.ClientSession() as session:
        while not await _answers(session, f"{url}/readyz"):
            if process.returncode is not None or perf_counter() > deadline:
                raise BenchmarkProblem(f"The server did not get ready.\n{_end_of(log)}")
            await asyncio.sleep(_LOOK_EVERY)
    return perf_counter()


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def first_problem(problems: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first exception inside nested groups."""
    found: BaseException = problems
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


def last_errors(log: Path, most: int = 3) -> str:
    """Return the last lines of a log that name an error."""
    lines = [line[:300] for line in log.read_text(errors="replace").splitlines() if "Error: " in line]
    return "\n".join(f"the server's log: {line}" for line in lines[-most:])


def _end_of(log: Path | None) -> str:
    return log.read_text(errors="replace")[-2000:] if log and log.exists() else ""
