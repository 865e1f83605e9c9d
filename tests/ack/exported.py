"""The server's own record, as `countersign audit export` writes it, read as AgentAck's trace."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from agentack.models import Action, TraceEvent

from governance.clocks import start_by

_ENDS = {"approval.expired": "expired", "approval.withdrawn": "withdrawn"}


def trace_of(lines: Iterable[dict[str, Any]]) -> list[TraceEvent]:
    """Return the trace that some lines of an export are. An action is its tool and digest: no more is kept."""
    reading = _Reading()
    for line in lines:
        reading.take(line)
    reading.add("session_end", reading.at)
    return reading.events


class _Reading:
    def __init__(self) -> None:
        self.events: list[TraceEvent] = []
        self.at = datetime.min
        self._tools: dict[str, str] = {}
        self._asked: dict[str, str] = {}

    def take(self, line: dict[str, Any]) -> None:
        kind, detail, id = line["kind"], line["detail"], line["proposal"] or ""
        self.at = datetime.fromisoformat(line["at"])
        if kind == "proposal.pending":
            self._tools[id], self._asked[id] = detail["tool"], line["request"]
            action = self._action(id, detail)
            self.add("action_proposed", self.at, action_id=id, action=action)
            self.add("approval_requested", self.at, action_id=id, approval_id=self._asked[id], action=action)
        elif kind == "approval.decided":
            allowed = detail["status"] == "approved"
            until = start_by(self.at, datetime.fromisoformat(detail["expires_at"])) if allowed else None
            self._decide(id, "allow" if allowed else "deny", until)
            if not allowed:
                self._block(id, "rejected")
        elif kind in _ENDS:
            self._decide(id, "deny")
            self._block(id, _ENDS[kind])
        elif kind == "execution.started" and detail["attempt"] == 1:
            self.add("action_executed", self.at, **self._about(id), action=self._action(id, detail))
        elif kind == "execution.finished" and detail["status"] == "invalidated":
            self._block(id, "invalidated")

    def add(self, kind: Any, at: datetime, **more: Any) -> None:
        self.events.append(TraceEvent(type=kind, timestamp=at, session_id="record", **more))

    def _decide(self, id: str, verdict: str, expires_at: datetime | None = None) -> None:
        self.add("approval_decision", self.at, **self._about(id), decision=verdict, expires_at=expires_at)

    def _block(self, id: str, why: str) -> None:
        self.add("action_blocked", self.at, **self._about(id), reason=why)

    def _about(self, id: str) -> dict[str, str | None]:
        return {"action_id": id, "approval_id": self._asked.get(id)}

    def _action(self, id: str, detail: dict[str, Any]) -> Action:
        return Action(self._tools.get(id, "unknown"), "call", None, {"digest": detail["digest"]})
