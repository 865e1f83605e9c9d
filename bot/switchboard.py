"""Several workspaces in one process: each has an office with its own doors, and here is where what comes in is told
apart. Nothing behind an office's doors knows that there are others."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.aap.callers import find_provisioner
from bot.aap.delivery import Notifications
from bot.aap.routes import aap_endpoints
from bot.api.principals import find_key
from bot.api.routes import api_routes
from bot.delivery import Delivery
from bot.listeners import register_all
from bot.listeners.spoken import Spoken
from bot.office import TENANT, Office
from bot.slack import Disconnected
from scheduler.ports import Handler, Postponed
from storage.installations import NOT_CONNECTED
from storage.outbox import Owed
from storage.tables import InboxEvent, OutboxMessage

_NOT_TO_SLACK = frozenset({Owed.AAP})
_HOLD = 60.0  # seconds until a message to a workspace that is not connected is looked at again


@dataclass(slots=True)
class Branch:
    """One workspace's office and its own doors: to Slack, to the API, and for what is owed."""

    office: Office
    secret: str
    bolt: AsyncApp = field(init=False)
    routes: list[web.RouteDef] = field(init=False)
    handlers: dict[str, Handler] = field(init=False)
    spoken: Spoken = field(init=False)

    def __post_init__(self) -> None:
        self.bolt = new_bolt(self.office, self.secret)
        self.routes = api_routes(self.office, aap_endpoints(self.office))
        self.handlers = {**Delivery(self.office).handlers(), Owed.AAP: Notifications(self.office).deliver}
        self.spoken = Spoken(self.office)


class Switchboard:
    """The branches of this process, in step with the workspaces that the policy names."""

    def __init__(self, tenants: Callable[[], tuple[str, ...]], open_branch: Callable[[str], Branch]) -> None:
        self._tenants, self._open = tenants, open_branch
        self._branches: dict[str, Branch] = {}
        self.on_disconnected: Callable[[], None] = lambda: None
        self.follow()

    def follow(self) -> None:
        """Open branches for workspaces that the policy names now, and let go of those it names no more."""
        tenants = self._tenants()
        self._branches = {tenant: self._branches.get(tenant) or self._open(tenant) for tenant in tenants}

    def __iter__(self) -> Iterator[Branch]:
        return iter(list(self._branches.values()))

    @property
    def main(self) -> Branch:
        """The branch that speaks where nobody else is meant: the one connected by token, where there is one."""
        return next(iter(self._branches.values()))

    def offices(self) -> list[Office]:
        """Return every office."""
        return [branch.office for branch in self]

    def of_team(self, team: str | None) -> Branch | None:
        """Return who serves a Slack team: its own branch, else the one connected by token, which refuses strangers."""
        return self._branches.get(team or TENANT) or self._branches.get(TENANT)

    async def of_caller(self, request: web.Request) -> Branch:
        """Return whose key a call bears. Unknown keys go to the main branch, which says about them what all say."""
        if len(self._branches) == 1:
            return self.main
        database = self.main.office.database
        key = await find_key(database, request) or await find_provisioner(database, request)
        return (self._branches.get(key.tenant) if key else None) or self.main

    def handlers(self) -> dict[str, Handler]:
        """Return the handler of each kind of outbox message that a workspace's branch delivers."""
        return {kind.value: self._deliver for kind in Owed if kind is not Owed.WEBHOOK}

    async def _deliver(self, message: OutboxMessage) -> None:
        """Hand a message to its workspace's branch; while there is none, or it has no token, what goes to Slack
        waits."""
        branch = self._branches.get(message.tenant)
        if branch is None or not (branch.office.is_connected or message.kind in _NOT_TO_SLACK):
            raise Postponed(NOT_CONNECTED, after=_HOLD, certain=True, blameless=True)
        try:
            await branch.handlers[message.kind](message)
        except Postponed as postponed:
            cause = postponed.__cause__
            if isinstance(cause, Disconnected) and message.tenant != TENANT:
                branch.office.identity.trouble = cause.error
                self.on_disconnected()
            raise

    async def answer(self, event: InboxEvent) -> None:
        """Answer a reply or a reaction where it was said; while its workspace is not connected, it waits."""
        branch = self._branches.get(event.tenant)
        if branch is None or not branch.office.is_connected:
            raise Postponed(NOT_CONNECTED, after=_HOLD, certain=True, blameless=True)
        await branch.spoken.answer(event)


def new_bolt(office: Office, secret: str) -> AsyncApp:
    """Return the Bolt app. It authorizes from what auth.test said once, so that no click waits for it."""

    async def authorize(**_: Any) -> AuthorizeResult:
        identity = office.identity if office.tenant != TENANT else await office.identify()
        return AuthorizeResult(
            enterprise_id=None, team_id=identity.team_id or office.tenant, bot_token=office.client.token,
            bot_id=identity.bot_id, bot_user_id=identity.bot_user_id,
        )  # fmt: skip

    quiet = logging.getLogger("bot.bolt")
    quiet.setLevel(logging.ERROR)  # its warnings advise on settings that are as they are on purpose
    # without a name Bolt looks through the sources of the whole stack for one
    bolt = AsyncApp(name="countersign", signing_secret=secret, client=office.client, authorize=authorize, logger=quiet)
    register_all(bolt, office)
    return bolt
