"""The agent's desk inside the server."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.api import wire
from bot.api.approvals import page_of
from bot.api.bodies import ProposalBody
from bot.api.calls import Calls
from bot.api.mcp.bridge import Passage
from bot.api.mcp.desks import AgentDesk, Tell, Told
from bot.api.queries import CURSOR
from bot.api.waiting import Waiters
from bot.office import Office
from governance.errors import NotFound
from governance.policy import Agent


@dataclass(frozen=True, slots=True)
class Visit:
    """One call of a tool over HTTP: which agent's key it bore, and the request it came in."""

    agent: Agent
    passage: Passage
    check_still: Callable[[], Awaitable[None]]  #: raises once the agent would be let in no more


@dataclass(frozen=True, slots=True)
class LocalDesk:
    """The agent's desk inside the server."""

    office: Office
    calls: Calls
    waiters: Waiters
    visit: Visit

    async def propose(self, body: ProposalBody, size: int) -> Told:
        """Propose a call."""
        proposed = await self.calls.propose(self.visit.agent, body, size)
        verdict, proposal = proposed.verdict, proposed.proposal
        if proposal is None:
            raise NotFound(
                f"There is no tool named {body.tool[:80]!r}.", code="UNSUPPORTED", details={"tool": body.tool}
            )
        told = wire.proposal_json(await self.calls.dossier(proposal.id), duplicate=proposed.duplicate)
        return told | {"problems": proposal.problems or [], "missing_scopes": list(verdict.missing_scopes)}

    async def read(self, proposal_id: str) -> Told:
        """Return a proposal."""
        await self.calls.check_own(proposal_id, self.visit.agent.id)
        return wire.proposal_json(await self.calls.dossier(proposal_id))

    async def wait(self, proposal_id: str, seconds: float, tell: Tell) -> Told:
        """Wait in one of the places that the agent has, while its key is live."""
        await self.calls.check_own(proposal_id, self.visit.agent.id)

        async def still() -> None:
            await self.visit.check_still()
            await tell(await self.read(proposal_id))

        await self.waiters.wait(self.visit.passage.request, self.visit.agent.id, proposal_id, seconds, tell=still)
        await self.visit.check_still()
        return await self.read(proposal_id)

    async def pending(self, limit: int, cursor: str | None) -> Told:
        """Return what waits."""
        return await page_of(self.office, CURSOR.parse(cursor), limit, agent_id=self.visit.agent.id, only_open=True)

    async def withdraw(self, proposal_id: str, reason: str | None) -> Told:
        """Take a proposal back."""
        return wire.proposal_json(await self.calls.withdraw(self.visit.agent, proposal_id, reason))


def desk_maker(office: Office, calls: Calls, waiters: Waiters) -> Callable[[Visit], AgentDesk]:
    """Return what makes the desk of one visit."""
    return lambda visit: LocalDesk(office, calls, waiters, visit)
