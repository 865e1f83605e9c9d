"""What every front door is handed: the database, the policy in force, the people, and who we are in Slack."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.policy import InForce
from bot.slack import Connection, Directory, SlackTrouble
from governance.policy import TENANT
from storage import outbox
from storage.database import Database


@dataclass(slots=True)
class SlackIdentity:
    """Who the bot is, learnt from auth.test; `trouble` says why Slack is out of reach, None where it is not."""

    team_id: str = ""
    bot_id: str = ""
    bot_user_id: str = ""
    url: str = ""
    trouble: str | None = None


@dataclass(slots=True)
class Office:
    """Everything about one workspace that is shared by all who work for it in this process."""

    database: Database
    policy: InForce
    client: AsyncWebClient
    identity: SlackIdentity = field(default_factory=SlackIdentity)
    tenant: str = TENANT
    directory: Directory = field(init=False)  #: for whoever decides or asks
    roster: Directory = field(init=False)  #: for looking around, which must not make older what a decision goes by
    connection: Connection = field(init=False)
    _at_work: "set[asyncio.Task[Any]]" = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.connection = Connection(lambda: self.identity, self._deliver_at_once, lambda: self.database.clock())
        self.directory = Directory(self.client, self._team_id)
        self.roster = self.directory.apart()

    @property
    def is_connected(self) -> bool:
        """Whether there is a token to speak to the workspace with."""
        return bool(self.client.token)

    def connect(self, token: str) -> None:
        """Speak with this token from now on; who we are is asked again."""
        self.client.token, self.identity = token, SlackIdentity()
        self.connection.begin_anew()

    def disconnect(self, why: str) -> None:
        """Speak no more: the token is dead, or there is none yet. Requests can still be decided over the API."""
        self.client.token, self.identity.trouble = "", why

    async def identify(self) -> SlackIdentity:
        """Ask Slack once who we are. Raises SlackTrouble while it cannot be asked."""
        identity = self.identity
        if identity.team_id:
            return identity
        try:
            answer = await self.connection.call(lambda: self.client.auth_test())
        except SlackTrouble as trouble:
            identity.trouble = trouble.error
            raise
        identity.team_id, identity.bot_user_id = str(answer["team_id"]), str(answer["user_id"])
        identity.bot_id, identity.url = str(answer.get("bot_id") or ""), str(answer.get("url") or "")
        identity.trouble = None
        return identity

    @contextmanager
    def working(self) -> Iterator[None]:
        """Mark what the running task does for a person who has had their answer already, so that stopping waits."""
        task = asyncio.current_task()
        assert task is not None  # somebody awaits us
        self._at_work.add(task)
        try:
            yield
        finally:
            self._at_work.discard(task)

    async def rest(self, seconds: float) -> None:
        """Wait until such work has ended, but no longer than that."""
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=seconds)

    async def _deliver_at_once(self) -> None:
        """Slack takes our token again: what waited for that waits no more."""
        await self.database.write(self.tenant, outbox.wake)

    async def _team_id(self) -> str:
        return (await self.identify()).team_id
