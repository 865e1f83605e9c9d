"""Events of the workspace itself."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.office import TENANT, Office
from operations.install import uninstall

log = logging.getLogger(__name__)

_ROUNDED = timedelta(seconds=1)  # Slack tells moments in whole seconds


def register(app: AsyncApp, office: Office) -> None:
    """Register the listeners for the app's own life in the workspace."""

    @app.event("app_uninstalled")
    async def uninstalled(body: dict[str, Any]) -> None:
        await _end(office, body, "the app was uninstalled")

    @app.event("tokens_revoked")
    async def revoked(event: dict[str, Any], body: dict[str, Any]) -> None:
        if (event.get("tokens") or {}).get("bot"):  # else only tokens of people, which we do not have
            await _end(office, body, "the token was revoked")


async def _end(office: Office, body: dict[str, Any], why: str) -> None:
    """Remember and say that Slack is out of reach; requests can still be decided over the API."""
    if office.tenant != TENANT:
        told_at = datetime.fromtimestamp(int(body.get("event_time") or 0), UTC) + _ROUNDED
        if await office.database.write(office.tenant, lambda tx: uninstall(tx, why, told_at)):
            office.disconnect(why)
            log.error("Slack team %s: %s; its requests wait until it is installed again", office.tenant, why)
        return
    if office.identity.team_id in ("", body.get("team_id")):
        office.identity.trouble = why
        log.error("Slack: %s; install the app again and restart with the new token", why)
