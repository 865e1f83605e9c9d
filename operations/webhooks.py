"""Endpoints of webhooks: made, changed, switched off and on, rotated, removed; all by admins, all on the record."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from governance.canonical import Json
from governance.errors import Conflict, NotFound
from governance.text import storable
from storage import audit, webhooks
from storage.database import Tx
from storage.tables import WebhookEndpoint
from storage.tables.base import new_id

MOST = 20  #: endpoints of one workspace
KEEP_DELIVERED, KEEP_DEAD = timedelta(days=30), timedelta(days=90)

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Wish:
    """What an endpoint is to be: no events and no agents mean all of them."""

    url: str
    events: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    description: str | None = None


async def create_endpoint(tx: Tx, wish: Wish, by: str) -> tuple[WebhookEndpoint, str]:
    """Make an endpoint and return it with its secret, which is shown once. The address was checked before.

    Raises Conflict where there are too many, or where there is no encryption key.
    """
    _check_sealer(tx)
    if await webhooks.count(tx) >= MOST:
        raise Conflict(f"There are {MOST} webhooks already; remove one first.", code="TOO_MANY_WEBHOOKS")
    id, secret = new_id("whk"), _new_secret()
    endpoint = await tx.add(
        WebhookEndpoint(
            id=id, tenant=tx.tenant, url=wish.url, events=list(wish.events), agents=list(wish.agents),
            description=storable(wish.description) if wish.description else None,
            sealed_secret=tx.keys.sealer.seal(secret.encode(), id), created_by=by, created_at=tx.now,
        )
    )  # fmt: skip
    told: dict[str, Json] = {"events": list(wish.events), "agents": list(wish.agents)}
    await note_down(tx, endpoint, "webhook.created", f"person:{by}", told)
    return endpoint, secret


async def change_endpoint(tx: Tx, endpoint_id: str, changes: Mapping[str, Json], by: str) -> WebhookEndpoint:
    """Change `events`, `agents`, `description` or `disabled`; what is left out stays. Raises NotFound."""
    endpoint = await found_locked(tx, endpoint_id)
    for name in ("events", "agents", "description"):
        if name in changes:
            value = changes[name]
            setattr(endpoint, name, storable(value) if isinstance(value, str) else value)
    if changes.keys() & {"events", "agents", "description"}:
        told: dict[str, Json] = {"events": list(endpoint.events), "agents": list(endpoint.agents)}
        await note_down(tx, endpoint, "webhook.changed", f"person:{by}", told)
    if changes.get("disabled") is True:
        await disable(tx, endpoint, f"person:{by}", f"switched off by {by}")
    elif changes.get("disabled") is False:
        await _enable(tx, endpoint, f"person:{by}")
    await tx.session.flush()
    return endpoint


async def delete_endpoint(tx: Tx, endpoint_id: str, by: str) -> None:
    """Remove an endpoint and its secrets; what waited for it is given up. Raises NotFound."""
    endpoint = await found_locked(tx, endpoint_id)
    await webhooks.kill_queued(tx, endpoint.id, "the webhook was removed", tx.now + KEEP_DEAD)
    await note_down(tx, endpoint, "webhook.deleted", f"person:{by}", {})
    await webhooks.drop(tx, endpoint)


async def rotate_secret(tx: Tx, endpoint_id: str, overlap: timedelta, by: str) -> tuple[WebhookEndpoint, str]:
    """Give an endpoint a new secret, shown once; for as long as they overlap, the old one signs as well.

    Raises NotFound, and Conflict where there is no encryption key.
    """
    _check_sealer(tx)
    endpoint, secret = await found_locked(tx, endpoint_id), _new_secret()
    endpoint.previous_secret = endpoint.sealed_secret if overlap else None
    endpoint.previous_until = tx.now + overlap if overlap else None
    endpoint.sealed_secret = tx.keys.sealer.seal(secret.encode(), endpoint.id)
    told = {"previous_until": endpoint.previous_until.isoformat() if endpoint.previous_until else None}
    await note_down(tx, endpoint, "webhook.rotated", f"person:{by}", told)
    return endpoint, secret


async def disable(tx: Tx, endpoint: WebhookEndpoint, actor: str, why: str) -> None:
    """Switch an endpoint off and give up what waited for it; again is fine."""
    if endpoint.disabled_at is not None:
        return
    endpoint.disabled_at, endpoint.disabled_why = tx.now, why
    given_up = await webhooks.kill_queued(tx, endpoint.id, "the webhook was switched off", tx.now + KEEP_DEAD)
    await note_down(tx, endpoint, "webhook.disabled", actor, {"why": why, "given_up": given_up})


async def _enable(tx: Tx, endpoint: WebhookEndpoint, actor: str) -> None:
    if endpoint.disabled_at is None:
        return
    endpoint.disabled_at = endpoint.disabled_why = endpoint.alarmed_at = None
    await note_down(tx, endpoint, "webhook.enabled", actor, {})


async def found_locked(tx: Tx, endpoint_id: str) -> WebhookEndpoint:
    """Return an endpoint of this tenant with its row locked. Raises NotFound."""
    endpoint = await webhooks.locked(tx, endpoint_id)
    if endpoint is None:
        raise unknown_webhook()
    return endpoint


def unknown_webhook() -> NotFound:
    """Return the refusal of an endpoint's id that is none."""
    return NotFound("There is no webhook under this id.")


async def note_down(
    tx: Tx, endpoint: WebhookEndpoint, kind: str, actor: str, detail: Mapping[str, Json]
) -> None:  # fmt: skip
    """Record what became of an endpoint. Of its address only the host: the rest may be a secret of the receiver."""
    await tx.session.flush()
    await audit.record(tx, kind, actor, detail={"webhook": endpoint.id, "host": host_of(endpoint), **detail})


def host_of(endpoint: WebhookEndpoint) -> str:
    """Return the host that an endpoint lies on."""
    return urlsplit(endpoint.url).hostname or ""


def _check_sealer(tx: Tx) -> None:
    if not tx.keys.sealer.ready:
        raise Conflict(
            "Webhooks are signed with secrets that must be stored; set COUNTERSIGN_ENCRYPTION_KEY first.",
            code="NO_ENCRYPTION_KEY",
        )


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
