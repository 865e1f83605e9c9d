"""`/v1/instances`: a provisioner makes, looks at, changes and deletes instances of its agent."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from bot.aap import wire
from bot.aap.bodies import DeliveryBody, InstanceBody, InstanceChangeBody, key_of, read_body
from bot.aap.callers import AapCallers
from bot.aap.sender import Message, check_url, post
from bot.api.bodies import moment
from bot.api.endpoints import Endpoint, Who
from bot.api.errors import answer
from bot.office import Office
from governance.canonical import canonical, parse_strict
from governance.errors import Malformed, NotFound, NotStrictJson, TooMany, Unprocessable
from operations import aap_instances as operation
from operations.aap_instances import Change, Delivery, Draft
from storage import aap
from storage.tables import AapInstance, AapProvisioner

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEYED = ("Idempotency-Key",)
_AT_ONCE = 8  # receivers that are asked to verify at the same moment


class Instances:
    """Handlers of `/v1/instances`."""

    def __init__(self, office: Office, callers: AapCallers) -> None:
        self._office, self._callers = office, callers
        self._turns: dict[tuple[str, str], asyncio.Lock] = {}
        self._asking = 0

    def endpoints(self) -> list[Endpoint]:
        """Return the addresses that are answered here."""
        one, told = "/v1/instances/{id}", {200: wire.InstanceJson}
        made = {201: wire.ProvisionedJson, 200: wire.ProvisionedJson}
        by = Who.PROVISIONER
        return [
            Endpoint("POST", "/v1/instances", self.create, by, made, InstanceBody, refuses=(409, 422), needs=_KEYED),
            Endpoint("GET", one, self.read, by, told, refuses=(404,)),
            Endpoint("PATCH", one, self.change, by, told, InstanceChangeBody, refuses=(404, 409, 422),
                     needs=_KEYED),
            Endpoint("DELETE", one, self.delete, by, {204: None}, refuses=(404,)),
        ]  # fmt: skip

    async def create(self, request: web.Request) -> web.Response:
        """`POST /v1/instances`: make an instance with a key of its own; its receiver must answer first."""
        by, key = await self._callers.provisioner(request), key_of(request)
        body, _ = await read_body(request, InstanceBody)
        async with self._turn(by, key):
            return await self._create(by, key, body)

    async def _create(self, by: AapProvisioner, key: str, body: InstanceBody) -> web.Response:
        submission = body.model_dump(exclude_unset=True)
        async with self._office.database.read(self._office.tenant) as tx:
            earlier = operation.check_repeats(tx, await aap.instance_under(tx, by.id, key), submission)
        if earlier is not None:
            return self._provisioned(earlier, 200)
        instance_id = str(uuid.uuid4())
        delivery = await self._verified(body.delivery, instance_id) if body.delivery else None
        name = body.instance_name or f"{by.agent_id}-{instance_id[:8]}"
        draft = Draft(instance_id, key, submission, name, delivery)
        instance, is_new = await self._office.database.write(
            self._office.tenant, lambda tx: operation.create_instance(tx, by, draft)
        )
        return self._provisioned(instance, 201 if is_new else 200)

    def _provisioned(self, instance: AapInstance, status: int) -> web.Response:
        token = operation.token_of(self._office.database.keys, instance)
        return answer({"instance": wire.instance_json(instance), "credential": {"token": token}}, status)

    async def read(self, request: web.Request) -> web.Response:
        """`GET /v1/instances/{id}`: an instance, without its key."""
        by = await self._callers.provisioner(request)
        return answer(wire.instance_json(await self._own(request, by)))

    async def change(self, request: web.Request) -> web.Response:
        """`PATCH /v1/instances/{id}`: another name, another receiver, or with a delivery of null none."""
        by, key = await self._callers.provisioner(request), key_of(request)
        body, _ = await read_body(request, InstanceChangeBody)
        async with self._turn(by, f"{_id_of(request)} {key}"):
            return answer(await self._change(by, await self._own(request, by), key, body))

    async def _change(
        self, by: AapProvisioner, instance: AapInstance, key: str, body: InstanceChangeBody
    ) -> object:  # fmt: skip
        submission = body.model_dump(exclude_unset=True)
        removes = "delivery" in submission and body.delivery is None
        change = Change(key, submission, body.instance_name, None, removes)
        async with self._office.database.read(self._office.tenant) as tx:
            earlier = await operation.repeated_change(tx, by, instance, change)
        if earlier is not None:
            return earlier
        delivery = await self._verified(body.delivery, instance.id) if body.delivery else None
        change = Change(key, submission, body.instance_name, delivery, removes)
        return await self._office.database.write(
            self._office.tenant,
            lambda tx: operation.change_instance(tx, by, instance.id, change, wire.instance_json),
        )

    async def delete(self, request: web.Request) -> web.Response:
        """`DELETE /v1/instances/{id}`: its key works no more, what waits is cancelled; again is fine."""
        by, id = await self._callers.provisioner(request), _id_of(request)
        await self._office.database.write(
            self._office.tenant, lambda tx: operation.delete_instance(tx, by, id)
        )  # fmt: skip
        return web.Response(status=204)

    async def _own(self, request: web.Request, by: AapProvisioner) -> AapInstance:
        async with self._office.database.read(self._office.tenant) as tx:
            return operation.own(await tx.get(AapInstance, _id_of(request)), by)

    async def _verified(self, body: DeliveryBody, instance_id: str) -> Delivery:
        """Ask a receiver whether it expects this registration; one attempt. Raises Unprocessable or TooMany."""
        if body.type != "webhook":
            raise Unprocessable("delivery/type: only webhook is known.", code="unsupported_delivery_type")
        private = self._office.policy.current.private_webhooks
        check_url(body.url, allow_private=private)
        if self._asking >= _AT_ONCE:
            raise TooMany("Many receivers are being verified; try again shortly.", details={"retry_after": 2})
        self._asking += 1
        try:
            challenge, message = self._challenge(body, instance_id)
            if not await _answers(body.url, message, challenge, self._office, allow_private=private):
                sentence = "delivery: the receiver did not answer the challenge within ten seconds."
                raise Unprocessable(sentence, code="webhook_verification_failed")
        finally:
            self._asking -= 1
        return Delivery(body.url, body.registration_id, body.signing_secret)

    def _challenge(self, body: DeliveryBody, instance_id: str) -> tuple[str, Message]:
        challenge, message_id = str(uuid.uuid4()), str(uuid.uuid4())
        told = {
            "id": message_id, "type": "webhook.verification", "registration_id": body.registration_id,
            "instance_id": instance_id, "created_at": moment(self._office.database.clock()), "challenge": challenge,
        }  # fmt: skip
        return challenge, Message(message_id, canonical(told), body.signing_secret)

    @asynccontextmanager
    async def _turn(self, by: AapProvisioner, key: str) -> AsyncIterator[None]:
        """Let one call under a key through at a time, so that its receiver is asked once."""
        lock = self._turns.setdefault((by.id, key), asyncio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked():
                self._turns.pop((by.id, key), None)


async def _answers(url: str, message: Message, challenge: str, office: Office, *, allow_private: bool) -> bool:
    try:
        reply = await post(url, message, office.database.clock(), allow_private=allow_private)
        return reply.status == 200 and bool(parse_strict(reply.body) == {"challenge": challenge})
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, Malformed, NotStrictJson):
        return False


def _id_of(request: web.Request) -> str:
    """Return the id in the address. Raises NotFound for what is none."""
    found = request.match_info["id"].lower()
    if not _UUID.fullmatch(found):
        raise NotFound("There is no instance of yours under this id.", code="not_found")
    return found
