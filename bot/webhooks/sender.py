"""Sending what webhooks are to be told: one POST at a time to each, signed afresh at every try."""

import asyncio
import logging
from contextlib import suppress
from time import monotonic

import aiohttp

from bot.net import new_session
from bot.net.standard_webhooks import retry_after, sign
from bot.net.targets import target_of
from governance.errors import Unprocessable
from governance.text import cut, visible
from operations.webhook_sending import Tried, Turn, let_go, settle_try, take_turn
from operations.webhooks import host_of
from scheduler.ports import Handler, HasPolicy, Postponed
from storage.database import Database
from storage.keyring import KeyProblem
from storage.outbox import Owed
from storage.tables import OutboxMessage, WebhookDelivery, WebhookEndpoint

log = logging.getLogger(__name__)

#: How many endpoints are told at once. A slow one takes one of these places, and gives it back between its events.
AT_ONCE = 20

_TIMEOUT = aiohttp.ClientTimeout(total=15, sock_connect=8)
_STINT = 8.0  # seconds; with one more try it stays below the leases of message and endpoint
_READ, _READING = 4096, 1.0  # bytes and seconds of an answer, so that its sender may end in peace; nobody looks at them

#: One sentence for everything short of an answer, so that nobody learns from it what listens where.
NO_ANSWER = "no answer over HTTP came from this address; the server's log says more"
NOT_ALLOWED = "the policy does not allow this address any more"
NO_SECRET = "its secret cannot be read; the server's log says why"  # noqa: S105


class Webhooks:
    """Pays what is owed to webhooks, of every workspace; none of it waits for Slack."""

    def __init__(self, database: Database, policies: HasPolicy) -> None:
        self._database, self._policies = database, policies
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    def handlers(self) -> dict[str, Handler]:
        """Return the handler of the one kind of message this is."""
        return {Owed.WEBHOOK: self.tell}

    async def close(self) -> None:
        """Close every connection."""
        for session in self._sessions.values():
            await session.close()

    async def tell(self, message: OutboxMessage) -> None:
        """Tell an endpoint what is due, for a while. Raises Postponed while there is more, now or later."""
        tenant, began = message.tenant, monotonic()
        turn = await self._database.write(tenant, lambda tx: take_turn(tx, message.subject))
        while turn is not None and turn.delivery is not None:
            if monotonic() - began > _STINT:
                await self._rest(tenant, turn)
            tried = await self._try(turn.endpoint, turn.delivery)
            turn = await self._settle(tenant, turn, tried)
            if turn is not None and turn.delivery is not None and not tried.arrived:
                await self._rest(tenant, turn, after=max(1.0, monotonic() - began))
        if turn is not None and turn.at is not None:
            raise _later((turn.at - self._database.clock()).total_seconds())

    async def _rest(self, tenant: str, turn: Turn, after: float = 0.0) -> None:
        """Give the place to another endpoint; one that took nothing leaves it for as long as it had it."""
        await self._database.write(tenant, lambda tx: let_go(tx, turn))
        raise _later(after)

    async def _settle(self, tenant: str, turn: Turn, tried: Tried) -> Turn | None:
        admins = self._policies.of(tenant).admins
        return await self._database.write(tenant, lambda tx: settle_try(tx, turn, tried, admins))

    async def _try(self, endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> Tried:
        """Send one delivery once. Never raises for what the other side, the network or the policy does."""
        private = self._policies.of(endpoint.tenant).private_webhooks
        try:
            url = target_of(endpoint.url, private=private)
            headers = self._headers(endpoint, delivery)
            async with self._session(private).post(
                url, data=delivery.body.encode(), headers=headers, allow_redirects=False, timeout=_TIMEOUT
            ) as response:
                with suppress(aiohttp.ClientError, TimeoutError, OSError):
                    async with asyncio.timeout(_READING):
                        await response.content.read(_READ)
                return self._read(response)
        except Unprocessable:
            return Tried(error=NOT_ALLOWED)
        except KeyProblem as problem:
            log.error("webhook %s cannot be told of anything: %s", endpoint.id, problem)
            return Tried(error=NO_SECRET)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            log.info("webhook %s at %s: %s", endpoint.id, host_of(endpoint), _trouble(error))
            return Tried(error=NO_ANSWER)

    def _read(self, response: aiohttp.ClientResponse) -> Tried:
        """Return what an answer says: its status alone counts."""
        status = response.status
        if 200 <= status < 300:
            return Tried(status)
        is_elsewhere = 300 <= status < 400
        error = f"HTTP {status}" + ("; redirects are not followed" if is_elsewhere else "")
        return Tried(status, error, retry_after(response.headers.get("Retry-After"), self._database.clock()))

    def _headers(self, endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> dict[str, str]:
        """Return the headers of one try: the id never changes, timestamp and signatures are fresh."""
        now, unseal = self._database.clock(), self._database.keys.sealer.unseal
        sealed = [endpoint.sealed_secret]
        if endpoint.previous_secret and endpoint.previous_until and endpoint.previous_until > now:
            sealed.append(endpoint.previous_secret)
        id, timestamp, body = delivery.message_id, str(int(now.timestamp())), delivery.body.encode()
        signatures = [sign(unseal(one, endpoint.id).decode(), id, timestamp, body) for one in sealed]
        return {
            "Content-Type": "application/json", "User-Agent": "Countersign-Webhooks", "webhook-id": id,
            "webhook-timestamp": timestamp, "webhook-signature": " ".join(signatures),
        }  # fmt: skip

    def _session(self, private: bool) -> aiohttp.ClientSession:
        if private not in self._sessions:
            self._sessions[private] = new_session(guarded=not private)
        return self._sessions[private]


def _trouble(error: Exception) -> str:
    """Return an error for the log, on one line and without the address: its path may be a secret of the receiver."""
    kind = type(error).__name__
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.InvalidURL):
        return kind
    return f"{kind} ({cut(visible(str(error)), 300)})"


def _later(seconds: float) -> Postponed:
    return Postponed("more is to be told", after=max(0.0, seconds), certain=True, blameless=True)
