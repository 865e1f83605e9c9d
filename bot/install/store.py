"""Bolt's stores on our database: installations with their tokens sealed, and states that work once."""

import logging
from typing import Any

from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore

from operations.install import Grant, install, uninstall
from storage import installations
from storage.database import Database
from storage.tables import SlackInstallation

log = logging.getLogger(__name__)


class InstallationStore(AsyncInstallationStore):
    """Installations of single workspaces; the whole organisation's and people's own tokens are not kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def logger(self) -> logging.Logger:
        """Where the SDK logs."""
        return log

    async def async_save(self, installation: Installation) -> None:
        """Keep an installation, in place of an earlier one. Raises KeyProblem without an encryption key."""
        grant = Grant(
            token=str(installation.bot_token), team_name=installation.team_name or "",
            app_id=installation.app_id or "", bot_id=installation.bot_id or "",
            bot_user_id=installation.bot_user_id or "", scopes=",".join(installation.bot_scopes or ()),
            installed_by=installation.user_id or "", enterprise_id=installation.enterprise_id,
        )  # fmt: skip
        await self._database.write(str(installation.team_id), lambda tx: install(tx, grant))

    async def async_find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Bot | None:
        """Return a workspace's bot with its token, None where the app is not installed there."""
        found = await self.async_find_installation(
            enterprise_id=enterprise_id, team_id=team_id, is_enterprise_install=is_enterprise_install
        )
        return found.to_bot() if found else None

    async def async_find_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None,
        is_enterprise_install: bool | None = False,
    ) -> Installation | None:  # fmt: skip
        """Return a workspace's installation, whoever made it; None where there is none."""
        async with self._database.read(team_id or "") as tx:
            row = await installations.find(tx)
            token = installations.token_of(tx, row) if row else None
        return _installation(row, token) if row and token and not is_enterprise_install else None

    async def async_delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        """End a workspace's installation and erase its token."""
        now = self._database.clock()
        await self._database.write(team_id or "", lambda tx: uninstall(tx, "the installation was deleted", now))

    async def async_delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """The same: nothing else is kept of an installation. One person's leaving ends nothing."""
        if user_id is None:
            await self.async_delete_bot(enterprise_id=enterprise_id, team_id=team_id)


def _installation(row: SlackInstallation, token: str) -> Installation:
    return Installation(
        app_id=row.app_id, enterprise_id=row.enterprise_id, team_id=row.tenant, team_name=row.team_name,
        bot_token=token, bot_id=row.bot_id, bot_user_id=row.bot_user_id, bot_scopes=row.scopes,
        user_id=row.installed_by, installed_at=row.installed_at.timestamp(),
    )  # fmt: skip


class StateStore(AsyncOAuthStateStore):
    """States of installations: good for ten minutes and for one use, whichever replica is asked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def logger(self) -> logging.Logger:
        """Where the SDK logs."""
        return log

    async def async_issue(self, *_: Any, **__: Any) -> str:
        """Return a new state."""
        return installations.new_state(self._database.keys, self._database.clock())

    async def async_consume(self, state: str) -> bool:
        """Use a state up; False where it is unknown, too old, or used already."""
        if not installations.is_issued(self._database.keys, state, self._database.clock()):
            return False  # a stranger's guess, which is not worth a transaction
        return await self._database.write("", lambda tx: installations.consume_state(tx, state))
