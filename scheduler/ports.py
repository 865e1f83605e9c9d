"""What the scheduler is given: handlers for what is owed, connectors for what may run, the policy in force."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from governance.attempts import Result
from governance.policy import Policy
from operations.execute import Started
from storage.tables import OutboxMessage

#: Delivers one outbox message; raises Postponed to have it again, Held where it put it back itself, Undeliverable to
#: give it up.
Handler = Callable[[OutboxMessage], Awaitable[None]]

#: Runs one attempt of an allowed call and reports what came back; it does not raise for the other side's troubles.
Connector = Callable[[Started], Awaitable[Result]]


class HasPolicy(Protocol):
    """Whoever holds the policies in force."""

    def of(self, tenant: str) -> Policy:
        """Return one tenant's policy as of now; an empty one for a tenant it does not know."""


class Postponed(Exception):
    """This message could not be delivered now. `certain` says that nothing reached the other side, `blameless` that no
    message could have been delivered, so that this one is not given up for it.
    """

    def __init__(self, why: str, *, after: float, certain: bool, blameless: bool = False) -> None:
        super().__init__(why)
        self.after, self.certain, self.blameless = after, certain, blameless


class Held(Exception):
    """This message was put back by its handler, until a moment that the handler knows."""


class Undeliverable(Exception):
    """This message can never be delivered."""
