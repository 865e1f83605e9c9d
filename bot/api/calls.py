"""What agents do with proposals, for every door that takes agent keys."""

import asyncio

from bot.api.bodies import OFF_THE_LOOP, ProposalBody
from bot.office import Office
from governance.errors import NotFound
from governance.gates import find_problems
from governance.policy import Agent
from operations import propose as operation
from operations import withdraw as withdrawing
from operations.propose import Proposed
from operations.submission import Submission
from storage.dossier import Dossier, dossier
from storage.tables import Proposal


class Calls:
    """Proposing, looking and withdrawing."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def propose(self, agent: Agent, body: ProposalBody, size: int) -> Proposed:
        """Propose a call that came in as so many bytes. Raises what `operations.propose.propose` raises."""
        policy, submission = self._office.policy.current, submission_of(body)
        if size > OFF_THE_LOOP:
            checked = await asyncio.to_thread(find_problems, policy, submission.call)
        else:
            checked = find_problems(policy, submission.call)
        return await self._office.database.write(
            self._office.tenant, lambda tx: operation.propose(tx, policy, agent, submission, checked)
        )

    async def check_own(self, proposal_id: str, agent_id: str | None) -> None:
        """Raise NotFound unless this is a proposal of an agent, or with None of anybody's: another's answers like an
        unknown one."""
        async with self._office.database.read(self._office.tenant) as tx:
            found = await tx.get(Proposal, proposal_id)
        if found is None or agent_id not in (None, found.agent_id):
            raise NotFound("There is no proposal of yours under this id.")

    async def withdraw(self, agent: Agent, proposal_id: str, reason: str | None) -> Dossier:
        """Withdraw a proposal. Raises NotFound or AlreadyDecided."""
        await self._office.database.write(
            self._office.tenant, lambda tx: withdrawing.withdraw(tx, proposal_id, agent.id, reason)
        )
        return await self.dossier(proposal_id)

    async def dossier(self, proposal_id: str) -> Dossier:
        """Return what is stored about a proposal that there is."""
        async with self._office.database.read(self._office.tenant) as tx:
            found = await dossier(tx, proposal_id)
        assert found is not None
        return found


def submission_of(body: ProposalBody) -> Submission:
    """Return what the verbs are told of a body."""
    thread = (body.thread.channel, body.thread.thread_ts) if body.thread else None
    return Submission(**body.model_dump(exclude={"thread"}), thread=thread)
