"""Short forms of what tests of webhooks do: endpoints made, events sealed, deliveries sent by hand."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from bot.webhooks import Webhooks
from governance.policy import Policy
from operations.webhooks import Wish, create_endpoint
from scheduler.outbox import Outbox
from scheduler.upkeep import seal_audit
from storage.database import Database
from storage.tables import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from tests.conftest import Clock
from tests.integration.verbs import TENANT, Held, asked, rows
from tests.receiver import Receiver

ADMIN = "U0ADMIN"
_NUMBERS = itertools.count()


@dataclass
class Hooks:
    """A database whose events go to a receiver when told to."""

    database: Database
    policy: Policy
    clock: Clock
    receiver: Receiver
    sender: Webhooks
    held: Held

    async def endpoint(self, tenant: str = TENANT, url: str = "", **wish: tuple[str, ...]) -> tuple[str, str]:
        """Make an endpoint; returns its id and its secret."""
        wanted = Wish(url or self.receiver.url, **wish)  # type: ignore[arg-type]
        made, secret = await self.database.write(tenant, lambda tx: create_endpoint(tx, wanted, ADMIN))
        return made.id, secret

    async def happen(self, times: int = 1, **more: str) -> None:
        """Have calls asked about, and what happened sealed."""
        for _ in range(times):
            await asked(self.database, self.policy, arguments={"service": f"s{next(_NUMBERS)}"}, **more)
        await seal_audit(self.database)

    async def send(self) -> None:
        """Send what is due and let it end."""
        outbox = Outbox(self.database, self.sender.handlers(), lane="webhooks")
        await outbox.drain()
        await outbox.stop()

    async def send_through(self, steps: int = 40) -> None:
        """Send, and whenever nothing is due any more, let time pass to the next try; until all is settled."""
        for _ in range(steps):
            await self.send()
            waiting = [one.next_attempt_at for one in await self.deliveries(status=DeliveryStatus.QUEUED)]
            if not waiting:
                return
            self.clock.now = max(self.clock.now, min(waiting))
            self.clock.forward(seconds=2)
            while self.clock.now < min(waiting):
                self.clock.forward(minutes=10)
        raise AssertionError("still not settled")

    async def deliveries(self, **where: object) -> list[WebhookDelivery]:
        return await rows(self.database, WebhookDelivery, **where)

    async def only(self) -> WebhookDelivery:
        (one,) = await self.deliveries()
        return one

    async def stored(self, endpoint_id: str) -> WebhookEndpoint:
        (one,) = await rows(self.database, WebhookEndpoint, id=endpoint_id)
        return one  # type: ignore[no-any-return]


@asynccontextmanager
async def hooks_of(database: Database, policy: Policy, clock: Clock) -> AsyncIterator[Hooks]:
    """Everything, with a policy that opens addresses inside, where tests listen."""
    held = Held(replace(policy, private_webhooks=True))
    sender = Webhooks(database, held)
    async with Receiver() as receiver:
        yield Hooks(database, policy, clock, receiver, sender, held)
    await sender.close()


def all_signed_by(receiver: Receiver, secret: str) -> bool:
    """Whether every call is signed by a secret."""
    check: Callable[..., bool] = lambda one: one.is_signed_by(secret)  # noqa: E731
    return bool(receiver.calls) and all(map(check, receiver.calls))
