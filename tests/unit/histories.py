"""Audit entries as the trust mapping reads them, a few words each."""

from datetime import UTC, datetime, timedelta
from typing import Any

from governance.story import Event

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TOOL = {
    "tool": "deploy.production", "action_class": "deploy", "capability": "deploy.production", "digest": "sha256:d1",
    "trace_id": "trace-7", "rule_id": None, "code": None, "outcome": "tier",
}  # fmt: skip


def event(id: int, kind: str, actor: str = "system", *, keyed: bool = True, **detail: Any) -> Event:
    ids: dict[str, Any] = {"agent": "deployer", "proposal_id": "prp_1", "request_id": None, "execution_id": None}
    ids |= {name: detail.pop(name) for name in list(ids) if name in detail}
    at = NOON + timedelta(seconds=id)
    return Event(id=id, at=at, kind=kind, actor=actor, detail=detail, keyed=keyed, **ids)


def opening(state: str = "pending", tier: str | None = "act_with_approval", id: int = 1, **more: Any) -> Event:
    return event(id, f"proposal.{state}", "agent:deployer", **{**TOOL, "tier": tier, **more})


def vote(id: int, person: str, kind: str = "review.recorded", **more: Any) -> Event:
    said = {
        "verdict": "approve", "status": "pending", "version": 1, "quorum": 2, "digest": "sha256:d1", "reason": None,
        "expires_at": "2026-11-25T12:00:00+00:00", "approvers": [], "request_id": "apr_1",
    }  # fmt: skip
    return event(id, kind, f"person:{person}", **{**said, **more})


def settled(id: int, person: str, *approvers: str, **more: Any) -> Event:
    return vote(id, person, "approval.decided", status="approved", approvers=sorted({person, *approvers}), **more)


def finished(id: int, status: str = "succeeded", kind: str = "execution.finished", **more: Any) -> Event:
    return event(id, kind, execution_id="exe_1", status=status, digest="sha256:d1", **more)
