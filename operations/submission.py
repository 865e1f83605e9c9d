"""What an agent submits, and by what it is known again."""

from dataclasses import dataclass, field
from datetime import timedelta

from governance.canonical import Json, keyed_hash
from governance.lifecycle import OPEN_STATES, ProposalState
from governance.policy import Agent, Policy, Tool
from governance.resolution import Scoping
from governance.verdict import Call, Outcome, Verdict
from storage.database import Tx


@dataclass(frozen=True, slots=True)
class Submission:
    """What an agent sent, parsed."""

    tool: str
    arguments: Json
    idempotency_key: str | None = None
    session_id: str | None = None
    trace_id: str | None = None
    automation_id: str | None = None
    run_id: str | None = None
    rationale: str | None = None
    on_behalf_of: str | None = None
    thread: tuple[str, str] | None = None  #: channel and thread_ts
    ttl: timedelta | None = None  #: how long the agent waits for people at most; the policy's time if that is shorter

    @property
    def call(self) -> Call:
        """The part of it that is judged."""
        scoping = Scoping(self.automation_id, self.run_id, self.session_id)
        return Call(self.tool, self.arguments, self.on_behalf_of, self.thread[0] if self.thread else None, scoping)


@dataclass(frozen=True, slots=True)
class Work:
    """One submission on its way through the verb."""

    policy: Policy
    agent: Agent
    submission: Submission
    call_hash: str
    verdict: Verdict = field(default=Verdict(Outcome.UNSUPPORTED, ""))

    @property
    def tool(self) -> Tool:
        """The tool it calls; the policy has it, or the verdict is that it does not."""
        return self.policy.tools[self.submission.tool]


def call_hash_of(tx: Tx, agent_id: str, submission: Submission) -> str:
    """Return the keyed hash of who calls what with which arguments: the identity of a call to rules and repetitions."""
    return keyed_hash(tx.keys.digest_key, [agent_id, submission.tool, submission.arguments])


def claim_of(tx: Tx, submission: Submission, call_hash: str, state: ProposalState) -> str | None:
    """Return what makes a repetition find this proposal: the caller's key, or the call itself while it is open."""
    if submission.idempotency_key is not None:
        return f"key:{submission.idempotency_key}"
    asked = [call_hash, submission.session_id, submission.on_behalf_of, list(submission.thread or ())]
    return f"call:{keyed_hash(tx.keys.digest_key, asked)}" if state in OPEN_STATES else None
