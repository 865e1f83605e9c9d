"""Guarded calls: propose, wait, run where it is ours to run, and say what became of it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from countersign_client.asking import Asker
from countersign_client.flow import Flow, Raised, Returned, Run
from countersign_client.outcomes import Conflict, CountersignError, Edited, Refused, StillPending, Uncertain, Unknown
from countersign_client.proposing import get, propose, report, wait_for, withdraw
from countersign_client.reporting import reportable, sentence
from countersign_client.shapes import Proposal

log = logging.getLogger("countersign_client")

_MASK = "••••••••"  # what the server shows instead of a secret
_SETTLING = 5.0  # seconds to say what became of a call that nobody waits for any more


@dataclass(frozen=True, slots=True)
class Guarded:
    """One guarded call. `takes_edits` says that the function can be run with other arguments of the same tool.

    `idempotency_key` is the caller's own name for the call, where it has one; `more` goes into the proposal.
    """

    tool: str
    arguments: Mapping[str, Any]
    takes_edits: bool = True
    timeout: float | None = None
    uncertain: tuple[type[BaseException], ...] = (Uncertain, TimeoutError)
    idempotency_key: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def guarded(asker: Asker, call: Guarded) -> Flow[Any]:
    """Return what the call returned, run here or by the server. Raises Unsuccessful, or what the function raised."""
    proposal = yield from cleared(asker, call)
    if not proposal.yours_to_run:
        return proposal.result
    ran: Returned | Raised = yield Run(proposal.arguments if proposal.edited else None)
    if isinstance(ran, Raised):
        yield from _report_trouble(asker, call, proposal, ran.error)
        raise ran.error
    yield from _report(asker, proposal, "succeeded", result=reportable(ran.value))
    return ran.value


def cleared(asker: Asker, call: Guarded) -> Flow[Proposal]:
    """Propose and wait; return the proposal once it is yours to run or the server has run it.

    Raises Unknown for a call under the caller's own key that was handed out before: it may be running, or have run;
    StillPending for one that was not decided in time, and is withdrawn by then; Edited where people approved other
    arguments that cannot be handed over, because what is approved runs, or nothing.
    """
    proposed = yield from propose(asker, call.tool, call.arguments, idempotency_key=call.idempotency_key, **call.more)
    if call.idempotency_key and proposed.duplicate and proposed.yours_to_run:
        raise Unknown(proposed, "it was already handed out under this idempotency key")
    found = yield from _waited(asker, proposed, call.timeout)
    why = _why_not(call, found.raise_for_state())
    if why is not None:
        yield from _report(asker, found, "failed", error=f"nothing was run: {why}")
        raise Edited(found, why)
    return found


def _waited(asker: Asker, proposed: Proposal, timeout: float | None) -> Flow[Proposal]:
    """Wait; what is not decided in time is taken back, because nobody would run it any more."""
    try:
        return (yield from wait_for(asker, proposed, timeout))
    except StillPending as pending:
        in_time = yield from _taken_back(asker.within(_SETTLING), pending.proposal.proposal_id)
        if in_time is None:
            raise
        return in_time


def _taken_back(asker: Asker, proposal_id: str) -> Flow[Proposal | None]:
    """Withdraw a proposal; return it where somebody was quicker and decided it."""
    try:
        yield from withdraw(asker, proposal_id, "the agent waits no longer")
    except Conflict:
        found = yield from get(asker, proposal_id)
        return None if found.is_open else found
    except CountersignError:
        log.warning("%s is waited for no longer, and could not be withdrawn", proposal_id)
    return None


def _why_not(call: Guarded, proposal: Proposal) -> str | None:
    """Return why the arguments that a person put in place of the proposed ones cannot be run here."""
    if not proposal.edited or not proposal.yours_to_run:
        return None
    if not call.takes_edits:
        return "they cannot be turned into this function's"
    return "they hold a secret that is not shown" if _has_mask(proposal.arguments) else None


def _has_mask(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_mask, value.values()))
    return any(map(_has_mask, value)) if isinstance(value, list) else value == _MASK


def _report_trouble(asker: Asker, call: Guarded, proposal: Proposal, error: BaseException) -> Flow[None]:
    """Report what a function raised: failed, or unknown where it cannot say, or was cut off."""
    if not isinstance(error, Exception):
        yield from _report(asker, proposal, "unknown", error=sentence(error), patience=_SETTLING)
    else:
        status = "unknown" if isinstance(error, call.uncertain) else "failed"
        yield from _report(asker, proposal, status, error=sentence(error))


def _report(
    asker: Asker, proposal: Proposal, status: str, *, result: Any = None, error: str | None = None,
    patience: float | None = None,
) -> Flow[None]:  # fmt: skip
    """Report, and log where that fails: the function has run, and its caller must not take it for undone."""
    patient = asker if patience is None else asker.with_patience(patience)
    try:
        try:
            yield from report(patient, proposal.proposal_id, status, result=result, error=error)
        except Refused as refused:
            if refused.status != 422 or result is None:
                raise
            yield from report(patient, proposal.proposal_id, status)  # the server keeps no such result
    except CountersignError as trouble:
        log.warning("%s of %s was not reported: %s", status, proposal.proposal_id, trouble)
