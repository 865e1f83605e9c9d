"""`/webhooks`: who is told of events, and what became of every event they were told; by admins, signed."""

from aiohttp import web

from bot.api.bodies import read_body
from bot.api.cursors import next_after
from bot.api.endpoints import Endpoint, Query, Who
from bot.api.errors import answer
from bot.api.principals import Callers
from bot.api.queries import CURSOR, LIMIT, PAGING
from bot.api.webhooks import bodies as webhook_bodies
from bot.api.webhooks.wire import (
    DeletedJson,
    DeliveriesJson,
    DeliveryJson,
    ReplayedJson,
    WebhookJson,
    WebhookSecretJson,
    WebhooksJson,
    delivery_json,
    webhook_json,
)
from bot.net.targets import target_of
from bot.office import Office
from governance.errors import Unprocessable
from governance.roles import Role, check_role
from operations import webhook_queue
from operations import webhooks as operation
from storage import webhooks
from storage.tables import DeliveryStatus, WebhookEndpoint

_STANDING: Query[DeliveryStatus | None] = Query("status", DeliveryStatus, "Only those that stand so.")


class Webhooks:
    """Handlers of `/webhooks`."""

    def __init__(self, office: Office, callers: Callers) -> None:
        self._office, self._callers, self._database = office, callers, office.database

    def endpoints(self) -> list[Endpoint]:
        """Return the addresses, and what each takes and answers."""
        one, bodies_ = "/webhooks/{id}", webhook_bodies
        made, told, op = {201: WebhookSecretJson}, {202: DeliveryJson}, Who.OPERATOR
        return [
            Endpoint("GET", "/webhooks", self.index, op, {200: WebhooksJson}, query=PAGING),
            Endpoint("POST", "/webhooks", self.create, op, made, bodies_.WebhookBody, refuses=(409, 503)),
            Endpoint("GET", one, self.read, op, {200: WebhookJson}, refuses=(404,)),
            Endpoint("PATCH", one, self.change, op, {200: WebhookJson}, bodies_.WebhookChangeBody, refuses=(404, 503)),
            Endpoint("DELETE", one, self.delete, op, {200: DeletedJson}, refuses=(404,)),
            Endpoint("POST", f"{one}/rotate", self.rotate, op, {200: WebhookSecretJson}, bodies_.RotateBody,
                     refuses=(404, 409, 503)),
            Endpoint("POST", f"{one}/test", self.ping, op, told, refuses=(404, 409, 503)),
            Endpoint("GET", f"{one}/deliveries", self.deliveries, op, {200: DeliveriesJson}, query=(_STANDING, *PAGING),
                     refuses=(404,)),
            Endpoint("POST", f"{one}/deliveries/{{did}}/replay", self.replay_one, op, told, refuses=(404, 409, 503)),
            Endpoint("POST", f"{one}/replay", self.replay, op, {202: ReplayedJson}, bodies_.ReplayBody,
                     refuses=(404, 409, 503)),
        ]  # fmt: skip

    async def index(self, request: web.Request) -> web.Response:
        """List webhooks, newest first."""
        await self._admin(request, tightens=True)
        limit, before = LIMIT.read(request), CURSOR.read(request)
        async with self._database.read(self._office.tenant) as tx:
            page = await webhooks.page(tx, before, limit + 1)
            shown = [webhook_json(one, tx.now) for one in page[:limit]]
        more = next_after(page, limit)
        return answer({"items": shown, "next_cursor": more})

    async def create(self, request: web.Request) -> web.Response:
        """Have an address told of events. Its secret is in this answer and nowhere else."""
        by = await self._admin(request)
        body, _ = await read_body(request, webhook_bodies.WebhookBody)
        target_of(body.url, private=self._office.policy.current.private_webhooks)
        self._check_agents(body.agents)
        events = tuple(dict.fromkeys(one.value for one in body.events))
        wish = operation.Wish(body.url, events, tuple(dict.fromkeys(body.agents)), body.description or None)
        row, secret = await self._database.write(
            self._office.tenant, lambda tx: operation.create_endpoint(tx, wish, by)
        )
        return answer(self._with_secret(row, secret), 201)

    async def read(self, request: web.Request) -> web.Response:
        """Read one webhook."""
        await self._admin(request, tightens=True)
        return answer(webhook_json(await self._found(request), self._database.clock()))

    async def change(self, request: web.Request) -> web.Response:
        """Change which events and agents a webhook is told of, or switch it off and on."""
        by, id = await self._admin(request), request.match_info["id"]
        body, _ = await read_body(request, webhook_bodies.WebhookChangeBody)
        changes = body.model_dump(mode="json", include=body.model_fields_set)
        self._check_agents(changes.get("agents", []))
        row = await self._database.write(self._office.tenant, lambda tx: operation.change_endpoint(tx, id, changes, by))
        return answer(webhook_json(row, self._database.clock()))

    async def delete(self, request: web.Request) -> web.Response:
        """Remove a webhook and its secrets; what it was still to be told is given up."""
        by, id = await self._admin(request, tightens=True), request.match_info["id"]
        await self._database.write(self._office.tenant, lambda tx: operation.delete_endpoint(tx, id, by))
        return answer({"id": id, "deleted": True})

    async def rotate(self, request: web.Request) -> web.Response:
        """Give a webhook a new secret. For `overlap_hours` the one before it signs as well."""
        by, id = await self._admin(request), request.match_info["id"]
        body, _ = await read_body(request, webhook_bodies.RotateBody)
        row, secret = await self._database.write(
            self._office.tenant, lambda tx: operation.rotate_secret(tx, id, body.overlap, by)
        )
        return answer(self._with_secret(row, secret))

    async def ping(self, request: web.Request) -> web.Response:
        """Send a webhook a ping; its delivery tells whether it arrived."""
        by, id = await self._admin(request), request.match_info["id"]
        row = await self._database.write(self._office.tenant, lambda tx: webhook_queue.ping_endpoint(tx, id, by))
        return answer(delivery_json(row), 202)

    async def deliveries(self, request: web.Request) -> web.Response:
        """List what a webhook was told and is to be told, newest first."""
        await self._admin(request, tightens=True)
        limit, before, status = LIMIT.read(request), CURSOR.read(request), _STANDING.read(request)
        row = await self._found(request)
        async with self._database.read(self._office.tenant) as tx:
            page = await webhooks.deliveries(tx, row.id, status, before, limit + 1)
        more = next_after(page, limit)
        return answer({"items": [delivery_json(one) for one in page[:limit]], "next_cursor": more})

    async def replay_one(self, request: web.Request) -> web.Response:
        """Send one delivery again, under the `webhook-id` it had."""
        by, id, which = await self._admin(request), request.match_info["id"], request.match_info["did"]
        row = await self._database.write(
            self._office.tenant, lambda tx: webhook_queue.replay_delivery(tx, id, which, by)
        )
        return answer(delivery_json(row), 202)

    async def replay(self, request: web.Request) -> web.Response:
        """Send again what was given up since a moment, oldest first, at most 1000 at once."""
        by, id = await self._admin(request), request.match_info["id"]
        body, _ = await read_body(request, webhook_bodies.ReplayBody)
        count, more = await self._database.write(
            self._office.tenant, lambda tx: webhook_queue.replay_dead(tx, id, body.since, by)
        )
        return answer({"replayed": count, "more": more}, 202)

    async def _admin(self, request: web.Request, *, tightens: bool = False) -> str:
        """Return the admin who signed the call. Raises what `Callers.governor` raises, and Forbidden."""
        operator = await self._callers.governor(request, tightens=tightens)
        check_role(operator.role, Role.ADMIN, "look at webhooks and change them")
        return operator.person

    async def _found(self, request: web.Request) -> WebhookEndpoint:
        async with self._database.read(self._office.tenant) as tx:
            row = await tx.get(WebhookEndpoint, request.match_info["id"])
        if row is None:
            raise operation.unknown_webhook()
        return row

    def _check_agents(self, agents: list[str]) -> None:
        known = self._office.policy.current.agents
        for one in agents:
            if one not in known:
                raise Unprocessable(f"agents: there is no agent {one!r} in the policy.")

    def _with_secret(self, row: WebhookEndpoint, secret: str) -> WebhookSecretJson:
        return {**webhook_json(row, self._database.clock()), "secret": secret}
