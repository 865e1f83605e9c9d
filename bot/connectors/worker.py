"""The other end of a `python` tool: a process that runs one function once. It imports nothing of the server.

Started by its path, it reads one line of JSON from standard input, `{entry, arguments, context}`, and writes JSON
lines to the descriptor named by its first argument: `{"state": "begun"}` just before the call, then `succeeded` with
the result as JSON text, or `failed` with one sentence; `not_sent` instead of all that where the function could not be
loaded. Whatever the function prints goes elsewhere. Afterwards it waits to be killed; where its starter is gone, it
kills itself.
"""

import asyncio
import inspect
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, BinaryIO

GROUP = "countersign.tools"
_MAX_RESULT = 64 * 1024 + 8  # a little more than is kept, so that the cut is seen
_MAX_ERROR = 1000

Say = Callable[..., None]


@dataclass(frozen=True)
class Context:
    """What a tool is told besides its arguments. The execution id is the idempotency key of every attempt."""

    execution_id: str
    proposal_id: str
    attempt: int
    digest: str


class NotLoaded(Exception):
    """There is no function to call; nothing has run."""


def main() -> None:
    """Run the function named on standard input."""
    answers = os.fdopen(int(sys.argv[1]), "wb", buffering=0)
    os.set_inheritable(answers.fileno(), False)
    request_stream = _take_standard_input()
    request = json.loads(request_stream.readline())
    watch = threading.Thread(target=_die_with_the_server, args=(request_stream,), daemon=True)
    watch.start()
    _run(request, _sayer(answers))
    answers.close()
    watch.join()


def _sayer(answers: BinaryIO) -> Say:
    def say(state: str, **more: str) -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        answers.write(json.dumps({"state": state, **more}).encode() + b"\n")

    return say


def _run(request: dict[str, Any], say: Say) -> None:
    try:
        tool = _load(request["entry"])
    except NotLoaded as why:
        say("not_sent", error=str(why)[:_MAX_ERROR])
        return
    say("begun")
    try:
        result = _call(tool, request["arguments"], Context(**request["context"]))
    except Exception as error:  # noqa: BLE001 - whatever a tool raises is its answer
        traceback.print_exc()
        say("failed", error=_sentence(error))
    else:
        say("succeeded", result=_as_text(result))


def _load(name: str) -> Callable[..., Any]:
    found = {point.value: point for point in entry_points(group=GROUP, name=name)}
    if not found:
        raise NotLoaded(f"no installed package has {name!r} among its entry points of the group {GROUP}")
    if len(found) > 1:
        raise NotLoaded(f"{name!r} means several things in the group {GROUP}: {', '.join(sorted(found))}")
    (point,) = found.values()
    try:
        tool = point.load()
    except BaseException as error:  # noqa: BLE001 - importing somebody's module may do anything, exit included
        traceback.print_exc()
        raise NotLoaded(f"{point.value} cannot be imported: {_sentence(error)}") from None
    if not callable(tool):
        raise NotLoaded(f"{point.value} is not a function")
    loaded: Callable[..., Any] = tool
    return loaded


def _call(tool: Callable[..., Any], arguments: Any, context: Context) -> Any:
    result = tool(arguments, context)
    return asyncio.run(_wait_for(result)) if inspect.isawaitable(result) else result


async def _wait_for(result: Awaitable[Any]) -> Any:
    return await result


def _as_text(result: Any) -> str:
    """Write a result as JSON; what JSON has no word for is written as Python would show it."""
    try:
        text = json.dumps(result, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        text = json.dumps(repr(result), ensure_ascii=False)
    return text.encode("utf-8", "replace")[:_MAX_RESULT].decode("utf-8", "ignore")


def _sentence(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:_MAX_ERROR].encode("utf-8", "replace").decode()


def _take_standard_input() -> BinaryIO:
    """Keep standard input for ourselves; the tool finds an empty one."""
    ours = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return os.fdopen(ours, "rb")


def _die_with_the_server(request_stream: BinaryIO) -> None:
    """Wait for the end of the stream that only the server holds open, and take the whole group along."""
    request_stream.read()
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
