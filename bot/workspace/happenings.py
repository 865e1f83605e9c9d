"""What people and administrators do that an app may hear of as an event.

Every method changes the workspace first and then delivers the event, if the app subscribes to it and holds the scope.
"""

from __future__ import annotations

from bot.workspace.installation import reinstall, tokens_revoked
from bot.workspace.model import Json
from bot.workspace.people import People
from bot.workspace.places import Places
from bot.workspace.talk import Talk
from bot.workspace.transport import Reply
from bot.workspace.wire import view_json


class Happenings(Talk, People, Places):
    """Lets things happen in one workspace. Each method returns the app's reply, None when it was not told."""

    async def home_opened(self, user: str, tab: str = "home") -> Reply | None:
        """Someone opens the app's Home tab (or its `messages` tab)."""
        more: Json = {"user": user, "channel": self.workspace.dm_channel(user).id, "tab": tab}
        view = self.workspace.home(user)
        if view and tab == "home":
            more["view"] = view_json(self.workspace, view)
        return await self._tell("app_home_opened", more)

    async def uninstalled(self) -> Reply | None:
        """An administrator removes the app: its token dies, and it is told twice."""
        self.workspace.app.revoked = "account_inactive"
        await self._deliver(tokens_revoked(self.workspace))
        return await self._tell("app_uninstalled", {})

    async def tokens_revoked(self, error: str = "token_revoked") -> Reply | None:
        """The token dies although the app stays; every call with it answers `error` from now on."""
        self.workspace.app.revoked = error
        return await self._deliver(tokens_revoked(self.workspace))

    def installed_again(self, new_token: bool = False) -> str:
        """The app is installed again: its token works, or with `new_token` another one does. Returns the token."""
        return reinstall(self.workspace.app, new_token)
