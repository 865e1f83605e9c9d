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
        self.carols_key = self.do(stack.key(KeyKind.OPERATOR, "U0CAROL"))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the server's thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def newest(self) -> str:
        """The id of the newest proposal, whether or not anybody was asked about it."""
        _, judged = self.do(self.stack.call("GET", "/api/v1/governance/policy-decisions?limit=1"))
        found: str = judged["policy_decisions"][0]["proposal_id"]
        return found

    @property
    def environment(self) -> dict[str, str]:
        """What programs are told."""
        return {
            "COUNTERSIGN_URL": self.url, "COUNTERSIGN_AGENT_KEY": self.key,
            "COUNTERSIGN_OPERATOR_KEY_ID": self.operator_key[0], "COUNTERSIGN_OPERATOR_SECRET": self.operator_key[1],
        }  # fmt: skip

    def operator(self) -> Operator:
        """Bob, by his key."""
        return Operator(self.url, *self.operator_key)

    @contextmanager
    def deciding(self, *decisions: "Decide") -> Iterator[None]:
        """Let Bob decide the next requests that wait, one decision each, while something else goes on."""
        done, left = threading.Event(), list(decisions)
        with self.operator() as bob:
            known = {one.id for one in bob.approvals("pending")}

        def work() -> None:
            with self.operator() as bob:
                while left and not done.is_set():
                    new = [one for one in bob.approvals("pending") if one.id not in known]
                    for request in new[:1]:
                        known.add(request.id)
                        left.pop(0)(self, bob, request)
                    done.wait(0.0 if new else 0.05)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
        assert not left


Decide = Callable[[Beside, Operator, ApprovalRequest], Any]


def approve(beside: Beside, bob: Operator, request: ApprovalRequest) -> None:
    """Say yes to what was looked at."""
    bob.approve(request.id, digest=request.digest)


def reject(beside: Beside, bob: Operator, request: ApprovalRequest) -> None:
    """Say no, and why."""
    bob.reject(request.id, "not on a Friday")


def edited_to(**arguments: Any) -> Decide:
    """Put other arguments in place of the proposed ones, and let Carol approve these."""

    def edit(beside: Beside, bob: Operator, request: ApprovalRequest) -> None:
        body = {"arguments": arguments, "digest": request.digest}
        stack = beside.stack
        status, told = beside.do(
            stack.signed(beside.operator_key, "POST", f"/api/v1/approvals/{request.id}/edit", body)
        )
        assert status == 200, told
        with Operator(beside.url, *beside.carols_key) as carol:
            carol.approve(request.id, digest=carol.approval(request.id).digest)

    return edit


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
