"""Events of the workspace itself."""

import logging
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.office import Office

log = logging.getLogger(__name__)


def register(app: AsyncApp, office: Office) -> None:
    """Register the listeners for the app's own life in the workspace."""

    @app.event("app_uninstalled")
    async def uninstalled(event: dict[str, Any]) -> None:
        _disconnect(office, "the app was uninstalled")

    @app.event("tokens_revoked")
    async def revoked(event: dict[str, Any]) -> None:
        _disconnect(office, "the token was revoked")


def _disconnect(office: Office, why: str) -> None:
    """Remember and say that Slack is out of reach; requests can still be decided over the API."""
    office.identity.trouble = why
    log.error("Slack: %s; install the app again and restart with the new token", why)
