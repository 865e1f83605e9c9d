"""What every front door is handed: the database, the policy in force, the people, and who we are in Slack."""

from dataclasses import dataclass, field

from slack_sdk.web.async_client import AsyncWebClient

from bot.policy import PolicySource
from bot.slack import Connection, Directory, SlackTrouble
from storage import outbox
from storage.database import Database

#: The tenant of the workspace that is connected by token.
TENANT = "default"


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
    """The shared parts of one server process."""

    database: Database
    policy: PolicySource
    client: AsyncWebClient
    identity: SlackIdentity = field(default_factory=SlackIdentity)
    tenant: str = TENANT
    directory: Directory = field(init=False)
    connection: Connection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = Connection(self.identity, self._deliver_at_once, lambda: self.database.clock())
        self.directory = Directory(self.client, self._team_id)

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

    async def _deliver_at_once(self) -> None:
        """Slack takes our token again: what waited for that waits no more."""
        await self.database.write(self.tenant, outbox.wake)

    async def _team_id(self) -> str:
        return (await self.identify()).team_id
