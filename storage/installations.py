"""Queries on installations and on the states they are begun with."""

import hashlib
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlmodel import col

from storage.database import Tx
from storage.tables import OAuthState, OutboxMessage, OutboxStatus, SlackInstallation

STATE_LIFETIME = timedelta(minutes=10)
#: Announced when a workspace has installed or removed the app.
TOPIC = "installations"
#: Why a message waits that cannot be delivered for want of a token.
NOT_CONNECTED = "no Slack workspace is connected"


async def find(tx: Tx) -> SlackInstallation | None:
    """Return this tenant's installation, an ended one as well."""
    return await tx.session.get(SlackInstallation, tx.tenant)


async def every_one(tx: Tx) -> list[SlackInstallation]:
    """Return the installations of all tenants, ended ones as well."""
    return list(await tx.session.scalars(select(SlackInstallation).order_by(col(SlackInstallation.tenant))))


def token_of(tx: Tx, row: SlackInstallation) -> str | None:
    """Open the bot token; None where the installation has ended. Raises KeyProblem."""
    if row.sealed_token is None:
        return None
    return tx.keys.sealer.unseal(row.sealed_token, bound_to(row.tenant)).decode()


def bound_to(tenant: str) -> str:
    """Return what a sealed token is bound to, so that it opens in no other row."""
    return f"slack_installation:{tenant}"


async def end(tx: Tx, told_at: datetime) -> bool:
    """End this tenant's installation and erase its token; False where it has ended, or is newer than what was told."""
    statement = (
        update(SlackInstallation)
        .where(
            col(SlackInstallation.tenant) == tx.tenant, col(SlackInstallation.removed_at).is_(None),
            col(SlackInstallation.installed_at) <= told_at,
        )
        .values(removed_at=tx.now, sealed_token=None)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return cast(CursorResult[Any], await tx.session.execute(statement)).rowcount == 1


async def hurry(tx: Tx, tenants: list[str]) -> None:
    """Let what waited for these tenants to be connected be delivered now."""
    held = (col(OutboxMessage.status) == OutboxStatus.QUEUED) & (col(OutboxMessage.last_error) == NOT_CONNECTED)
    statement = update(OutboxMessage).where(held, col(OutboxMessage.tenant).in_(tenants))
    await tx.session.execute(statement.values(next_attempt_at=tx.now).execution_options(synchronize_session=False))
    tx.announce("outbox")


async def issue_state(tx: Tx, state: str) -> None:
    """Remember a state that an installation is begun with, and forget those that came to nothing."""
    await tx.session.execute(delete(OAuthState).where(col(OAuthState.expires_at) <= tx.now))
    await tx.add(OAuthState(state_hash=_hash(state), expires_at=tx.now + STATE_LIFETIME))


async def consume_state(tx: Tx, state: str) -> bool:
    """Use a state up; False where it is unknown, too old, or used already."""
    live = (col(OAuthState.state_hash) == _hash(state)) & (col(OAuthState.expires_at) > tx.now)
    return cast(CursorResult[Any], await tx.session.execute(delete(OAuthState).where(live))).rowcount == 1


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "backslashreplace")).hexdigest()
