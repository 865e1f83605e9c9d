"""The JSON shapes of webhooks and keys, built from what is stored."""

from datetime import datetime
from typing import Literal

from typing_extensions import TypedDict

from bot.api.bodies import moment
from governance.events import EventName
from governance.roles import Role
from storage.access import state_of
from storage.tables import ApiKey, DeliveryStatus, KeyKind, WebhookDelivery, WebhookEndpoint


class WebhookJson(TypedDict):
    """An address that is told of events; `previous_secret_until`: until then the secret before signs as well."""

    id: str
    url: str
    events: list[EventName]
    agents: list[str]
    description: str | None
    created_by: str
    created_at: str
    disabled_at: str | None
    disabled_why: str | None
    previous_secret_until: str | None


class WebhookSecretJson(WebhookJson):
    """The same with its new secret, which is shown once."""

    secret: str


class WebhooksJson(TypedDict):
    """A page of webhooks."""

    items: list[WebhookJson]
    next_cursor: str | None


class DeletedJson(TypedDict):
    """What was removed."""

    id: str
    deleted: Literal[True]


class DeliveryJson(TypedDict):
    """One event on its way to one webhook. `message_id` is the `webhook-id` that was sent, `event_id` the event's
    number in the stream, `body` the text that was sent."""

    id: str
    webhook_id: str
    message_id: str
    replay: int
    event: EventName | Literal["ping"]
    event_id: int | None
    status: DeliveryStatus
    attempts: int
    created_at: str
    next_attempt_at: str | None
    delivered_at: str | None
    replayed_at: str | None
    last_status: int | None
    last_error: str | None
    body: str


class DeliveriesJson(TypedDict):
    """A page of deliveries."""

    items: list[DeliveryJson]
    next_cursor: str | None


class ReplayedJson(TypedDict):
    """How many deliveries are sent again, and whether there are more."""

    replayed: int
    more: bool


class KeyJson(TypedDict):
    """A key without its secret; `replaced_by` is the key it was rotated to."""

    key_id: str
    kind: KeyKind
    principal: str
    role: Role | None
    state: Literal["live", "expired", "revoked"]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    replaced_by: str | None


class KeySecretJson(KeyJson):
    """The same with its secret, which is shown once."""

    secret: str


class KeysJson(TypedDict):
    """A page of keys."""

    items: list[KeyJson]
    next_cursor: str | None


def webhook_json(row: WebhookEndpoint, now: datetime) -> WebhookJson:
    """Return a webhook as admins read it."""
    until = row.previous_until if row.previous_until and row.previous_until > now else None
    return {
        "id": row.id, "url": row.url, "events": [EventName(one) for one in row.events], "agents": row.agents,
        "description": row.description, "created_by": row.created_by, "created_at": moment(row.created_at),
        "disabled_at": _moment(row.disabled_at), "disabled_why": row.disabled_why,
        "previous_secret_until": _moment(until),
    }  # fmt: skip


def delivery_json(row: WebhookDelivery) -> DeliveryJson:
    """Return a delivery as admins read it."""
    waits = row.status is DeliveryStatus.QUEUED
    return {
        "id": row.id, "webhook_id": row.endpoint_id, "message_id": row.message_id, "replay": row.replay,
        "event": "ping" if row.place == 0 else EventName(row.event), "event_id": row.place or None,
        "status": row.status, "attempts": row.attempts, "created_at": moment(row.created_at),
        "next_attempt_at": moment(row.next_attempt_at) if waits else None, "delivered_at": _moment(row.delivered_at),
        "replayed_at": _moment(row.replayed_at), "last_status": row.last_status, "last_error": row.last_error,
        "body": row.body,
    }  # fmt: skip


def key_json(row: ApiKey, now: datetime) -> KeyJson:
    """Return a key as admins read it."""
    return {
        "key_id": row.id, "kind": row.kind, "principal": row.principal, "role": row.role, "state": state_of(row, now),
        "created_at": moment(row.created_at), "expires_at": _moment(row.expires_at),
        "revoked_at": _moment(row.revoked_at), "replaced_by": row.replaced_by,
    }  # fmt: skip


def _moment(value: datetime | None) -> str | None:
    return moment(value) if value is not None else None
