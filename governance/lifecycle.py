"""The two small machines and their legal moves, as data. Storage moves rows along them by guarded UPDATEs."""

from enum import StrEnum


class RequestStatus(StrEnum):
    """Where an approval request stands."""

    PENDING = "pending"
    DEFERRED = "deferred"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class ExecutionStatus(StrEnum):
    """Where the running of an allowed call stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    INVALIDATED = "invalidated"


class ProposalState(StrEnum):
    """The one word an agent acts on."""

    ALLOWED = "allowed"
    PENDING = "pending"
    SUGGESTED = "suggested"
    SHADOWED = "shadowed"
    DENIED = "denied"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    INVALIDATED = "invalidated"


_R, _E = RequestStatus, ExecutionStatus

#: A decision on a deferred request reopens and decides in one move, so a deferred row may settle directly.
REQUEST_MOVES: dict[RequestStatus, frozenset[RequestStatus]] = {
    _R.PENDING: frozenset({_R.APPROVED, _R.REJECTED, _R.EXPIRED, _R.WITHDRAWN, _R.DEFERRED}),
    _R.DEFERRED: frozenset({_R.PENDING, _R.APPROVED, _R.REJECTED, _R.EXPIRED, _R.WITHDRAWN}),
}

EXECUTION_MOVES: dict[ExecutionStatus, frozenset[ExecutionStatus]] = {
    _E.QUEUED: frozenset({_E.RUNNING, _E.INVALIDATED}),
    _E.RUNNING: frozenset({_E.SUCCEEDED, _E.FAILED, _E.UNKNOWN, _E.QUEUED}),
    _E.UNKNOWN: frozenset({_E.SUCCEEDED, _E.FAILED, _E.QUEUED}),
}

OPEN_REQUESTS = frozenset(REQUEST_MOVES)
OPEN_STATES = frozenset({ProposalState.ALLOWED, ProposalState.PENDING, ProposalState.SUGGESTED})


def sources_of_request(target: RequestStatus) -> frozenset[RequestStatus]:
    """Return the statuses from which a request may move to `target`."""
    return frozenset(source for source, targets in REQUEST_MOVES.items() if target in targets)


def sources_of_execution(target: ExecutionStatus) -> frozenset[ExecutionStatus]:
    """Return the statuses from which an execution may move to `target`."""
    return frozenset(source for source, targets in EXECUTION_MOVES.items() if target in targets)


def state_of_request(status: RequestStatus, suggested: bool) -> ProposalState:
    """Return what the agent reads while its request has `status` and nothing runs yet."""
    if status in OPEN_REQUESTS:
        return ProposalState.SUGGESTED if suggested else ProposalState.PENDING
    return ProposalState.ALLOWED if status is _R.APPROVED else ProposalState(status.value)


def state_of_execution(status: ExecutionStatus) -> ProposalState:
    """Return what the agent reads once its call may run."""
    return ProposalState.ALLOWED if status in (_E.QUEUED, _E.RUNNING) else ProposalState(status.value)
