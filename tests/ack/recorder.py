"""Records what really happens around a running server, as AgentAck's trace.

Each kind of event has a witness of its own. What was proposed is what the agent sent; what people were asked is read
off the card in the workspace; a decision is a signed click or a signed call, and stands where that was made; what ran
is what arrived at the service that approved calls reach. Only whether a decision was taken, and how a call that never
ran ended, is asked of the server.
"""

from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from agentack.models import Action, EvaluationReport, TraceEvent
from agentack.parser import read_jsonl, write_jsonl
from agentack.policy import Policy

from bot.workspace import Answer, Message
from governance.clocks import start_by
from tests.ack.reading import shown_on
from tests.integration.calls import API, Key
from tests.integration.wound import WoundClock
from tests.stack import Stack

T = TypeVar("T")

#: Everything needs an approval, which is bound to the exact action and used once; after a stop nothing runs.
STRICT = Policy(require_approval_for=("*",))
_NOT_RUN = frozenset({"rejected", "expired", "withdrawn", "denied", "invalidated"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One action under one approval: a proposal's call in one version of its arguments."""

    proposal_id: str
    digest: str
    request_id: str | None
    version: int
    intent: str | None

    @property
    def action_id(self) -> str:
        return f"{self.proposal_id}/{self.digest[:12]}"

    @property
    def approval_id(self) -> str | None:
        return f"{self.request_id}/{self.version}" if self.request_id else None


class Recorder:
    """Drives one scene and keeps its trace in the order in which things happened."""

    def __init__(self, stack: Stack, clock: WoundClock) -> None:
        self.stack, self.clock = stack, clock
        self.events: list[TraceEvent] = []
        self._known: list[Asked] = []
        self._shown: set[str] = set()
        self._decided: set[str] = set()
        self._read, self._done = 0, set[str]()

    async def propose(self, tool: str, arguments: dict[str, Any], *, intent: str | None = None, **more: Any) -> Asked:
        """Propose a call as the agent, and record it as it was sent."""
        self.watch()
        moment = self.clock()
        status, body = await self.stack.propose(tool, arguments=arguments, **more)
        assert status in (201, 202), body
        approval = body["approval"] or {}
        asked = Asked(
            body["proposal_id"],
            body["digest"].partition(":")[2],
            approval.get("id"),
            approval.get("version", 1),
            intent,
        )
        self._note("action_proposed", asked, action=_action(tool, arguments), timestamp=moment)
        self._known.append(asked)
        return asked

    async def card_of(self, asked: Asked) -> Message:
        """Wait for the card of a call as it now is, and record what it shows, the first time.

        What is returned stays as it was: its buttons can be clicked when the card shows others by then.
        """
        workspace, footer = self.stack.slack.workspace, f"Digest `{asked.digest[:12]}`"

        def look() -> Message | None:
            card = workspace.card("C0APPROVALS", asked.proposal_id)
            return card if card and footer in str(card.blocks) else None

        card = await workspace.until(look, timeout=30)
        if asked.action_id not in self._shown:
            shown = shown_on(card)
            assert (shown.proposal_id, shown.digest) == (asked.proposal_id, asked.digest[:12])
            self.watch()
            self._note("approval_requested", asked, approved=True, action=_action(shown.tool, shown.arguments))
            self._shown.add(asked.action_id)
        return deepcopy(card)

    async def click(self, asked: Asked, person: str, button: str = "Approve") -> Answer:
        """Click on the call's card as a person."""
        card = await self.card_of(asked)
        return await self.deciding(asked, lambda: self.stack.slack.click(person, card, button))

    async def decide(self, asked: Asked, key: Key, decision: str = "approve", **more: Any) -> tuple[int, Any]:
        """Decide by a signed call."""
        path, body = f"{API}/approvals/{asked.request_id}", {"decision": decision, **more}
        return await self.deciding(asked, lambda: self.stack.signed(key, "POST", path, body))

    async def deciding(self, asked: Asked, act: Callable[[], Awaitable[T]]) -> T:
        """Let people act; where that decided the call, the decision stands in the trace where they began to act."""
        self.watch()
        place, moment = len(self.events), self.clock()
        done = await act()
        told = await self.state(asked)
        decision = (told["approval"] or {}).get("decision")
        if decision is not None and asked.action_id not in self._decided:
            verdict = "allow" if decision["verdict"] == "approved" else "deny"
            expires_at = datetime.fromisoformat(told["approval"]["expires_at"])
            self._decide(asked, verdict, place, moment, start_by(moment, expires_at))
        return done

    async def edit(self, asked: Asked, key: Key, arguments: dict[str, Any]) -> Asked:
        """Have a reviewer replace the arguments: the old call ends undone, and a new one is asked about instead."""
        path = f"{API}/approvals/{asked.request_id}/edit"
        sent = {"arguments": arguments, "digest": f"sha256:{asked.digest}"}
        status, body = await self.stack.signed(key, "POST", path, sent)
        assert status == 200, body
        self.blocked(asked, "edited")
        edited = Asked(
            asked.proposal_id, body["digest"].partition(":")[2], asked.request_id, body["version"], asked.intent
        )
        self._note("action_proposed", edited, action=_action(body["tool"], arguments))
        self._known.append(edited)
        return edited

    async def ended(self, asked: Asked) -> str:
        """Wait for a call's end; returns it. One that ended undone is recorded so, one that ran by its service."""
        told = await self.stack.settled(asked.proposal_id, 30)
        state = str(told["state"])
        self.watch()
        if state in _NOT_RUN:
            self.blocked(asked, state)
        return state

    def blocked(self, asked: Asked, reason: str) -> None:
        """Record that a call ended undone. An approval that nobody gave is, to AgentAck, one that was refused."""
        self.watch()
        if asked.action_id not in self._decided and asked.approval_id is not None:
            self._decide(asked, "deny", len(self.events), self.clock())
        self._note("action_blocked", asked, approved=True, reason=reason)

    async def stop_agent(self, key: Key, reason: str = "stop") -> None:
        """Pause the agent: from here on nothing of it may run."""
        status, body = await self.stack.signed(key, "POST", f"{API}/agents/deployer/pause", {"reason": reason})
        assert status == 200, body
        self.watch()
        self._add("interrupt", reason=reason)

    def forward(self, **amount: float) -> None:
        """Let time pass for the server."""
        self.watch()
        self.clock.forward(**amount)

    def watch(self) -> None:
        """Record what has arrived at the service since. A repetition under the same key is no second effect."""
        for call in self.stack.service.calls[self._read :]:
            if call.key not in self._done:
                self._done.add(call.key)
                self._ran(call.body)
        self._read = len(self.stack.service.calls)

    async def state(self, asked: Asked) -> Any:
        return (await self.stack.call("GET", f"{API}/proposals/{asked.proposal_id}"))[1]

    def judge(self, folder: Path, policy: Policy = STRICT) -> EvaluationReport:
        """End the trace, write it down as JSON Lines, and have AgentAck judge the file."""
        self.watch()
        self._add("session_end")
        return judged(self.events, folder / "trace.jsonl", policy)

    def _ran(self, body: dict[str, Any]) -> None:
        action, digest = _action(body["tool"], body["arguments"]), body["digest"].partition(":")[2]
        calls = [one for one in self._known if one.proposal_id == body["proposal_id"]]
        asked = next((one for one in calls if one.digest == digest), calls[-1] if calls else None)
        if asked is None:  # nobody proposed this
            self._add("action_executed", action_id=str(body["proposal_id"]), action=action)
            return
        self._note("action_executed", asked, approved=True, action=action)

    def _decide(
        self, asked: Asked, verdict: Any, place: int, moment: datetime, expires_at: datetime | None = None
    ) -> None:
        self._decided.add(asked.action_id)
        said = {"decision": verdict, "timestamp": moment, "expires_at": expires_at}
        self._note("approval_decision", asked, place, approved=True, **said)

    def _note(self, kind: Any, asked: Asked, place: int | None = None, *, approved: bool = False, **more: Any) -> None:
        ids = {"action_id": asked.action_id, "intent_id": asked.intent}
        self._add(kind, place, **ids, approval_id=asked.approval_id if approved else None, **more)

    def _add(self, kind: Any, place: int | None = None, **more: Any) -> None:
        event = TraceEvent(type=kind, session_id="scene", **{"timestamp": self.clock(), **more})
        self.events.insert(len(self.events) if place is None else place, event)


def judged(events: list[TraceEvent], path: Path, policy: Policy = STRICT) -> EvaluationReport:
    """Have AgentAck judge a trace as it reads it from a file."""
    from agentack.engine import evaluate_events

    write_jsonl(path, events)
    return evaluate_events(read_jsonl(path), policy=policy)


def _action(tool: str, arguments: dict[str, Any]) -> Action:
    return Action(tool, "call", None, arguments)
