"""What an operator says: approve, reject, put off. Each verdict may be sent again; the server takes it once."""

from datetime import datetime
from typing import Any

from countersign_client.asking import Asker
from countersign_client.calls import call, part
from countersign_client.flow import Flow
from countersign_client.shapes import ApprovalRequest


def decide(asker: Asker, approval_id: str, decision: str, **more: Any) -> Flow[ApprovalRequest]:
    """Send a verdict. Moments are written in RFC 3339; they need a time zone."""
    body = {"decision": decision, **{name: _written(value) for name, value in more.items()}}
    told = yield from asker.ask(call("POST", f"/approvals/{part(approval_id)}", body))
    return ApprovalRequest.from_json(told)


def look(asker: Asker, approval_id: str) -> Flow[ApprovalRequest]:
    """Return one request."""
    told = yield from asker.ask(call("GET", f"/approvals/{part(approval_id)}"))
    return ApprovalRequest.from_json(told)


def _written(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise ValueError("until: give a moment with its time zone, for example datetime.now(UTC) + timedelta(hours=1)")
    return value.isoformat()
