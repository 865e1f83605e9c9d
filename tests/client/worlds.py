"""Flows carried out by hand: answers are dealt out, time moves only when a flow sleeps."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from countersign_client.asking import Asker
from countersign_client.calls import AgentKey, Identity
from countersign_client.flow import Answer, Flow, Lost, Request, Run, Sleep, World

PENDING = {"proposal_id": "prp_1", "state": "pending", "tool": "t", "duplicate": False}
RUNNING = {**PENDING, "state": "allowed", "yours_to_run": True}
DONE = {**PENDING, "state": "succeeded", "execution": {"status": "succeeded", "attempt": 1, "result": 7, "error": None}}


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    """One answer of the server."""
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode())


def problem(status: int, code: str, **details: Any) -> Answer:
    """One refusal."""
    return answer({"code": code, "error": f"{code}.", "details": details}, status)


@dataclass
class Played:
    """One flow's surroundings, and what it asked for."""

    answers: list[Answer | Lost]
    now: float = 1_000.0
    ran: Any = None  #: what the guarded function does
    requests: list[Request] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    tokens: int = 0

    def asker(self, identity: Identity | None = None, patience: float = 60.0) -> Asker:
        """Return who asks here."""
        world = World(lambda: self.now, lambda: 1_770_000_000 + self.now, lambda: 1.0, self._token)
        return Asker(identity or AgentKey("k"), world, patience=patience)

    def _token(self) -> str:
        self.tokens += 1
        return f"{self.tokens:032d}"

    def play(self, flow: Flow[Any]) -> Any:
        """Run a flow to its end."""
        try:
            effect = next(flow)
            while True:
                effect = flow.send(self._carry_out(effect))
        except StopIteration as ended:
            return ended.value

    def _carry_out(self, effect: Request | Sleep | Run) -> Any:
        if isinstance(effect, Sleep):
            self.slept.append(effect.seconds)
            self.now += effect.seconds
            return None
        if isinstance(effect, Run):
            self.runs.append(effect)
            return self.ran
        self.requests.append(effect)
        return self.answers.pop(0)

    def bodies(self) -> Iterable[Any]:
        """What was sent."""
        return [json.loads(one.body) for one in self.requests if one.body]
