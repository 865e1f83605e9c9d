"""The python connector: a function of an installed package, run in a worker process of its own, once per call.

A tool that hangs, crashes or floods hurts nobody but itself.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from bot.connectors.process import Child, environment_of, log_what_it_said, running, secrets_among, within
from bot.connectors.results import as_result, without
from governance.attempts import Answer, Result
from governance.canonical import Json, canonical
from operations.execute import Started

_WORKER = Path(__file__).with_name("worker.py")
_MAX_ANSWER = 1024 * 1024
_LAST_WORDS = 1.0  # seconds in which the answer of a killed worker runs dry


class PythonConnector:
    """Runs calls whose tool says `kind = "python"`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    async def __call__(self, started: Started) -> Result:
        """Make one attempt. Never raises for what the tool does."""
        secrets = (*started.secrets, *secrets_among(started.tool.connector.env, self._environment))
        answers, child = _Answers(secrets), Child()
        try:
            await self._run(started, child, answers)
        except (OSError, ValueError) as error:
            return Result(Answer.NOT_SENT, error=f"the worker process could not be started: {error}")
        finally:
            log_what_it_said(f"{started.tool.name} ({started.execution.id})", child, secrets)
        return without(answers.result(), secrets)

    async def _run(self, started: Started, child: Child, answers: "_Answers") -> None:
        """Let a worker run until it has answered, died or used up its time; nothing of it is left afterwards."""
        connector = started.tool.connector
        environment = environment_of(connector.env, self._environment)
        async with _pipe_into(answers) as write_end:
            command = (sys.executable, "-P", str(_WORKER), str(write_end.fileno()))
            async with running(command, environment, child, (write_end.fileno(),)) as transport:
                write_end.close()
                stdin: Any = transport.get_pipe_transport(0)
                stdin.write(_request(started))
                ended = await within(connector.timeout.total_seconds(), answers.ended, child.exited)
                answers.timed_out = not ended
            await within(_LAST_WORDS, answers.ended)


@asynccontextmanager
async def _pipe_into(answers: "_Answers") -> AsyncIterator[FileIO]:
    """Yield the end of a pipe to write answers into."""
    read_end, write_end = os.pipe()
    reader, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: answers, FileIO(read_end, "rb"))
    try:
        with FileIO(write_end, "wb") as writer:
            yield writer
    finally:
        reader.close()


class _Answers(asyncio.Protocol):
    """What a worker says on its own descriptor; more than an answer can be is read no further."""

    def __init__(self, secrets: tuple[Json, ...]) -> None:
        self.timed_out, self._secrets = False, secrets
        self.ended = asyncio.Event()
        self._said = bytearray()

    def data_received(self, data: bytes) -> None:
        """Collect what an answer may have, and note when it is there or is none any more."""
        self._said += data[: _MAX_ANSWER + 1 - len(self._said)]
        if len(self._said) > _MAX_ANSWER or self._read() is not None:
            self.ended.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that nothing more will come."""
        self.ended.set()

    def result(self) -> Result:
        """Return what it all means: an attempt that had not begun has certainly done nothing."""
        found = self._read()
        if found is not None:
            return found
        how = "was killed when its time was up" if self.timed_out else "ended without an answer"
        if not self._said:
            return Result(Answer.NOT_SENT, error=f"the tool {how}, before it was called")
        return Result(Answer.NO_ANSWER, error=f"the tool {how}")

    def _read(self) -> Result | None:
        match self._lines():
            case [{"state": "not_sent", "error": str(why)}]:
                return Result(Answer.NOT_SENT, error=why)
            case [{"state": "begun"}, {"state": "succeeded", "result": str(text)}]:
                return Result(Answer.SUCCEEDED, result=as_result(text.encode(), self._secrets))
            case [{"state": "begun"}, {"state": "failed", "error": str(why)}]:
                return Result(Answer.FAILED, error=why)
        return None

    def _lines(self) -> list[Any]:
        """Return the lines of a complete answer; anything else is none."""
        if len(self._said) > _MAX_ANSWER or not self._said.endswith(b"\n"):
            return []
        try:
            return [json.loads(line) for line in bytes(self._said).splitlines()]
        except ValueError:
            return []


def _request(started: Started) -> bytes:
    context = {
        "execution_id": started.execution.id, "proposal_id": started.proposal.id,
        "attempt": started.execution.attempt, "digest": started.proposal.digest,
    }  # fmt: skip
    asked = {"entry": started.tool.connector.entry, "arguments": started.arguments, "context": context}
    return canonical(asked) + b"\n"
