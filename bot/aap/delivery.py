"""Telling instances that a request of theirs is resolved; what came of it they read themselves."""

import random
from datetime import timedelta

import aiohttp

from bot.aap.sender import Message, check_url, post
from bot.api.bodies import moment
from bot.office import Office
from governance.canonical import canonical
from governance.errors import Unprocessable
from scheduler.ports import Held, Undeliverable
from storage import aap, outbox
from storage.keyring import KeyProblem
from storage.tables import AapInstance, OutboxMessage

WINDOW = timedelta(days=7)
AT_ONCE = 4  #: of all deliveries of a process, in a lane of their own: slow receivers hold up nothing else
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(hours=1)


class Notifications:
    """The handler of what is owed to instances of one workspace."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def deliver(self, message: OutboxMessage) -> None:
        """Make one attempt; a message whose instance is gone, or is to be notified no more, is settled silently."""
        async with self._office.database.read(self._office.tenant) as tx:
            instance = await aap.instance(tx, message.payload["instance_id"])
        if instance is None or instance.url is None:
            return
        now = self._office.database.clock()
        if now - message.created_at >= WINDOW:
            raise Undeliverable("no receiver acknowledged it within seven days")
        private = self._office.policy.current.private_webhooks
        try:
            check_url(instance.url, allow_private=private)
            reply = await post(instance.url, self._signed(message, instance), now, allow_private=private)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, Unprocessable, KeyProblem) as error:
            await self._later(message, type(error).__name__, None)
        else:
            if not 200 <= reply.status < 300:
                await self._later(message, f"HTTP {reply.status}", reply.retry_after)

    def _signed(self, message: OutboxMessage, instance: AapInstance) -> Message:
        told = {
            "id": message.subject, "type": "request.resolved", "created_at": moment(message.created_at),
            "instance_id": instance.id, "request_id": message.payload["request_id"],
        }  # fmt: skip
        secret = self._office.database.keys.sealer.unseal(instance.sealed_secret or "v0::", instance.id)
        return Message(message.subject, canonical(told), secret.decode())

    async def _later(self, message: OutboxMessage, error: str, retry_after: timedelta | None) -> None:
        """Put a message back: the longer it has waited, the longer it waits, by its age and not by its attempts."""
        now = self._office.database.clock()
        spread = 1 + random.random() / 4  # noqa: S311 - receivers that came back are not to be met all at once
        wait = max(_SHORTEST, min((now - message.created_at) * spread, _LONGEST), retry_after or timedelta())
        at = min(now + wait, message.created_at + WINDOW)
        await self._office.database.write(
            self._office.tenant, lambda tx: outbox.again(tx, message, at, error, certain=False, blameless=True)
        )
        raise Held
