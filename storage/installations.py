"""Queries on installations, and the states they are begun with."""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from storage.database import Tx
from storage.keyring import Keyring
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


def new_state(keys: Keyring, now: datetime) -> str:
    """Return a state that an installation is begun with. Nothing is written: anybody may ask for one."""
    told = f"{secrets.token_urlsafe(24)}.{int(now.timestamp())}"
    return f"{told}.{_signed(keys, told)}"


def is_issued(keys: Keyring, state: str, now: datetime) -> bool:
    """Whether a state is one of ours, and not too old."""
    told, _, signature = state.rpartition(".")
    if not hmac.compare_digest(_bytes(signature), _bytes(_signed(keys, told))):
        return False
    return now - datetime.fromtimestamp(int(told.rpartition(".")[2]), UTC) < STATE_LIFETIME


async def consume_state(tx: Tx, state: str) -> bool:
    """Use a state up; False where it is unknown, too old, or used already."""
    if not is_issued(tx.keys, state, tx.now):
        return False
    await tx.session.execute(delete(OAuthState).where(col(OAuthState.expires_at) <= tx.now))
    dialect = sqlite if tx.session.get_bind().dialect.name == "sqlite" else postgresql
    used = {"state_hash": hashlib.sha256(_bytes(state)).hexdigest(), "expires_at": tx.now + STATE_LIFETIME}
    done = await tx.session.execute(dialect.insert(OAuthState).values(**used).on_conflict_do_nothing())
    return cast(CursorResult[Any], done).rowcount == 1


def _signed(keys: Keyring, told: str) -> str:
    return hmac.new(keys.digest_key, b"oauth-state:" + _bytes(told), hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
