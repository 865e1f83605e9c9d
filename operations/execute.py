"""Running allowed calls: claim under a lease after asking the live policy again, then settle what came back."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from governance import attempts
from governance.canonical import Json, call_digest
from governance.facts import Facts
from governance.lifecycle import ExecutionStatus, state_of_execution
from governance.policy import Connector, Policy, Tool
from governance.resolution import Scoping
from governance.revalidation import Allowed, Attempt, why_invalid
from governance.secret_fields import join, mask_echoes, split
from governance.text import storable
from governance.tiers import Tier
from operations.allow import mac_of
from operations.claim import PolicyOf, next_startable
from operations.fold import tell_of_unasked
from operations.notify import note, tell_owners
from storage import aap, audit, executions, grants, proposals, rules, surfaces
from storage.database import Tx
from storage.facts import facts_about
from storage.outbox import Priority
from storage.tables import Execution, Proposal

LEASE = timedelta(seconds=10)

#: The connector kind whose calls agents run themselves, and who then holds the lease.
AGENT = "agent"
_TOLD = "the agent was told that it may run this, and never said whether it did"
_NO_REPORT = "the agent did not report in time what became of it"
_UNCERTAIN = frozenset({attempts.Answer.NO_ANSWER, attempts.Answer.BUSY})


@dataclass(frozen=True, slots=True)
class Started:
    """An execution claimed for one attempt, with all a connector needs. Secrets are in `arguments` only."""

    execution: Execution
    proposal: Proposal
    tool: Tool
    arguments: Json
    secrets: tuple[Json, ...]


async def start_next(tx: Tx, policy_of: PolicyOf, owner: str, *, unasked: bool = True) -> Started | Execution | None:
    """Claim the execution that is due longest, those that people approved first; None if none is due.

    The row alone comes back where there is nothing to run here: it turned out invalid, or its agent runs it.
    `unasked` says whether calls that nobody was asked about may start as well.
    """
    execution = await next_startable(tx, policy_of, unasked=unasked)
    if execution is None:
        return None
    started = await start(tx, policy_of(tx.tenant), execution, owner)
    return started.execution if isinstance(started, Started) and started.tool.connector.kind == AGENT else started


async def start(tx: Tx, policy: Policy, execution: Execution, owner: str) -> Started | Execution:
    """Claim one queued execution of this tenant; the row alone where it turned out invalid."""
    proposal = await tx.get(Proposal, execution.proposal_id)
    assert proposal is not None
    try:
        secrets = secrets_of(tx, proposal)
        arguments = join(json.loads(proposal.arguments), secrets)
        why = await _why_invalid(tx, policy, execution, proposal, arguments, tuple(secrets))
    except (SQLAlchemyError, OSError):
        raise  # the database's trouble is not the call's: nothing is known against it, and the next tick asks again
    except Exception as error:  # noqa: BLE001 - what cannot be read back must not run, nor hold up the rest of the queue
        why = f"the stored call cannot be read back ({type(error).__name__})"
    if why is not None:
        return await _invalidate(tx, policy, execution, proposal, why)
    tool = policy.tools[proposal.tool]
    is_agents = tool.connector.kind == AGENT
    lease = tool.connector.timeout if is_agents else LEASE
    await _claim(tx, execution, proposal, AGENT if is_agents else owner, lease)
    return Started(execution, proposal, tool, arguments, tuple(secrets.values()))


def secrets_of(tx: Tx, proposal: Proposal) -> dict[str, Json]:
    """Open the secret arguments of a call, by JSON Pointer. Raises KeyProblem."""
    if proposal.sealed_secrets is None:
        return {}
    opened: dict[str, Json] = json.loads(tx.keys.sealer.unseal(proposal.sealed_secrets, proposal.id))
    return opened


async def _why_invalid(
    tx: Tx, policy: Policy, execution: Execution, proposal: Proposal, arguments: Json, fields: tuple[str, ...]
) -> str | None:
    if execution.mac != mac_of(tx, execution, proposal):
        return "the stored call is not the one that was allowed"
    if proposal.proposed_arguments is not None and await aap.of_proposal(tx, proposal) is not None:
        return "people edited it, and its agent asked over the Agent Approval Protocol, which takes no edits"
    hashed = split(arguments, fields, tx.keys.digest_key).hashed
    digest = call_digest(proposal.tool, proposal.tool_version, hashed)
    agent = policy.agents.get(proposal.agent_id)
    facts = await facts_about(tx, agent, proposal.tool, proposal.call_hash) if agent else Facts(tx.now)
    rule_ended = proposal.rule_id is not None and not await _still_answers(tx, proposal.rule_id)
    sent = Attempt(arguments, digest, execution.attempt, rule_ended)
    return why_invalid(policy, _allowed(execution, proposal), sent, facts)


async def _still_answers(tx: Tx, rule_id: str) -> bool:
    """Whether the rule, or the grant, that answered for people holds yet."""
    return await rules.is_live(tx, rule_id) or await grants.holds(tx, rule_id)


def _allowed(execution: Execution, proposal: Proposal) -> Allowed:
    return Allowed(
        proposal.agent_id, proposal.tool, proposal.tool_version, execution.tier, proposal.digest, execution.start_by,
        proposal.rule_id, Scoping(proposal.automation_id, proposal.run_id, proposal.session_id),
    )  # fmt: skip


async def _invalidate(tx: Tx, policy: Policy, execution: Execution, proposal: Proposal, why: str) -> Execution:
    """End an execution that may not start; where an earlier attempt may have run, that is unknown, not `not run`."""
    if execution.maybe_ran:
        await executions.move(tx, execution, ExecutionStatus.RUNNING)
        error = f"an earlier attempt may have run; it was not repeated, because {why}" if execution.attempt else _TOLD
        await executions.move(tx, execution, ExecutionStatus.UNKNOWN, finished_at=tx.now, error=error)
    else:
        await executions.move(tx, execution, ExecutionStatus.INVALIDATED, finished_at=tx.now, error=why)
    await _finish(tx, policy, execution, proposal)
    return execution


async def _claim(tx: Tx, execution: Execution, proposal: Proposal, owner: str, lease: timedelta) -> None:
    attempt = execution.attempt + 1
    await executions.move(
        tx, execution, ExecutionStatus.RUNNING, attempt=attempt, lease_owner=owner, lease_until=tx.now + lease,
        started_at=execution.started_at or tx.now,
    )  # fmt: skip
    tx.announce(proposals.topic(proposal.id))
    await _note_down(tx, execution, proposal, "execution.started")
    await surfaces.touch(tx, proposal.id, Priority.OUTCOME)


async def keep_lease(tx: Tx, execution: Execution) -> bool:
    """Prolong the claim while a call is under way; False where somebody else has taken over."""
    return await executions.extend_lease(tx, execution, tx.now + LEASE)


async def settle(tx: Tx, policy: Policy, started: Started, result: attempts.Result) -> bool:
    """Record what an attempt brought: done, failed, again later, or unknown; False where the lease was lost."""
    execution = await executions.still_held(tx, started.execution)
    if execution is None:
        return False
    return await conclude(
        tx, policy, execution, started.proposal, masked(result, started.secrets), started.tool.connector
    )


def masked(result: attempts.Result, secrets: tuple[Json, ...]) -> attempts.Result:
    """Return an answer as it may be stored: without NUL, and without the secrets it echoes."""
    text = mask_echoes(storable(result.result), secrets) if result.result is not None else None
    error = mask_echoes(storable(result.error), secrets) if result.error is not None else None
    return replace(result, result=text, error=error)


async def conclude(
    tx: Tx, policy: Policy, execution: Execution, proposal: Proposal, result: attempts.Result, connector: Connector
) -> bool:
    """Move a running execution to where an answer, already masked, leads; False where somebody else has moved it."""
    following = attempts.after(
        result, attempt=execution.attempt, attempts=_attempts(execution, connector.attempts),
        idempotent=connector.idempotent, maybe_ran=execution.maybe_ran,
    )  # fmt: skip
    return await _leave_running(
        tx, policy, execution, proposal, following, result.result, result.error,
        maybe_ran=result.answer in _UNCERTAIN,
    )  # fmt: skip


def _attempts(execution: Execution, written: int) -> int:
    """Return how many attempts an execution has. One that a person had run again gets that attempt and no other."""
    was_asked_again = execution.started_at is not None and execution.queued_at > execution.started_at
    return 0 if was_asked_again else written


async def recover_next(tx: Tx, policy_of: PolicyOf) -> Execution | None:
    """Take one execution back from a worker that died: again where that is safe, else unknown."""
    execution = await executions.with_lost_lease(tx)
    if execution is None:
        return None
    tx.tenant = execution.tenant
    policy = policy_of(tx.tenant)
    proposal = await tx.get(Proposal, execution.proposal_id)
    assert proposal is not None
    tool = policy.tools.get(proposal.tool)
    attempts_allowed, idempotent = (tool.connector.attempts, tool.connector.idempotent) if tool else (0, False)
    following = attempts.after_lost_lease(
        attempt=execution.attempt, attempts=_attempts(execution, attempts_allowed), idempotent=idempotent
    )
    agents = execution.lease_owner == AGENT
    error = _NO_REPORT if agents else "the process that ran it stopped before an answer came"
    await _leave_running(tx, policy, execution, proposal, following, None, error, maybe_ran=True)
    return execution


async def _leave_running(
    tx: Tx, policy: Policy, execution: Execution, proposal: Proposal, following: attempts.Next, result: str | None,
    error: str | None, *, maybe_ran: bool,
) -> bool:  # fmt: skip
    again_at: datetime = tx.now + following.delay
    is_again = following.status is ExecutionStatus.QUEUED
    moved = await executions.move(
        tx, execution, following.status, lease_owner=None, lease_until=None, result=result, error=error,
        next_attempt_at=again_at, finished_at=None if is_again else tx.now, maybe_ran=execution.maybe_ran or maybe_ran,
    )  # fmt: skip
    if not moved:
        return False
    if is_again:
        await _note_down(tx, execution, proposal, "execution.postponed")
        await surfaces.touch(tx, proposal.id, Priority.OUTCOME)
        tx.announce("executions")
        return True
    await _finish(tx, policy, execution, proposal)
    return True


async def _finish(tx: Tx, policy: Policy, execution: Execution, proposal: Proposal) -> None:
    """Tell everybody how an execution ended: the agent, the card, its thread, the owners.

    A call that nobody was asked about has no card. When nobody knows what became of it, it gets one, so that
    somebody can answer.
    """
    await proposals.enter_state(tx, proposal.id, state_of_execution(execution.status))
    await _note_down(tx, execution, proposal, "execution.finished")
    is_unknown, channel = execution.status is ExecutionStatus.UNKNOWN, policy.approvals_channel
    if is_unknown and channel and not await surfaces.of_proposal(tx, proposal.id):
        await surfaces.open_one(tx, proposal.id, channel)
    await surfaces.touch(tx, proposal.id, Priority.OUTCOME)
    await note(tx, proposal.id, execution.status.value, priority=Priority.OUTCOME)
    if execution.tier is Tier.ACT_AUTO and execution.status is ExecutionStatus.SUCCEEDED:
        return
    tell_of = tell_of_unasked if execution.unasked else tell_owners
    await tell_of(tx, proposal, execution.status.value)


async def _note_down(tx: Tx, execution: Execution, proposal: Proposal, kind: str) -> None:
    detail = {"status": execution.status, "attempt": execution.attempt, "error": execution.error,
              "digest": proposal.digest}  # fmt: skip
    await audit.record(
        tx, kind, "system", agent_id=proposal.agent_id, proposal_id=proposal.id, execution_id=execution.id,
        detail=detail,
    )  # fmt: skip
