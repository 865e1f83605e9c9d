"""What the server tells, as frozen dataclasses. Fields that a newer server adds are ignored."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from countersign_client import outcomes
from countersign_client.outcomes import UntrustedText


class State(StrEnum):
    """The one word to act on."""

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


_ENDS: Mapping[str, type[outcomes.Unsuccessful]] = {
    State.REJECTED: outcomes.Rejected,
    State.EXPIRED: outcomes.Expired,
    State.WITHDRAWN: outcomes.Withdrawn,
    State.INVALIDATED: outcomes.Invalidated,
    State.FAILED: outcomes.Failed,
    State.UNKNOWN: outcomes.Unknown,
    State.SUGGESTED: outcomes.NotExecuted,
    State.SHADOWED: outcomes.NotExecuted,
}


def _known(kind: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a dataclass that stand in JSON, as they stand there."""
    return {one.name: data[one.name] for one in fields(kind) if one.name in data}


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _said(text: Any) -> UntrustedText | None:
    return UntrustedText(text) if isinstance(text, str) else None


@dataclass(frozen=True, slots=True)
class Review:
    """One person's answer."""

    by: str | None = None
    verdict: str = ""
    at: datetime | None = None
    reason: UntrustedText | None = None
    on_behalf_of: str | None = None
    via: str | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read one."""
        return cls(**_known(cls, data) | {"at": _moment(data.get("at")), "reason": _said(data.get("reason"))})


@dataclass(frozen=True, slots=True)
class Decision:
    """What settled a request."""

    verdict: str = ""
    by: str | None = None
    at: datetime | None = None
    reason: UntrustedText | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read one."""
        return cls(**_known(cls, data) | {"at": _moment(data.get("at")), "reason": _said(data.get("reason"))})


def _reviews(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an approval and an approval request have in common, read."""
    decision = data.get("decision")
    return {
        "expires_at": _moment(data.get("expires_at")),
        "reviews": tuple(map(Review.from_json, data.get("reviews") or ())),
        "decision": Decision.from_json(decision) if decision else None,
    }


@dataclass(frozen=True, slots=True)
class Approval:
    """How the question to people stands."""

    id: str
    status: str
    version: int = 1
    approvals: int = 0
    quorum: int = 1
    expires_at: datetime | None = None
    reviews: tuple[Review, ...] = ()
    decision: Decision | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read one."""
        return cls(**_known(cls, data) | _reviews(data))


@dataclass(frozen=True, slots=True)
class Execution:
    """How the running of an allowed call stands. `result` is JSON, whatever the tool returned."""

    status: str
    attempt: int = 0
    result: Any = None
    error: str | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read one."""
        return cls(**_known(cls, data))


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed call. `yours_to_run`: allowed, and it is the agent that runs it and reports what became of it."""

    proposal_id: str
    state: str
    tool: str
    duplicate: bool = False
    digest: str | None = None
    tier: str | None = None
    reason: str = ""
    code: str | None = None
    rule_id: str | None = None
    approval: Approval | None = None
    execution: Execution | None = None
    created_at: datetime | None = None
    edited: bool = False
    arguments: Mapping[str, Any] | None = None
    yours_to_run: bool = False

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read one."""
        approval, execution = data.get("approval"), data.get("execution")
        read = {
            "approval": Approval.from_json(approval) if approval else None,
            "execution": Execution.from_json(execution) if execution else None,
            "created_at": _moment(data.get("created_at")),
        }
        return cls(**_known(cls, data) | read)

    @property
    def decision(self) -> Decision | None:
        """What people decided, where they have."""
        return self.approval.decision if self.approval else None

    @property
    def is_open(self) -> bool:
        """Whether there is something to wait for: a decision, or the end of a call that the server runs."""
        return self.state in (State.PENDING, State.ALLOWED) and not self.yours_to_run

    def raise_for_state(self) -> Self:
        """Return the proposal where it is open, yours to run or succeeded; raise the Unsuccessful it is otherwise."""
        if self.state in (State.PENDING, State.ALLOWED, State.SUCCEEDED):
            return self
        if self.state == State.DENIED:
            kind = outcomes.NeedsInput if self.code == "NEEDS_INPUT" else outcomes.Denied
            raise kind(self, self.reason)
        raise _ENDS.get(self.state, outcomes.Unsuccessful)(self, self._why())

    def _why(self) -> str:
        if self.decision and self.decision.reason and self.state == State.REJECTED:
            return self.decision.reason.quoted
        error = self.execution.error if self.execution else None
        return error or ("" if self.approval else self.reason)

    @property
    def result(self) -> Any:
        """What the call returned. Raises StillPending while it has not ended, or the Unsuccessful it is."""
        if self.raise_for_state().state != State.SUCCEEDED:
            raise outcomes.StillPending(self)
        return self.execution.result if self.execution else None


@dataclass(frozen=True, slots=True)
class Delegation:
    """One reviewer's place handed on."""

    by: str
    to: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A request as reviewers see it: secrets are masked, `rationale` and `arguments` are the agent's words."""

    id: str
    status: str
    proposal_id: str
    request_type: str = ""
    version: int = 1
    agent: str = ""
    tool: str = ""
    title: str = ""
    arguments: Mapping[str, Any] | None = None
    digest: str = ""
    consequence: str | None = None
    rationale: str | None = None
    requester: str | None = None
    reviewers: tuple[str, ...] = ()
    approvals: int = 0
    quorum: int = 1
    reviews: tuple[Review, ...] = ()
    created_at: datetime | None = None
    expires_at: datetime | None = None
    decision: Decision | None = None
    proposed_arguments: Mapping[str, Any] | None = None
    edited_by: str | None = None
    delegations: tuple[Delegation, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read one."""
        handed = (Delegation(one["by"], one["to"], _moment(one.get("at"))) for one in data.get("delegations") or ())
        read = {
            "created_at": _moment(data.get("created_at")),
            "reviewers": tuple(data.get("reviewers") or ()),
            "delegations": tuple(handed),
        }
        return cls(**_known(cls, data) | _reviews(data) | read)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a proposal."""

    event: str
    at: datetime | None = None
    actor: str = ""
    detail: Any = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read one."""
        return cls(**_known(cls, data) | {"at": _moment(data.get("at"))})


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the stream. Two have no id, and mean that the requests have to be listed anew: `opened`, of a stream
    that begins now, and `lagged`, of one that was too slow, so that events were dropped."""

    event: str
    id: int | None = None
    at: datetime | None = None
    approval_id: str | None = None
    proposal_id: str | None = None
    agent: str | None = None
    tool: str | None = None
    status: str | None = None
    by: str | None = None
    reason: UntrustedText | None = None
    data: Mapping[str, Any] | None = None  #: everything that was sent

    @classmethod
    def from_json(cls, event: str, data: Mapping[str, Any], id: int | None) -> Self:
        """Read one; `event` and `id` are those of the frame."""
        read = {"at": _moment(data.get("at")), "reason": _said(data.get("reason"))}
        return cls(**_known(cls, data) | read | {"event": event, "id": id, "data": data})


def id_of(proposal: Proposal | str) -> str:
    """Return the id of a proposal, or the id as it is."""
    return proposal if isinstance(proposal, str) else proposal.proposal_id
