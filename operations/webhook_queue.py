"""What endpoints are to be told: events as they are sealed, pings, and replays of what did not arrive."""

from collections.abc import Iterable
from datetime import datetime

from governance.errors import Conflict, NotFound
from governance.events import is_public
from governance.webhooks import PING, body_of, ping_body, wants
from operations.webhooks import found_locked, note_down
from storage import feed, webhooks
from storage.database import Tx
from storage.outbox import Owed, Priority, hurry, owe
from storage.tables import AuditEntry, DeliveryStatus, WebhookDelivery, WebhookEndpoint
from storage.tables.base import new_id

#: How many deliveries one call replays at most.
REPLAYED_AT_ONCE = 1_000


async def queue_events(tx: Tx, page: list[tuple[int, AuditEntry]]) -> None:
    """Owe every interested endpoint of this tenant the events among some sealed entries, each with its place."""
    if not any(is_public(entry.kind) for _, entry in page):
        return
    endpoints = await webhooks.enabled(tx)
    found = await feed.happenings(tx, page) if endpoints else []
    for endpoint in endpoints:
        wanted = [one for one in found if wants(endpoint.events, endpoint.agents, one)]
        made = [_delivery(tx, endpoint, one.event.value, body_of(one), one.id) for one in wanted]
        if made:
            await _queue(tx, endpoint, made)


async def ping_endpoint(tx: Tx, endpoint_id: str, by: str) -> WebhookDelivery:
    """Owe an endpoint a ping, to see whether it arrives. Raises NotFound, or Conflict where it is off."""
    endpoint = await _found_on(tx, endpoint_id)
    made = _delivery(tx, endpoint, PING, ping_body(endpoint.id, tx.now), 0)
    await _queue(tx, endpoint, [made])
    await note_down(tx, endpoint, "webhook.tested", f"person:{by}", {"delivery": made.id})
    return made


async def replay_delivery(tx: Tx, endpoint_id: str, delivery_id: str, by: str) -> WebhookDelivery:
    """Owe an endpoint once more what it was or was to be told; to receivers it is the same message.

    Raises NotFound, or Conflict where the endpoint is off or the delivery is still under way.
    """
    endpoint = await _found_on(tx, endpoint_id)
    earlier = await tx.get(WebhookDelivery, delivery_id)
    if earlier is None or earlier.endpoint_id != endpoint.id:
        raise unknown_delivery()
    if earlier.status is DeliveryStatus.QUEUED:
        raise Conflict("This delivery is still under way.", code="STILL_QUEUED")
    (made,) = await _replay(tx, endpoint, [earlier])
    told = {"delivery": made.id, "of": earlier.id}
    await note_down(tx, endpoint, "webhook.replayed", f"person:{by}", told)
    return made


async def replay_dead(tx: Tx, endpoint_id: str, since: datetime, by: str) -> tuple[int, bool]:
    """Owe an endpoint again, oldest first, what it was never told since a moment; says how many, and whether there
    are more. Raises NotFound, or Conflict where the endpoint is off."""
    endpoint = await _found_on(tx, endpoint_id)
    found = await webhooks.dead(tx, endpoint.id, since, REPLAYED_AT_ONCE + 1)
    lost = found[:REPLAYED_AT_ONCE]
    if lost:
        await _replay(tx, endpoint, lost)
    told = {"since": since.isoformat(), "count": len(lost)}
    await note_down(tx, endpoint, "webhook.replayed", f"person:{by}", told)
    return len(lost), len(found) > len(lost)


def unknown_delivery() -> NotFound:
    """Return the refusal of a delivery's id that is none of the endpoint's."""
    return NotFound("There is no delivery under this id.")


async def _replay(tx: Tx, endpoint: WebhookEndpoint, earlier: list[WebhookDelivery]) -> list[WebhookDelivery]:
    numbers, made = await webhooks.replays(tx, [one.message_id for one in earlier]), list[WebhookDelivery]()
    for one in earlier:
        numbers[one.message_id] += 1
        again = _delivery(tx, endpoint, one.event, one.body, one.place)
        again.message_id, again.replay = one.message_id, numbers[one.message_id]
        one.replayed_at = tx.now
        made.append(again)
    await _queue(tx, endpoint, made)
    return made


async def _found_on(tx: Tx, endpoint_id: str) -> WebhookEndpoint:
    endpoint = await found_locked(tx, endpoint_id)
    if endpoint.disabled_at is not None:
        raise Conflict("This webhook is switched off; switch it on first.", code="WEBHOOK_DISABLED")
    return endpoint


def _delivery(tx: Tx, endpoint: WebhookEndpoint, event: str, body: str, place: int) -> WebhookDelivery:
    id = new_id("whd")
    return WebhookDelivery(
        id=id, tenant=tx.tenant, endpoint_id=endpoint.id, message_id=id, place=place, event=event, body=body,
        status=DeliveryStatus.QUEUED, created_at=tx.now, next_attempt_at=tx.now,
    )  # fmt: skip


async def _queue(tx: Tx, endpoint: WebhookEndpoint, made: Iterable[WebhookDelivery]) -> None:
    tx.session.add_all(made)
    await tx.session.flush()
    await owe(tx, Owed.WEBHOOK, endpoint.id, Priority.OUTCOME)
    await hurry(tx, Owed.WEBHOOK, endpoint.id)  # it may be waiting for the next try of something else
