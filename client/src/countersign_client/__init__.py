"""The client of Countersign: ask people before an agent acts.

from countersign_client import Gate

gate = Gate()  # COUNTERSIGN_URL and COUNTERSIGN_AGENT_KEY

@gate.guard("deploy.production")
def deploy(service: str) -> str: ...
"""

from countersign_client.async_gate import AsyncGate
from countersign_client.gate import Gate
from countersign_client.operators import AsyncOperator, Operator
from countersign_client.outcomes import (
    Conflict,
    CountersignError,
    Denied,
    Edited,
    Expired,
    Failed,
    Forbidden,
    Invalidated,
    NeedsInput,
    NotExecuted,
    NotFound,
    RateLimited,
    Refused,
    Rejected,
    StillPending,
    Unauthorized,
    Uncertain,
    Unknown,
    Unreachable,
    Unsuccessful,
    UntrustedText,
    Withdrawn,
)
from countersign_client.shapes import (
    Approval,
    ApprovalRequest,
    Decision,
    Delegation,
    Event,
    Execution,
    Proposal,
    Review,
    State,
    Step,
)

__all__ = [
    "Approval",
    "ApprovalRequest",
    "AsyncGate",
    "AsyncOperator",
    "Conflict",
    "CountersignError",
    "Decision",
    "Delegation",
    "Denied",
    "Edited",
    "Event",
    "Execution",
    "Expired",
    "Failed",
    "Forbidden",
    "Gate",
    "Invalidated",
    "NeedsInput",
    "NotExecuted",
    "NotFound",
    "Operator",
    "Proposal",
    "RateLimited",
    "Refused",
    "Rejected",
    "Review",
    "State",
    "Step",
    "StillPending",
    "Unauthorized",
    "Uncertain",
    "Unknown",
    "Unreachable",
    "Unsuccessful",
    "UntrustedText",
    "Withdrawn",
]
