"""What is printed. Words of agents and people are shown on one line, without anything a terminal would obey."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from countersign_client.outcomes import UntrustedText
from countersign_client.shapes import ApprovalRequest, Event, Proposal


def print_json(found: Any) -> None:
    """Print records as JSON."""
    print(json.dumps(_plain(found), ensure_ascii=False, indent=2, default=_moment))


def _plain(found: Any) -> Any:
    return [asdict(one) for one in found] if isinstance(found, list) else asdict(found)


def _moment(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is no JSON")


def print_proposal(found: Proposal) -> None:
    """Print a proposal."""
    _print({
        "proposal": found.proposal_id, "tool": found.tool, "state": found.state, "because": _safe(found.reason),
        "request": found.approval.id if found.approval else None,
        "result": json.dumps(found.execution.result) if found.execution and found.execution.result else None,
        "error": found.execution and _safe(found.execution.error),
        "yours to run": "yes" if found.yours_to_run else None,
    })  # fmt: skip


def print_request(found: ApprovalRequest) -> None:
    """Print a request in full: who decides has to see everything."""
    decision = found.decision
    _print({
        "request": found.id, "status": found.status, "agent": found.agent, "tool": found.tool,
        "does": _safe(found.consequence), "arguments": json.dumps(found.arguments), "why": _safe(found.rationale),
        "approvals": f"{found.approvals} of {found.quorum}", "expires": found.expires_at, "digest": found.digest,
        "decided": decision and f"{decision.verdict} by {decision.by}", "reason": decision and _safe(decision.reason),
    })  # fmt: skip


def print_row(found: ApprovalRequest) -> None:
    """Print a request as one line of a list."""
    does = _safe(found.consequence or found.title)
    print(f"{found.id}  {found.status:9}  {found.approvals}/{found.quorum}  {found.agent}  {found.tool}  {does}")


def print_event(event: Event, *, as_json: bool) -> None:
    """Print an event as one line."""
    if as_json:
        print(json.dumps({"event": event.event, "id": event.id, **(event.data or {})}), flush=True)
        return
    words = (
        event.id,
        event.at and event.at.isoformat(),
        event.event,
        event.tool,
        event.status,
        event.approval_id,
        event.by,
    )
    print("  ".join(str(word) for word in words if word), flush=True)


def _print(fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if value not in (None, ""):
            print(f"{name + ':':13} {value}")


def _safe(text: str | None) -> str | None:
    return UntrustedText(text).quoted if text else None
