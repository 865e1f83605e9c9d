"""Keeping the offices of installed workspaces in step with what the database holds, in every replica."""

import asyncio
import logging
from collections.abc import Callable

from bot.office import TENANT, Office, SlackIdentity
from bot.slack import Disconnected, SlackTrouble
from operations.install import uninstall
from scheduler.pump import Pump
from storage import installations
from storage.database import Database, Tx
from storage.keyring import KeyProblem
from storage.tables import SlackInstallation

log = logging.getLogger(__name__)

_EVERY = 30.0  # seconds until a replica notices what another one was told
NOT_INSTALLED = "the app is not installed"
#: What Slack says of a token that will never work again.
_DEAD = frozenset({"token_revoked", "account_inactive"})


class Keeper:
    """Gives each office the token of its workspace's installation, and takes it away when that ends."""

    def __init__(self, database: Database, offices: Callable[[], list[Office]]) -> None:
        self._database, self._offices = database, offices
        self._pump = Pump("installations", self.look)
        self._ticking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect what is installed; from then on look when told, and every half minute."""
        await self._read()
        self._pump.start(self._database.signals, installations.TOPIC)
        self._ticking = asyncio.create_task(self._tick(), name="look at installations")

    async def stop(self) -> None:
        """Look no more."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        await self._pump.stop()

    def nudge(self) -> None:
        """Say that a token may have changed."""
        self._pump.nudge()

    async def look(self) -> None:
        """Bring every office up to date, and ask Slack who we are where that is not known."""
        rows = await self._read()
        await asyncio.gather(*(self._meet(office, rows[office.tenant]) for office in self._installed()))

    async def _tick(self) -> None:
        while True:
            self._pump.nudge()
            await asyncio.sleep(_EVERY)

    def _installed(self) -> list[Office]:
        return [office for office in self._offices() if office.tenant != TENANT and office.is_connected]

    async def _read(self) -> dict[str, SlackInstallation]:
        offices = [office for office in self._offices() if office.tenant != TENANT]
        if not offices:
            return {}
        async with self._database.read("") as tx:
            rows = {row.tenant: row for row in await installations.every_one(tx)}
            tokens = {tenant: _opened(tx, row) for tenant, row in rows.items()}
        connected = [one.tenant for one in offices if _bring(one, *tokens.get(one.tenant, (None, NOT_INSTALLED)))]
        if connected:
            await self._database.write("", lambda tx: installations.hurry(tx, connected))
        return rows

    async def _meet(self, office: Office, row: SlackInstallation) -> None:
        """Learn who we are in a workspace; a token that Slack calls dead ends the installation it belongs to."""
        if office.identity.trouble:
            office.identity = SlackIdentity()
        if office.identity.team_id:
            return
        try:
            identity = await office.identify()
        except Disconnected as dead:
            log.error("Slack team %s: %s; install the app there again", office.tenant, dead.error)
            if dead.error in _DEAD:
                why = f"Slack answers {dead.error}"
                await self._database.write(office.tenant, lambda tx: uninstall(tx, why, row.installed_at))
        except SlackTrouble as trouble:
            log.warning("Slack does not answer for team %s (%s); trying again", office.tenant, trouble.error)
        else:
            log.info("connected to Slack team %s at %s", identity.team_id, identity.url)


def _opened(tx: Tx, row: SlackInstallation) -> tuple[str | None, str]:
    """Return a token, or None and why there is none."""
    try:
        return installations.token_of(tx, row), "the app was uninstalled"
    except KeyProblem as problem:
        return None, f"its token cannot be opened: {problem}"


def _bring(office: Office, token: str | None, why: str) -> bool:
    """Give an office its token, or take it away; True where it has got another one than before."""
    if token is None:
        if office.identity.trouble != why:
            log.warning("Slack team %s: %s", office.tenant, why)
        office.disconnect(why)
        return False
    if office.client.token == token:
        return False
    office.connect(token)
    return True
