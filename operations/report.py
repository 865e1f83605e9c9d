"""An agent reports what became of an allowed call that it ran itself."""

from dataclasses import dataclass

from governance.attempts import Answer, Result
from governance.errors import Conflict, NotFound
from governance.lifecycle import ExecutionStatus
from governance.policy import Connector, Policy
from operations.execute import AGENT, Started, conclude, masked, secrets_of, start
from storage import executions
from storage.database import Tx
from storage.tables import Execution, Proposal

_ANSWER = {
    ExecutionStatus.SUCCEEDED: Answer.SUCCEEDED,
    ExecutionStatus.FAILED: Answer.FAILED,
    ExecutionStatus.UNKNOWN: Answer.NO_ANSWER,
}
UNSAID = {
    ExecutionStatus.FAILED: "the agent reported that it failed",
    ExecutionStatus.UNKNOWN: "the agent does not know whether it happened",
}


@dataclass(frozen=True, slots=True)
class Report:
    """What an agent says. `result` is canonical JSON text; `status` is succeeded, failed or unknown."""

    status: ExecutionStatus
    result: str | None = None
    error: str | None = None

    @property
    def answer(self) -> Result:
        """The same as a connector would say it."""
        return Result(_ANSWER[self.status], self.result, self.error or UNSAID.get(self.status))


async def report(tx: Tx, policy: Policy, proposal_id: str, agent_id: str, said: Report) -> Execution:
    """Settle an execution as its agent says; one still queued starts and settles at once.

    The same report again changes nothing. Raises NotFound, or Conflict where the call is not the agent's to run, not
    allowed, or reported otherwise. An execution that comes back `invalidated` could not start any more.
    """
    proposal = await tx.get(Proposal, proposal_id)
    if proposal is None or proposal.agent_id != agent_id:
        raise NotFound("There is no proposal of yours under this id.")
    if proposal.connector != AGENT:
        raise Conflict("Countersign runs this call itself; there is nothing to report.", code="NOT_YOURS_TO_RUN")
    execution = await executions.locked(tx, proposal.id)
    if execution is None:
        raise Conflict(f"This proposal is {proposal.state}; only an allowed call can be reported.", code="NOT_ALLOWED")
    answer = masked(said.answer, tuple(secrets_of(tx, proposal).values()))
    if execution.status is ExecutionStatus.QUEUED:
        started = await start(tx, policy, execution, AGENT)
        if not isinstance(started, Started):
            return started
    if execution.status is not ExecutionStatus.RUNNING:
        return _repeated(execution, said, answer)
    await conclude(tx, policy, execution, proposal, answer, Connector(AGENT))
    return execution


def _repeated(execution: Execution, said: Report, answer: Result) -> Execution:
    if (execution.status, execution.result, execution.error) == (said.status, answer.result, answer.error):
        return execution
    raise Conflict(
        f"This call has already ended as {execution.status}; another report changes nothing.",
        code="ALREADY_REPORTED",
        details={"status": execution.status, "error": execution.error},
    )
