"""Delivery worked by hand: real Slack calls to the local workspace, a clock that stands still, no loop of its own."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from bot.delivery import Delivery
from bot.office import Office
from bot.policy import PolicySource
from bot.slack import new_client
from bot.workspace import Message, WorkspaceServer
from bot.workspace.state import Workspace
from governance.policy import Policy
from scheduler.outbox import Outbox
from storage.database import Database
from storage.tables import OutboxMessage, Surface
from tests.conftest import Clock
from tests.integration.verbs import SECRETS, rows
from tests.policies import policy_text

_ROUNDS = 60
APPROVALS, DEPLOYS = "C0APPROVALS", "C0DEPLOYS"


@dataclass
class Desk:
    """One process that delivers, and the workspace it delivers to."""

    database: Database
    clock: Clock
    slack: WorkspaceServer
    config: Path
    source: PolicySource = field(init=False)
    office: Office = field(init=False)
    delivery: Delivery = field(init=False)
    outbox: Outbox = field(init=False)

    def __post_init__(self) -> None:
        self.config.write_text(policy_text())
        self.source = PolicySource(self.config, SECRETS)
        self.restart()

    def restart(self) -> None:
        """Be another process: nothing of what this one remembered outside the database is left."""
        client = new_client(self.workspace.app.bot_token, self.slack.api_url)
        self.office = Office(self.database, self.source, client)
        self.delivery = Delivery(self.office)
        self.outbox = Outbox(self.database, self.delivery.handlers())

    @property
    def workspace(self) -> Workspace:
        return self.slack.workspace

    @property
    def policy(self) -> Policy:
        return self.office.policy.current

    async def deliver(self) -> None:
        """Deliver once what is due now."""
        await self.outbox.drain()
        await self.outbox.stop()

    async def keep_trying(self, times: int) -> None:
        """Deliver so many times, two minutes apart, each time as another process."""
        for _ in range(times):
            await self.deliver()
            self.restart()
            self.clock.forward(minutes=2)

    async def settle(self) -> None:
        """Deliver until nothing is owed any more, moving the clock to whatever is due next.

        Each round is another process, so that pacing, which goes by real time, is not waited for.
        """
        for _ in range(_ROUNDS):
            waiting = await rows(self.database, OutboxMessage, status="queued")
            if not waiting:
                return
            self.clock.now = max(self.clock.now, min(one.next_attempt_at for one in waiting))
            self.restart()
            await self.deliver()
        raise AssertionError(f"still owed: {[(one.kind, one.last_error) for one in waiting]}")

    async def surface(self, channel: str = APPROVALS) -> Surface:
        (found,) = await rows(self.database, Surface, channel=channel)
        return found

    def cards(self, channel: str = APPROVALS) -> list[Message]:
        """What was posted for a surface and stands in a channel, also inside its threads."""
        return [one for one in self.workspace.messages_in(channel) if self.key_of(one).startswith("sfc_")]

    def card(self, channel: str = APPROVALS) -> Message:
        (found,) = self.cards(channel)
        return found

    def key_of(self, message: Message) -> str:
        return str(((message.metadata or {}).get("event_payload") or {}).get("key", ""))


def words(message: Message) -> str:
    """Everything a message says and carries."""
    return message.text + json.dumps(message.blocks, ensure_ascii=False)


def is_decidable(message: Message) -> bool:
    """Whether a message has the buttons that decide."""
    return "card.approve" in words(message)
