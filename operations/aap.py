"""Requests of the Agent Approval Protocol: proposals with another face, whose agents consume an approval to start."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import uuid_utils

from governance.aap import WAITING, AapStatus, status_of
from governance.canonical import Json, canonical, parse_strict
from governance.errors import AlreadyDecided, Conflict, NotFound, TooMany, Unauthenticated, Unprocessable
from governance.lifecycle import ExecutionStatus
from governance.limits import Room
from governance.policy import Agent, Policy, Problem
from governance.text import storable
from governance.verdict import Outcome
from operations.claim import room_now
from operations.execute import AGENT, Started, start
from operations.propose import Proposed, propose
from operations.report import Report, report
from operations.resolved import owe_event
from operations.submission import Submission
from operations.withdraw import withdraw
from storage import aap, executions
from storage.database import Tx
from storage.tables import AapRequest, Execution, Proposal


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose requests are meant: an agent's own, or those of one instance of it."""

    agent_id: str
    instance_id: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in. `tool` is the policy's name of it, `body` the whole submission, parsed."""

    holder: Holder
    key: str
    body: Json
    tool: str
    timeout: timedelta
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of it. `request` is None where the arguments do not fit, of which `proposed` says more."""

    request: AapRequest | None
    proposed: Proposed | None = None


async def file(
    tx: Tx, policy: Policy, agent: Agent, asked: Asked, checked: Sequence[Problem] | None = None
) -> Filed:  # fmt: skip
    """Propose what an agent asks for, and keep how it asked. Under the same key the same request is the answer.

    Raises Conflict for another request under the key, Unprocessable for a tool that its agent does not run, TooMany;
    then nothing is recorded.
    """
    holder = asked.holder
    earlier = await aap.by_key(tx, holder.agent_id, holder.instance_id, asked.key)
    if earlier is not None:
        if canonical(submission_of(tx, earlier)) == canonical(asked.body):
            return Filed(earlier)
        raise Conflict("This idempotency key was used for another request.", code="idempotency_conflict")
    await _check(tx, policy, asked)
    request = await _insert(tx, policy, asked)
    submission = Submission(
        asked.tool, asked.body["arguments"], f"{aap.KEY}{request.id}", asked.session_id,
        rationale=asked.body.get("agent_reasoning"), ttl=asked.timeout,
    )  # fmt: skip
    proposed = await propose(tx, policy, agent, submission, checked)
    if proposed.verdict.outcome is Outcome.NEEDS_INPUT:
        await tx.session.delete(request)
        await tx.session.flush()
        return Filed(None, proposed)
    await _join(tx, request, proposed)
    return Filed(request, proposed)


async def _check(tx: Tx, policy: Policy, asked: Asked) -> None:
    tool = policy.tools.get(asked.tool)
    if tool is not None and not tool.is_internal and tool.connector.kind != AGENT:
        raise Unprocessable(
            f"Countersign runs {tool.name} itself ({tool.connector.kind}); over this protocol the agent does. Write "
            'connector = { kind = "agent" } for the tool in countersign.toml, or propose it at /api/v1/proposals.',
            code="tool_not_run_by_agent",
        )
    if tool is not None and tool.secret_fields and not tx.keys.sealer.ready:
        raise Unprocessable(
            f"{tool.name} has secret fields and COUNTERSIGN_ENCRYPTION_KEY is not set.", code="no_encryption_key"
        )
    if asked.holder.instance_id:
        held = await aap.hold_instance(tx, asked.holder.instance_id, shared=True)
        if held is None or held.deleted_at is not None:
            raise Unauthenticated("This instance has been deleted.")


async def _insert(tx: Tx, policy: Policy, asked: Asked) -> AapRequest:
    tool, holder, request_id = policy.tools.get(asked.tool), asked.holder, str(uuid_utils.uuid7())
    longest = policy.ttl_of(tool) if tool is not None else policy.default_ttl
    plain = canonical(asked.body)
    kept = tx.keys.sealer.seal(plain, request_id) if tx.keys.sealer.ready else plain.decode()
    return await tx.add(AapRequest(
        id=request_id, tenant=tx.tenant, agent_id=holder.agent_id, instance_id=holder.instance_id,
        idempotency_key=asked.key, submission=kept, created_at=tx.now,
        deadline_at=tx.now + min(longest, asked.timeout),
    ))  # fmt: skip


async def _join(tx: Tx, request: AapRequest, proposed: Proposed) -> None:
    """Tie a request to its proposal, or keep why there is none; what is settled already is news like any other."""
    if proposed.proposal is None:
        request.note = storable(proposed.verdict.reason)
    else:
        request.proposal_id = proposed.proposal.id
    await tx.session.flush()
    if proposed.proposal is None or proposed.proposal.state not in WAITING:
        await owe_event(tx, request)


def submission_of(tx: Tx, request: AapRequest) -> Json:
    """Return a request as it came in. Raises KeyProblem where it was sealed under a key that is gone."""
    if request.submission.startswith("{"):
        return parse_strict(request.submission.encode())
    return parse_strict(tx.keys.sealer.unseal(request.submission, request.id))


def check_holder(request: AapRequest | None, holder: Holder) -> AapRequest:
    """Return a request that is this caller's. Raises NotFound, for another's as for none."""
    if request is None or (request.agent_id, request.instance_id) != (holder.agent_id, holder.instance_id):
        raise NotFound("There is no request of yours under this id.", code="not_found")
    return request


async def cancel(tx: Tx, holder: Holder, request_id: str) -> None:
    """Take a request back that waits; again is fine. Raises NotFound, or Conflict where it has ended otherwise."""
    request = check_holder(await tx.get(AapRequest, request_id), holder)
    if request.proposal_id is None:
        raise _terminal(AapStatus.DENIED)
    try:
        await withdraw(tx, request.proposal_id, holder.agent_id, None)
    except AlreadyDecided:
        proposal = await tx.get(Proposal, request.proposal_id)
        assert proposal is not None  # it was just looked at
        raise _terminal(_status(proposal)) from None


def _terminal(status: AapStatus) -> Conflict:
    return Conflict(f"This request is {status} already.", code="already_terminal")


def _status(proposal: Proposal) -> AapStatus:
    return status_of(proposal.state, edited=proposal.proposed_arguments is not None)


async def consume(tx: Tx, policy: Policy, holder: Holder, request_id: str, key: str) -> bool:
    """Start an approved call, once, after asking the live policy again; the same key again changes nothing.

    False where it turned out that the call may not start any more, which is recorded. Raises NotFound, TooMany where
    its tool is at its limit, Conflict where it is not approved, consumed, or its time has passed.
    """
    request = check_holder(await aap.locked(tx, request_id), holder)
    if request.consume_key == key:
        return True
    proposal = await tx.get(Proposal, request.proposal_id) if request.proposal_id else None
    if proposal is None or _status(proposal) is not AapStatus.APPROVED:
        status = _status(proposal) if proposal is not None else AapStatus.DENIED
        raise Conflict(f"This request is {status}, not approved.", code="not_approved")
    execution = await _startable(tx, policy, request, proposal)
    execution.maybe_ran = False  # whoever asks to start has not
    await tx.session.flush()
    if not isinstance(await start(tx, policy, execution, AGENT), Started):
        return False
    request.consume_key, request.consumed_at = key, tx.now
    await tx.session.flush()
    return True


async def _startable(tx: Tx, policy: Policy, request: AapRequest, proposal: Proposal) -> Execution:
    execution = await executions.locked(tx, proposal.id)
    assert execution is not None  # what is approved has one
    if request.consume_key is not None or execution.started_at is not None:
        raise Conflict("This approval has been used.", code="already_consumed")
    if execution.status is not ExecutionStatus.QUEUED or tx.now >= execution.start_by:
        raise too_late()
    if await room_now(tx, policy.tools.get(proposal.tool)) is not Room.ANY:
        sentence = f"No more calls of {proposal.tool} may start at the moment; try again shortly."
        raise TooMany(sentence, code="tool_at_its_limit", details={"retry_after": 2})
    return execution


def too_late() -> Conflict:
    """Return what answers whoever wants to start what may not start any more."""
    return Conflict("This call may not start any more; ask again if it still needs to happen.", code="approval_expired")


async def tell_approved(tx: Tx, holder: Holder, request_id: str) -> None:
    """Keep that an agent was told that it may run a call: from here on, that it did not run is not certain."""
    request = check_holder(await aap.locked(tx, request_id), holder)
    execution = await executions.locked(tx, request.proposal_id) if request.proposal_id else None
    if execution is not None and execution.status is ExecutionStatus.QUEUED:
        execution.maybe_ran = True
        await tx.session.flush()


async def conclude(
    tx: Tx, policy: Policy, holder: Holder, request_id: str, status: ExecutionStatus, note: str | None
) -> None:
    """Record what an agent says became of a call it started. The same again changes nothing.

    Raises NotFound, or Conflict where it was not started, or was reported otherwise.
    """
    request = check_holder(await aap.locked(tx, request_id), holder)
    execution = await executions.locked(tx, request.proposal_id) if request.proposal_id else None
    if execution is None or execution.started_at is None or request.proposal_id is None:
        raise Conflict("This request has not been consumed, so there is nothing to report.", code="not_consumed")
    has_result = note is not None and status is ExecutionStatus.SUCCEEDED
    result = canonical(note).decode() if has_result else None
    said = Report(status, result, None if has_result else note)
    try:
        await report(tx, policy, request.proposal_id, holder.agent_id, said)
    except Conflict as conflict:
        raise Conflict(conflict.sentence, code="outcome_conflict") from None
