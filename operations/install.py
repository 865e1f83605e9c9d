"""A workspace installs the app, or removes it."""

from dataclasses import dataclass
from datetime import datetime

from governance.text import storable
from storage import audit, installations
from storage.database import Tx
from storage.tables import SlackInstallation


@dataclass(frozen=True, slots=True)
class Grant:
    """What Slack hands over when a workspace installs the app."""

    token: str
    team_name: str
    app_id: str
    bot_id: str
    bot_user_id: str
    scopes: str
    installed_by: str
    enterprise_id: str | None = None


async def install(tx: Tx, grant: Grant) -> SlackInstallation:
    """Keep the token of this tenant, sealed, in place of an earlier one. Raises KeyProblem without a key."""
    row = SlackInstallation(
        tenant=tx.tenant, team_name=storable(grant.team_name)[:255], enterprise_id=grant.enterprise_id,
        app_id=grant.app_id, bot_id=grant.bot_id, bot_user_id=grant.bot_user_id, scopes=grant.scopes,
        sealed_token=tx.keys.sealer.seal(grant.token.encode(), installations.bound_to(tx.tenant)),
        installed_by=grant.installed_by, installed_at=tx.now,
    )  # fmt: skip
    detail = {"team_name": row.team_name, "bot_user_id": row.bot_user_id, "scopes": row.scopes}
    row = await tx.session.merge(row)
    await tx.session.flush()
    await audit.record(tx, "slack.installed", f"person:{grant.installed_by}", detail=detail)
    tx.announce(installations.TOPIC)
    return row


async def uninstall(tx: Tx, why: str, told_at: datetime) -> bool:
    """End the installation and erase its token. False where it has ended already, or began after Slack told of an end.

    Open requests stay open: they are decided over the API, or in Slack once the app is installed again.
    """
    if not await installations.end(tx, told_at):
        return False
    await audit.record(tx, "slack.uninstalled", "system", detail={"why": why})
    tx.announce(installations.TOPIC)
    return True
