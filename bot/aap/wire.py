"""The protocol's JSON, built from what is stored; clients refuse whatever stands in it besides."""

import json
from datetime import datetime
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from bot.api.bodies import moment
from governance.aap import AapStatus, status_of
from governance.canonical import Json
from governance.lifecycle import ExecutionStatus, ProposalState
from governance.text import cut
from operations.report import UNSAID
from storage.dossier import Dossier
from storage.tables import AapInstance, AapRequest, Execution

_LONGEST_NOTE = 4_000
_ENDED = frozenset({ExecutionStatus.SUCCEEDED, ExecutionStatus.FAILED})


class ErrorJson(TypedDict):
    """What went wrong, and under which `X-Request-ID`."""

    type: str
    code: str
    message: str
    param: NotRequired[str]
    request_id: str


class AapProblem(TypedDict):
    """Every refusal of the protocol."""

    error: ErrorJson


class DecisionJson(TypedDict):
    """How a request was resolved; what is approved may start until `expires_at`."""

    status: Literal["approved", "denied", "expired", "cancelled"]
    decided_at: str
    note: NotRequired[str]
    expires_at: NotRequired[str]


class OutcomeJson(TypedDict):
    """What the agent said became of the call."""

    status: Literal["succeeded", "failed"]
    reported_at: str
    note: NotRequired[str]


class ConsumptionJson(TypedDict):
    """That the approval was used."""

    consumed_at: str
    outcome: NotRequired[OutcomeJson]


class RequestJson(TypedDict):
    """A request: what was submitted, exactly, and how it stands."""

    id: str
    tool: str
    arguments: dict[str, Any]
    timeout: str
    status: Literal["pending", "approved", "denied", "expired", "cancelled"]
    created_at: str
    deadline_at: str
    server: NotRequired[str]
    agent_reasoning: NotRequired[str]
    context: NotRequired[dict[str, Any]]
    decision: NotRequired[DecisionJson]
    consumption: NotRequired[ConsumptionJson]


class DeliveryJson(TypedDict):
    """Where an instance is notified."""

    type: Literal["webhook"]
    url: str
    registration_id: str


class InstanceJson(TypedDict):
    """An instance."""

    id: str
    name: str
    delivery: NotRequired[DeliveryJson]


class CredentialJson(TypedDict):
    """The bearer token of an instance."""

    token: str


class ProvisionedJson(TypedDict):
    """An instance with its token."""

    instance: InstanceJson
    credential: CredentialJson


def request_json(request: AapRequest, submission: dict[str, Json], found: Dossier | None) -> dict[str, Any]:
    """Return a request as it stands. `found` is None where the policy knows no such tool."""
    status = how(found)
    told = {
        **submission, "id": request.id, "status": status, "created_at": moment(request.created_at),
        "deadline_at": moment(request.deadline_at),
    }  # fmt: skip
    if status is AapStatus.PENDING:
        return told
    told["decision"] = _decision(request, status, found)
    if found is not None and found.execution is not None and found.execution.started_at is not None:
        told["consumption"] = _consumption(request, found.execution, found.execution.started_at)
    return told


def how(found: Dossier | None) -> AapStatus:
    """Return how a request stands."""
    if found is None:
        return AapStatus.DENIED
    return status_of(found.proposal.state, edited=found.proposal.proposed_arguments is not None)


def _decision(request: AapRequest, status: AapStatus, found: Dossier | None) -> dict[str, str]:
    asked = found.request if found is not None else None
    decided_at = asked.decided_at if asked is not None and asked.decided_at is not None else request.created_at
    told = {"status": status.value, "decided_at": moment(decided_at)}
    if note := _note(request, status, found):
        told["note"] = cut(note, _LONGEST_NOTE)
    if status is AapStatus.APPROVED:
        assert found is not None
        assert found.execution is not None  # what is approved has one
        told["expires_at"] = moment(found.execution.start_by)
    return told


def _note(request: AapRequest, status: AapStatus, found: Dossier | None) -> str | None:
    """Return what to tell the agent: a person's reason, or the policy's."""
    if found is None:
        return request.note
    proposal = found.proposal
    if proposal.state is ProposalState.SHADOWED:
        return f"Only noted, not to be run: {proposal.reason}."
    if proposal.state is ProposalState.DENIED:
        return proposal.reason
    if status is AapStatus.DENIED and proposal.state is not ProposalState.REJECTED:
        return f"People changed the arguments; if you agree, propose these: {proposal.arguments}"
    return found.request.reason if found.request is not None else None


def _consumption(request: AapRequest, execution: Execution, started_at: datetime) -> dict[str, Any]:
    consumed_at = request.consumed_at or started_at
    told: dict[str, Any] = {"consumed_at": moment(consumed_at)}
    if execution.status in _ENDED and execution.finished_at is not None:
        outcome = {"status": execution.status.value, "reported_at": moment(execution.finished_at)}
        note = _outcome_note(execution)
        told["outcome"] = outcome | ({"note": note} if note else {})
    return told


def _outcome_note(execution: Execution) -> str | None:
    """Return what the agent said: a text where it succeeded, what went wrong where it failed."""
    if execution.status is ExecutionStatus.FAILED:
        return execution.error if execution.error != UNSAID[ExecutionStatus.FAILED] else None
    result = json.loads(execution.result) if execution.result is not None else None
    return result if isinstance(result, str) else None


def instance_json(instance: AapInstance) -> dict[str, Any]:
    """Return an instance as its provisioner reads it, without any secret."""
    told: dict[str, Any] = {"id": instance.id, "name": instance.name}
    if instance.url is None:
        return told
    return told | {
        "delivery": {"type": "webhook", "url": instance.url, "registration_id": instance.registration_id}
    }  # fmt: skip
