"""A whole Countersign in a thread of its own, so that tests speak to it as agents and people do: from outside."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from countersign_client import ApprovalRequest, Operator
from storage.tables import KeyKind
from tests.policies import policy_text, tool
from tests.stack import Stack, start_with, stop_stack

T = TypeVar("T")

_AGENTS_OWN = """
[[tools]]
name = "{name}"
title = "{title}"
action_class = "{action_class}"
capability = "{action_class}"
risk = "low_write"
consequence = "Does {name}"
reviewers = ["U0BOB", "U0CAROL"]
secret_fields = ["token"]
connector = {{ kind = "agent", timeout = "15m" }}
"""


def agents_own(name: str, action_class: str = "deploy") -> str:
    """A tool whose calls the agent runs itself; of the class `note.write` nobody is asked."""
    return _AGENTS_OWN.format(name=name, title=name, action_class=action_class)


POLICY = (
    agents_own("files.delete")
    + agents_own("files.touch", "note.write")
    + agents_own("claude.Bash")
    + agents_own("claude.Write", "note.write")
    + tool("release.publish", scopes="[]", more="")
)


class Beside:
    """The stack, and how to reach it from another thread."""

    def __init__(self, stack: Stack, loop: asyncio.AbstractEventLoop) -> None:
        self.stack, self._loop = stack, loop
        self.url, self.key = stack.url, stack.agent_secret
        self.operator_key = self.do(stack.key(KeyKind.OPERATOR, "U0BOB"))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the server's thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    @property
    def environment(self) -> dict[str, str]:
        """What programs are told."""
        return {
            "COUNTERSIGN_URL": self.url, "COUNTERSIGN_AGENT_KEY": self.key,
            "COUNTERSIGN_OPERATOR_KEY": self.operator_key[0], "COUNTERSIGN_OPERATOR_SECRET": self.operator_key[1],
        }  # fmt: skip

    def operator(self) -> Operator:
        """Bob, by his key."""
        return Operator(self.url, *self.operator_key)

    @contextmanager
    def deciding(self, decide: Callable[[Operator, ApprovalRequest], Any]) -> Iterator[None]:
        """Let Bob decide the next request that waits, while something else goes on."""
        done = threading.Event()

        def work() -> None:
            with self.operator() as bob:
                while not done.is_set():
                    for request in bob.approvals("pending"):
                        decide(bob, request)
                        return
                    done.wait(0.05)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def approve(bob: Operator, request: ApprovalRequest) -> None:
    """Say yes to what was looked at."""
    bob.approve(request.id, digest=request.digest)


def reject(bob: Operator, request: ApprovalRequest) -> None:
    """Say no, and why."""
    bob.reject(request.id, "not on a Friday")


@contextmanager
def running_beside(url: str, folder: Path, extra: str = "") -> Iterator[Beside]:
    """Start a stack in a thread of its own, and stop it again."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    started: Stack | None = None
    try:
        starting = start_with(url, folder, lambda target: policy_text(target, extra=POLICY + extra))
        started = asyncio.run_coroutine_threadsafe(starting, loop).result(60)
        yield Beside(started, loop)
    finally:
        if started is not None:
            asyncio.run_coroutine_threadsafe(stop_stack(started), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
