"""What the tools need done: inside the server `local` does it, elsewhere `remote` asks the HTTP API for it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from bot.api.bodies import DecisionBody, ProposalBody
from governance.lifecycle import ProposalState

Told = Mapping[str, Any]
Tell = Callable[[Told], Awaitable[None]]

#: While a proposal is in one of these there may be something to wait for.
OPEN = frozenset({ProposalState.PENDING, ProposalState.ALLOWED})


class AgentDesk(Protocol):
    """What an agent may do. Everything answers with a shape of the API, or raises a Refusal."""

    async def propose(self, body: ProposalBody, size: int) -> Told:
        """Propose a call; where it is refused, with `problems` and `missing_scopes`."""

    async def read(self, proposal_id: str) -> Told:
        """Return a proposal as it is."""

    async def wait(self, proposal_id: str, seconds: float, tell: Tell) -> Told:
        """Return a proposal once it needs no more waiting for, or after so many seconds; tell how it stands meanwhile,
        every few seconds."""

    async def pending(self, limit: int, cursor: str | None) -> Told:
        """Return a page of the agent's requests that people can still answer."""

    async def withdraw(self, proposal_id: str, reason: str | None) -> Told:
        """Take a proposal back."""


class OperatorDesk(Protocol):
    """What an operator may do."""

    async def requests(self, status: str | None, limit: int, cursor: str | None) -> Told:
        """Return a page of requests."""

    async def request(self, approval_id: str) -> Told:
        """Return one request."""

    async def decide(self, approval_id: str, body: DecisionBody) -> Told:
        """Answer a request as the person whose key it is."""
