"""Telling endpoints: one hand at a time sends to each, one delivery after the other, and settles every try."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.webhooks import wait_after
from operations.notify import say
from operations.webhooks import KEEP_DEAD, KEEP_DELIVERED, disable, host_of, note_down
from storage import webhooks
from storage.database import Tx
from storage.tables import DeliveryStatus, WebhookDelivery, WebhookEndpoint

#: For how long a hand holds an endpoint after each step; a try takes less.
HOLD = timedelta(seconds=30)
_GONE = 410
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Turn:
    """What a hand may do now: send `delivery`; where there is none, it has let go, and something is due `at`."""

    endpoint: WebhookEndpoint
    delivery: WebhookDelivery | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one try: the status of an answer, or none; a sentence unless it was taken."""

    status: int | None = None
    error: str | None = None
    retry_after: timedelta | None = None

    @property
    def arrived(self) -> bool:
        """Whether the receiver has taken it."""
        return self.status is not None and 200 <= self.status < 300


async def take_turn(tx: Tx, endpoint_id: str) -> Turn | None:
    """Take the hand of an endpoint with what it is to be told first. None where there is no endpoint, or it is off;
    a turn without a delivery where another hand has it, due once that may have let go."""
    endpoint = await webhooks.locked(tx, endpoint_id)
    if endpoint is None or endpoint.disabled_at is not None:
        return None
    if endpoint.busy_until is not None and endpoint.busy_until > tx.now:
        return Turn(endpoint, at=tx.now + timedelta(seconds=1))
    return await _next(tx, endpoint)


async def settle_try(tx: Tx, turn: Turn, tried: Tried, admins: Collection[str]) -> Turn | None:
    """Write down what came of a try and go on to the next; None where the hand was taken away."""
    endpoint = await webhooks.locked(tx, turn.endpoint.id)
    assert turn.delivery is not None
    if endpoint is None or not await _settle(tx, endpoint, turn.delivery, tried, admins):
        return None
    return await _next(tx, endpoint) if endpoint.disabled_at is None else None


async def let_go(tx: Tx, turn: Turn) -> None:
    """Give an endpoint back without having tried what it is to be told next."""
    endpoint = await webhooks.locked(tx, turn.endpoint.id)
    if endpoint is not None:
        endpoint.busy_until = None


async def forget_deliveries(tx: Tx) -> bool:
    """Drop what was settled long ago; whether there may be more of it."""
    return await webhooks.forget(tx, _BATCH) == _BATCH


async def _next(tx: Tx, endpoint: WebhookEndpoint) -> Turn:
    first = await webhooks.next_due(tx, endpoint.id)
    if first is not None and first.next_attempt_at <= tx.now:
        endpoint.busy_until = tx.now + HOLD
        return Turn(endpoint, first)
    endpoint.busy_until = None
    return Turn(endpoint, at=first.next_attempt_at if first else None)


async def _settle(
    tx: Tx, endpoint: WebhookEndpoint, seen: WebhookDelivery, tried: Tried, admins: Collection[str]
) -> bool:
    wait = wait_after(seen.attempts + 1, seen.id, tried.retry_after)
    told = {"attempts": seen.attempts + 1, "last_status": tried.status, "last_error": tried.error}
    if tried.arrived:
        endpoint.alarmed_at, kept = None, tx.now + KEEP_DELIVERED
        delivered = {"status": DeliveryStatus.DELIVERED, "delivered_at": tx.now, "forget_at": kept}
        return await webhooks.change_queued(tx, seen, **told, **delivered)
    if tried.status != _GONE and wait is not None:
        return await webhooks.change_queued(tx, seen, **told, next_attempt_at=tx.now + wait)
    dead = {"status": DeliveryStatus.DEAD, "forget_at": tx.now + KEEP_DEAD}
    if not await webhooks.change_queued(tx, seen, **told, **dead):
        return False
    await _give_up(tx, endpoint, seen, tried, admins)
    return True


async def _give_up(
    tx: Tx, endpoint: WebhookEndpoint, seen: WebhookDelivery, tried: Tried, admins: Collection[str]
) -> None:
    """Record that a delivery is dead, and tell the admins, once until something arrives again."""
    why, is_gone = tried.error or "", tried.status == _GONE
    await note_down(tx, endpoint, "webhook.dead", "system", {"delivery": seen.id, "event": seen.event, "why": why})
    if is_gone:
        await disable(tx, endpoint, "system", why)
    if is_gone or endpoint.alarmed_at is None:
        about = {"webhook": endpoint.id, "host": host_of(endpoint), "why": why}
        await say(tx, "webhook_gone" if is_gone else "webhook_dead", admins, about)
        endpoint.alarmed_at = tx.now
