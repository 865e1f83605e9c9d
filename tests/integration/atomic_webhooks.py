"""Verbs about webhooks and keys, each prepared so that it can be broken at every statement (see
test_atomic_operations)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from operations import keys, seal, webhook_queue, webhook_sending, webhooks
from operations.webhook_sending import Tried, Turn
from operations.webhooks import Wish
from storage.tables import DeliveryStatus, KeyKind, WebhookDelivery, WebhookEndpoint
from tests.conftest import NOON
from tests.integration.verbs import TENANT, rows

if TYPE_CHECKING:
    from tests.integration.test_atomic_operations import Scene

#: Parts of other verbs: they are broken where the verbs that use them are.
PARTS = {"webhook_queue.queue_events", "webhooks.disable", "webhooks.found_locked", "webhooks.note_down"}

Case = Callable[["Scene"], Awaitable[Any]]
CASES: list[tuple[str, Case]] = []
ADMIN = "U0ADMIN"
WISH = Wish("https://hooks.example.com/x", ("approval_requested",), ("deployer",), "ours")


def case(verb: str) -> Callable[[Case], Case]:
    def register(made: Case) -> Case:
        CASES.append((verb, made))
        return made

    return register


async def endpoint(scene: Scene, wish: Wish = WISH) -> WebhookEndpoint:
    made, _ = await scene.database.write(TENANT, lambda tx: webhooks.create_endpoint(tx, wish, ADMIN))
    return made


async def turn(scene: Scene, tries: int = 0) -> Turn:
    """A hand with a delivery to send, which was tried before."""
    made = await endpoint(scene)
    await scene.asked()
    await scene.database.write("", seal.seal_next)
    for n in range(tries + 1):
        found = await scene.database.write(TENANT, lambda tx: webhook_sending.take_turn(tx, made.id))
        assert found is not None
        if n == tries:
            return found
        await scene.database.write(TENANT, lambda tx, found=found: webhook_sending.settle_try(tx, found, BAD, []))
        scene.clock.forward(hours=14)
    raise AssertionError


BAD = Tried(500, "HTTP 500")


async def lost(scene: Scene) -> WebhookDelivery:
    """A delivery that was given up."""
    found = await turn(scene, 8)
    await scene.database.write(TENANT, lambda tx: webhook_sending.settle_try(tx, found, BAD, [ADMIN]))
    (delivery,) = await rows(scene.database, WebhookDelivery)
    assert delivery.status is DeliveryStatus.DEAD
    return delivery  # type: ignore[no-any-return]


@case("webhooks.create_endpoint")
async def an_endpoint(scene: Scene) -> Any:
    return lambda tx: webhooks.create_endpoint(tx, WISH, ADMIN), lambda got: got[0].url == WISH.url


@case("webhooks.change_endpoint")
async def an_endpoint_changed_and_switched_off(scene: Scene) -> Any:
    id = (await turn(scene)).endpoint.id
    changes: Any = {"events": [], "disabled": True}
    return lambda tx: webhooks.change_endpoint(tx, id, changes, ADMIN), lambda got: got.disabled_at is not None


@case("webhooks.change_endpoint")
async def an_endpoint_switched_on(scene: Scene) -> Any:
    id = (await endpoint(scene)).id
    await scene.database.write(TENANT, lambda tx: webhooks.change_endpoint(tx, id, {"disabled": True}, ADMIN))
    changes: Any = {"disabled": False}
    return lambda tx: webhooks.change_endpoint(tx, id, changes, ADMIN), lambda got: got.disabled_at is None


@case("webhooks.delete_endpoint")
async def an_endpoint_removed(scene: Scene) -> Any:
    id = (await turn(scene)).endpoint.id
    return lambda tx: webhooks.delete_endpoint(tx, id, ADMIN), lambda got: got is None


@case("webhooks.rotate_secret")
async def a_secret_rotated(scene: Scene) -> Any:
    id, overlap = (await endpoint(scene)).id, timedelta(hours=24)
    verb = lambda tx: webhooks.rotate_secret(tx, id, overlap, ADMIN)  # noqa: E731
    return verb, lambda got: got[0].previous_secret is not None


@case("webhook_queue.ping_endpoint")
async def a_ping(scene: Scene) -> Any:
    id = (await endpoint(scene)).id
    return lambda tx: webhook_queue.ping_endpoint(tx, id, ADMIN), lambda got: got.event == "ping"


@case("webhook_queue.replay_delivery")
async def a_replay(scene: Scene) -> Any:
    one = await lost(scene)
    verb = lambda tx: webhook_queue.replay_delivery(tx, one.endpoint_id, one.id, ADMIN)  # noqa: E731
    return verb, lambda got: got.message_id == one.id


@case("webhook_queue.replay_dead")
async def a_replay_of_all(scene: Scene) -> Any:
    one = await lost(scene)
    verb = lambda tx: webhook_queue.replay_dead(tx, one.endpoint_id, NOON, ADMIN)  # noqa: E731
    return verb, lambda got: got == (1, False)


@case("seal.seal_next")
async def sealed_for_a_webhook(scene: Scene) -> Any:
    await endpoint(scene)
    await scene.asked()
    return seal.seal_next, lambda got: got > 0


@case("webhook_sending.take_turn")
async def a_turn(scene: Scene) -> Any:
    made = await turn(scene)
    scene.clock.forward(minutes=1)
    return lambda tx: webhook_sending.take_turn(tx, made.endpoint.id), lambda got: got.delivery == made.delivery


@case("webhook_sending.let_go")
async def a_turn_given_back(scene: Scene) -> Any:
    made = await turn(scene)
    return lambda tx: webhook_sending.let_go(tx, made), lambda got: got is None


@case("webhook_sending.settle_try")
async def a_delivery_that_arrived(scene: Scene) -> Any:
    made = await turn(scene)
    return lambda tx: webhook_sending.settle_try(tx, made, Tried(204), [ADMIN]), lambda got: got.delivery is None


@case("webhook_sending.settle_try")
async def a_delivery_that_is_tried_again(scene: Scene) -> Any:
    made = await turn(scene)
    return lambda tx: webhook_sending.settle_try(tx, made, BAD, [ADMIN]), lambda got: got.at is not None


@case("webhook_sending.settle_try")
async def a_delivery_given_up(scene: Scene) -> Any:
    made = await turn(scene, 8)
    return lambda tx: webhook_sending.settle_try(tx, made, BAD, [ADMIN]), lambda got: got.delivery is None


@case("webhook_sending.settle_try")
async def an_endpoint_that_is_gone(scene: Scene) -> Any:
    made = await turn(scene)
    return lambda tx: webhook_sending.settle_try(tx, made, Tried(410, "HTTP 410"), [ADMIN]), lambda got: got is None


@case("webhook_sending.forget_deliveries")
async def deliveries_forgotten(scene: Scene) -> Any:
    await lost(scene)
    scene.clock.forward(days=91)
    return webhook_sending.forget_deliveries, lambda got: got is False


@case("keys.rotate_key")
async def a_key_rotated(scene: Scene) -> Any:
    key, _ = await scene.database.write(TENANT, lambda tx: keys.create_key(tx, KeyKind.OPERATOR, ADMIN))
    verb = lambda tx: keys.rotate_key(tx, key.id, timedelta(hours=24))  # noqa: E731
    return verb, lambda got: got[0].principal == ADMIN
