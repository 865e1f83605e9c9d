"""The row of a proposal, made from a judged submission."""

from governance.canonical import call_digest, canonical
from governance.lifecycle import ProposalState
from governance.secret_fields import Split, mask_echoes, split
from governance.text import storable
from governance.verdict import Outcome
from operations.submission import Work, claim_of
from storage.database import Tx
from storage.tables import Proposal
from storage.tables.base import new_id


def proposal_row(tx: Tx, work: Work, state: ProposalState) -> Proposal:
    """Return the proposal as it is stored: secrets masked and sealed apart, the digest over what will run."""
    agent, tool, submission, verdict = work.agent, work.tool, work.submission, work.verdict
    parts = split(submission.arguments, tool.secret_fields, tx.keys.digest_key)
    accepted = verdict.outcome is Outcome.TIER
    proposal_id = new_id("prp")
    channel, thread_ts = submission.thread or (None, None)
    return Proposal(
        id=proposal_id,
        tenant=tx.tenant,
        agent_id=agent.id,
        agent_name=agent.name,
        creator=agent.creator,
        requester=verdict.panel.requester if verdict.panel else submission.on_behalf_of,
        tool=tool.name,
        tool_version=tool.version,
        title=tool.title,
        action_class=tool.action_class,
        connector=tool.connector.kind,
        risk=tool.risk,
        arguments=canonical(parts.masked).decode(),
        sealed_secrets=_sealed(tx, proposal_id, parts) if accepted else None,
        digest=call_digest(tool.name, tool.version, parts.hashed),
        call_hash=work.call_hash,
        idempotency_key=submission.idempotency_key if accepted else None,
        claim_key=claim_of(tx, submission, work.call_hash, state) if accepted else None,
        session_id=submission.session_id,
        trace_id=submission.trace_id,
        automation_id=submission.automation_id,
        run_id=submission.run_id,
        rationale=mask_echoes(storable(submission.rationale), parts.secrets.values()) if submission.rationale else None,
        on_behalf_of=submission.on_behalf_of,
        thread_channel=channel,
        thread_ts=thread_ts,
        consequence=storable(tool.tell_consequence(parts.masked)) if accepted else None,
        state=state,
        tier=verdict.tier,
        reason=storable(verdict.reason),
        code=verdict.code,
        rule_id=verdict.rule.id if verdict.rule else None,
        created_at=tx.now,
        closed_at=tx.now if state in (ProposalState.DENIED, ProposalState.SHADOWED) else None,
    )


def _sealed(tx: Tx, proposal_id: str, parts: Split) -> str | None:
    return tx.keys.sealer.seal(canonical(parts.secrets), proposal_id) if parts.secrets else None
